"""What control groups allow, read from made-up trees of version 1 and 2, and the cores and shares that follow."""

import os
from pathlib import Path

import pytest

from satlib.support import cores
from satlib.support.control_groups import cpu_quota, memory_left, memory_limit


@pytest.fixture
def tree(tmp_path: Path):
    """Return a function that writes /proc/self/cgroup and files of groups, and returns the root."""

    def write(membership: str, files: dict[str, str]) -> Path:
        for name, text in {
            "proc/self/cgroup": membership,
            **{f"sys/fs/cgroup/{k}": v for k, v in files.items()},
        }.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text + "\n")
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "150000 100000", "cpu.max": "400000 100000"}, 1.5),
        ("0::/", {"cpu.max": "200000 100000"}, 2.0),
        ("0::/a", {"a/cpu.max": "max 100000"}, None),
        ("0::/outside/of/here", {"cpu.max": "50000 100000"}, 0.5),
        ("4:cpu,x:/a", {"cpu,x/a/cpu.cfs_quota_us": "300000", "cpu,x/a/cpu.cfs_period_us": "100000"}, 3.0),
        ("4:cpu:/a", {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"}, None),
        ("4:cpu,cpuacct:/x", {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "50000"}, 2.0),
        ("9:cpuset:/\n1:name=systemd:/\n0::/a", {"unified/a/cpu.max": "100000 100000"}, 1.0),
        ("0::/", {"cpu.max": "nonsense"}, None),
        ("0::/", {}, None),
    ],
)
def test_the_smallest_quota_counts(tree, membership, files, quota) -> None:
    assert cpu_quota(tree(membership, files)) == quota


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        ("0::/a/b", {"a/b/memory.max": "max", "a/memory.max": "4096"}, 4096),
        ("4:memory:/a", {"memory/a/memory.limit_in_bytes": "8192"}, 8192),
        ("4:memory:/a", {"memory/a/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("0::/", {}, None),
    ],
)
def test_the_smallest_memory_limit_counts(tree, membership, files, limit) -> None:
    assert memory_limit(tree(membership, files)) == limit


@pytest.mark.parametrize(
    ("membership", "files", "left"),
    [
        ("0::/a", {"a/memory.max": "1000", "a/memory.current": "300"}, 700),
        ("0::/a", {"a/memory.max": "1000", "a/memory.current": "1300"}, 0),
        (
            "0::/a/b",
            {"a/b/memory.max": "900", "a/b/memory.current": "0", "a/memory.max": "1000", "a/memory.current": "800"},
            200,
        ),
        ("4:memory:/a", {"memory/a/memory.limit_in_bytes": "8192", "memory/a/memory.usage_in_bytes": "8000"}, 192),
        ("0::/", {"memory.max": "max", "memory.current": "5"}, None),
        ("0::/", {"memory.max": "?", "memory.current": "1"}, None),
    ],
)
def test_what_is_left_is_that_of_the_tightest_group(tree, membership, files, left) -> None:
    assert memory_left(tree(membership, files)) == left


def test_without_proc_nothing_is_limited(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) is None and memory_limit(tmp_path) is memory_left(tmp_path) is None
    assert cores.allowed(tmp_path) == cores.in_affinity()


@pytest.mark.parametrize(
    ("quota", "expected"), [("50000", 1), ("150000", 2), ("200000", 2), ("6400000", 8), ("max", 8)]
)
def test_cores_are_those_of_affinity_and_quota(tree, monkeypatch, quota, expected) -> None:
    monkeypatch.setattr(cores, "in_affinity", lambda: 8)
    assert cores.allowed(tree("0::/", {"cpu.max": f"{quota} 100000"})) == expected


def test_affinity_is_asked_where_the_system_knows_it(monkeypatch) -> None:
    assert cores.in_affinity() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores.in_affinity() == os.cpu_count()


def test_shares_are_whole_cores_and_at_least_one(monkeypatch) -> None:
    monkeypatch.setattr(cores, "in_affinity", lambda: 7)
    monkeypatch.setattr(cores, "cpu_quota", lambda root: None)
    assert [cores.share(n) for n in (1, 2, 3, 7, 20)] == [7, 3, 2, 1, 1]
