"""Checkpoints: whole or not there, the newest whole one is used, damage is found and named."""

from pathlib import Path

import pytest
import torch
from training_runs import config, network

from satlib import SAT
from satlib.training import checkpoints as states
from satlib.training.checkpoints import State, check_same_run, checkpoints, newest, read, save
from satlib.training.optimizer import Adam


def make(step: int = 0, seed: int = 0) -> State:
    torch.manual_seed(seed)
    c = config(Path("s"))
    model, average = SAT(network()), SAT(network())
    optimizer = Adam(model.parameters(), c)
    model(torch.rand(1, 3, 8, 8)).sum().backward()
    optimizer.step()
    return State(model, average, optimizer, step, 1.5, 30.25, step, torch.tensor([1.0, 2, 3, 0], dtype=torch.float64))


def test_everything_comes_back(tmp_path: Path) -> None:
    c, before, after = config(Path("s")), make(7), make(0, seed=1)
    after.restore(read(save(before, c, tmp_path)))
    assert (after.step, after.seconds, after.best, after.validated) == (7, 1.5, 30.25, 7)
    assert torch.equal(after.sums, before.sums) and after.average is not None and before.average is not None
    for a, b in ((after.model, before.model), (after.average, before.average)):
        assert all(map(torch.equal, a.state_dict().values(), b.state_dict().values()))
    for a, b in zip(after.optimizer.state.values(), before.optimizer.state.values(), strict=True):
        assert all(torch.equal(a[key], b[key]) for key in ("step", "exp_avg", "exp_avg_sq"))


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [("step", "7", "str"), ("seconds", None, "NoneType"), ("model", [], "list"), ("sums", 0.0, "float")],
)
def test_a_checkpoint_whose_content_is_something_else_is_damaged(
    tmp_path: Path, name: str, value: object, kind: str
) -> None:
    path = save(make(7), config(Path("s")), tmp_path)
    torch.save({**read(path), name: value}, path)
    with pytest.raises(ValueError, match=f"checkpoint .*step-00000007.pt is damaged: its {name} is {kind}$"):
        read(path)


def test_the_newest_are_kept(tmp_path: Path) -> None:
    c = config(Path("s"), keep=2)
    for step in (3, 20, 100):
        save(make(step), c, tmp_path)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000100.pt", "step-00000020.pt"]


@pytest.mark.parametrize("damage", ["flipped", "short", "empty", "text", "foreign", "code"])
def test_a_damaged_checkpoint_is_named_and_passed_over(tmp_path: Path, damage: str) -> None:
    c = config(Path("s"), keep=5)
    save(make(1), c, tmp_path)
    path = save(make(2), c, tmp_path)
    content = bytearray(path.read_bytes())
    weight = make(2).model.head.weight.detach().numpy().tobytes()
    content[content.index(weight) + 5] ^= 1
    replacement = {"flipped": bytes(content), "short": bytes(content[:-100]), "empty": b"", "text": b"hello"}
    if damage in replacement:
        path.write_bytes(replacement[damage])
    else:
        torch.save({"step": 2} if damage == "foreign" else {"format": Path("x")}, path)
    found, problems = newest(tmp_path)
    assert found is not None and found["step"] == 1
    assert len(problems) == 1 and str(path) in problems[0]


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    c = config(Path("s"), keep=1)
    save(make(1), c, tmp_path)

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(states.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left on device"):
        save(make(2), c, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001.pt"]
    assert newest(tmp_path)[0] is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": 0.5}, "learning_rate=0.001, not 0.5"),
        ({"seed": 3}, "seed=0, not 3"),
        ({"network": network(qk_ratio=1.0)}, "network.qk_ratio=0.5, not 1.0"),
        ({"steps": 500}, None),
        ({"workers": 3}, None),
    ],
)
def test_another_run_is_refused(tmp_path: Path, change: dict[str, object], message: str | None) -> None:
    content = read(save(make(1), config(Path("s")), tmp_path))
    other = config(Path("t"), **change)
    if message is None:
        check_same_run(other, content, tmp_path)
    else:
        with pytest.raises(ValueError, match=message):
            check_same_run(other, content, tmp_path)


def test_a_run_of_a_version_with_other_fields(tmp_path: Path) -> None:
    """A field that was not there then has its default; one that is not there any more is named."""
    ours = config(Path("s"))
    content = read(save(make(1), ours, tmp_path))
    del content["config"]["degradation"], content["config"]["network"]["selective"]
    check_same_run(ours, content, tmp_path)
    with pytest.raises(ValueError, match="network.selective='aggregate', not 'none'"):
        check_same_run(config(Path("s"), network=network(selective="none")), content, tmp_path)
    content["config"]["momentum"] = 0.5
    with pytest.raises(ValueError, match="a run of another version: .*momentum.*; choose another folder"):
        check_same_run(ours, content, tmp_path)


def test_the_sums_of_the_log_are_counted_by_name() -> None:
    state = make()
    state.sums.zero_()
    for loss, bad in ((2.0, False), (float("nan"), True), (float("inf"), True), (0.5, False), (float("nan"), True)):
        state.tally.add(torch.tensor(loss), torch.tensor(bad))
    assert state.sums.tolist() == [2.5, 2, 3, 1]
    assert (state.tally.skipped, state.tally.streak) == (3, 1)
    state.tally.next_line()
    assert state.sums.tolist() == [0, 0, 3, 1]
