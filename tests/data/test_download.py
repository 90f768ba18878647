"""Downloads from a server on this machine: whole, resumed, slow, refused, damaged, and onto a full disk."""

import errno
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from loopback import Site, serving
from processes import PATIENCE

from satlib.data import download as module
from satlib.data.download import download

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving({"set.zip": CONTENT}) as site:
        yield site


def get(site: Site, folder: Path, *, size: int | None = None, sha256: str | None = None, **options: object) -> Path:
    target = folder / "set.zip"
    timeout, waits = options.pop("timeout", PATIENCE), options.pop("waits", (0.0, 0.0))
    assert not options
    receipt = download(
        site.address("set.zip"), target, size=size, sha256=sha256, report=lambda *_: None, timeout=timeout, waits=waits
    )
    assert receipt == (len(target.read_bytes()), hashlib.sha256(target.read_bytes()).hexdigest())
    assert [path.name for path in folder.iterdir()] == ["set.zip"]
    return target


def test_whole(site: Site, tmp_path: Path) -> None:
    assert get(site, tmp_path, size=len(CONTENT), sha256=SHA256).read_bytes() == CONTENT
    assert len(site.requests) == 1


def test_progress_is_told_from_nothing_to_all(site: Site, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    download(site.address("set.zip"), tmp_path / "a", report=lambda done, total: told.append((done, total)))
    assert told[0] == (0, len(CONTENT)) and told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


def test_slow_server(site: Site, tmp_path: Path) -> None:
    site.pause, site.piece = 0.02, 1 << 17
    assert get(site, tmp_path, timeout=PATIENCE).read_bytes() == CONTENT
    assert len(site.requests) == 1


def test_silent_server_counts_as_dropped_and_is_resumed(site: Site, tmp_path: Path) -> None:
    site.silent, site.drops = True, [1 << 18]
    assert get(site, tmp_path, timeout=1.0).read_bytes() == CONTENT
    assert site.requests[1].get("Range") is not None


def test_dropped_half_way_is_resumed_without_sending_twice(site: Site, tmp_path: Path) -> None:
    site.drops = [300_000, 200_000]
    assert get(site, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert [r.get("Range") for r in site.requests] == [None, "bytes=300000-", "bytes=500000-"]
    assert site.sent == len(CONTENT)


def test_interrupted_program_goes_on_later(site: Site, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > 300_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(site.address("set.zip"), tmp_path / "set.zip", report=interrupt)
    kept = (tmp_path / "set.zip.part").stat().st_size
    assert 300_000 < kept < len(CONTENT) and not (tmp_path / "set.zip").exists()
    assert get(site, tmp_path).read_bytes() == CONTENT
    assert site.requests[1]["Range"] == f"bytes={kept}-"


def test_server_without_ranges_sends_all_again(site: Site, tmp_path: Path) -> None:
    site.ranges, site.drops = False, [300_000]
    assert get(site, tmp_path).read_bytes() == CONTENT
    assert site.sent == 300_000 + len(CONTENT)


def test_server_that_always_breaks_off_is_given_up(site: Site, tmp_path: Path) -> None:
    site.ranges, site.drops = False, [300_000] * 9
    with pytest.raises(OSError, match="try again later"):
        get(site, tmp_path)
    assert len(site.requests) == 4  # one that brought something, the waits, and the last


@pytest.mark.parametrize("etag", ['"2"', ""])
def test_changed_file_is_not_mixed_with_the_old_one(site: Site, tmp_path: Path, etag: str) -> None:
    site.drops, site.statuses = [300_000], [200, 403]
    with pytest.raises(OSError, match="answers 403"):
        get(site, tmp_path)
    assert (tmp_path / "set.zip.part").stat().st_size == 300_000
    site.files["set.zip"], site.etag = CONTENT[::-1], etag
    assert get(site, tmp_path).read_bytes() == CONTENT[::-1]


def test_part_of_unknown_version_is_used_only_if_a_checksum_will_tell(site: Site, tmp_path: Path) -> None:
    site.etag = ""
    for sha256, expected in ((None, 300_000 + len(CONTENT)), (SHA256, len(CONTENT))):
        site.drops, site.sent = [300_000], 0
        assert get(site, tmp_path, sha256=sha256).read_bytes() == CONTENT
        assert site.sent == expected
        (tmp_path / "set.zip").unlink()


def test_part_that_is_whole_already_is_taken(site: Site, tmp_path: Path) -> None:
    site.drops = [len(CONTENT)]
    site.lengths = False
    get(site, tmp_path)
    (tmp_path / "set.zip").replace(tmp_path / "set.zip.part")
    note = f'{{"url": "{site.address("set.zip")}", "validator": "\\"1\\""}}'
    (tmp_path / "set.zip.part.json").write_text(note)
    site.sent = 0
    assert get(site, tmp_path).read_bytes() == CONTENT  # answered with 416
    assert site.sent == 0


def test_part_that_is_too_long_is_thrown_away(site: Site, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(bytes(len(CONTENT) + 5))
    (tmp_path / "set.zip.part.json").write_text(f'{{"url": "{site.address("set.zip")}", "validator": "\\"1\\""}}')
    assert get(site, tmp_path).read_bytes() == CONTENT


def test_wrong_checksum_keeps_nothing(site: Site, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=f"the checksum {SHA256}, not {'0' * 64}"):
        get(site, tmp_path, sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_wrong_size_is_noticed_before_anything_is_read(site: Site, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="offers 1048576 bytes, but the file has 5"):
        get(site, tmp_path, size=5)
    assert list(tmp_path.iterdir()) == []


def test_more_than_announced_is_refused(site: Site, tmp_path: Path) -> None:
    site.lengths = False
    with pytest.raises(OSError, match="more than 5 bytes came"):
        get(site, tmp_path, size=5)


def test_web_page_is_not_taken_for_a_file(site: Site, tmp_path: Path) -> None:
    site.content_type = "text/html; charset=utf-8"
    with pytest.raises(OSError, match="web page, not the file"):
        get(site, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_wrong_part_is_refused(site: Site, tmp_path: Path) -> None:
    site.drops, site.wrong_range = [300_000], True
    with pytest.raises(OSError, match="asked for bytes from 300000 on, the server sends 'bytes 300001-"):
        get(site, tmp_path)


def test_missing_file_is_not_tried_again(site: Site, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing.zip: the server answers 404"):
        download(site.address("nothing.zip"), tmp_path / "a", report=lambda *_: None, waits=(0.0,))
    assert len(site.requests) == 1


def test_busy_server_is_tried_again(site: Site, tmp_path: Path) -> None:
    site.statuses = [503, 429]
    assert get(site, tmp_path).read_bytes() == CONTENT


def test_unreachable_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(OSError, match="the server cannot be reached"):
        download("http://127.0.0.1:1/x", tmp_path / "a", report=lambda *_: None, waits=(0.0,))


def test_full_disk_keeps_what_has_arrived(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, room = module._write, [600_000]

    def until_full(file: BinaryIO, chunk: bytes) -> None:
        room[0] -= len(chunk)
        write(Full(file.name) if room[0] < 0 else file, chunk)

    class Full:
        def __init__(self, name: str) -> None:
            self.name = name

        def write(self, chunk: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_write", until_full)
    with pytest.raises(OSError, match=r"set\.zip\.part cannot be written: No space left on device; what has arrived"):
        get(site, tmp_path)
    kept = (tmp_path / "set.zip.part").stat().st_size
    assert kept > 0 and len(site.requests) == 1
    room[0] = 2**40
    assert get(site, tmp_path).read_bytes() == CONTENT
    assert site.requests[1]["Range"] == f"bytes={kept}-"


def test_too_little_space_is_noticed_before(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 5, 5))
    with pytest.raises(OSError, match="has 5 bytes free, and 1048576 are to come"):
        get(site, tmp_path)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "set.zip"])
def test_only_http(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only http and https"):
        download(url, tmp_path / "a", report=lambda *_: None)
