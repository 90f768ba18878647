"""Evaluations in files: what is written is read again, and gains are those of pairs of images."""

import json
from pathlib import Path

import pytest

from satlib.evaluation import Evaluation, Protocol, Score, records
from satlib.weights.checkpoint import bundled


def found(model: str, levels: dict[str, float | None], data: str = "some") -> Evaluation:
    scores = tuple(Score(name, value, 0.9, None, 0.1) for name, value in levels.items())
    return Evaluation(model, data, Protocol(scale=2), scores, (("c.png", "too small"),), "cpu", 7)


BASE = found("bicubic", {"a.png": 30.0, "b.png": 31.5})
NET = found("net", {"b.png": 33.5, "a.png": 30.5})


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.json"
    equal = found("same", {"a.png": float("inf")})
    records.write(path, records.content([BASE, NET, equal]))
    assert records.read(path) == [BASE, NET, equal]
    values = json.loads(path.read_text())
    assert values["evaluations"][1]["command"] == "satlib evaluate net --data some --scale 2"
    assert (values["bicubic, some"], values["net, some"]) == (30.75, 32.0)


def says(whole: object, part: object) -> bool:
    """Return whether all that a part says stands in the whole, whose mappings may have more keys."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and says(whole[key], part[key]) for key in part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(whole) == len(part) and all(map(says, whole, part))
    return whole == part


@pytest.mark.parametrize("name", ["sat-tiny-x2", "sat-tiny-x4"])
def test_the_files_beside_the_weights_are_such_files(name: str) -> None:
    """They were written before there was a metric DISTS and a degradation: these are none."""
    values = json.loads(bundled(name).with_suffix(".json").read_text())
    found = records.recorded(name)
    assert says(records.content(found), values) and len(found) == 4
    assert all(one.protocol.degradation == () and one.images[0].dists is None for one in found)
    assert not says(records.content(found[:3]), values) and records.recorded("sat-x2") == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"evaluations": [1]}', '{"evaluations": [{"model": "a"}]}'])
def test_another_file_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"a\.json is no file of evaluations"):
        records.read(path)


def test_gains_are_of_the_same_image() -> None:
    assert records.gains([NET, BASE]) == {("some", "net"): [0.5, 2.0]}
    assert records.gains([BASE]) == {}


@pytest.mark.parametrize(
    "others",
    [
        [],
        [found("bicubic", {"a.png": 30.0})],
        [found("bicubic", {"a.png": 30.0, "b.png": 30.0, "c.png": 30.0})],
        [found("bicubic", {"a.png": 30.0, "b.png": None})],
        [found("bicubic", {"a.png": 30.0, "b.png": 31.5}, "other")],
    ],
)
def test_gains_need_the_same_images(others: list[Evaluation]) -> None:
    with pytest.raises(ValueError, match="net and bicubic must have the PSNR of the same images of some"):
        records.gains([NET, *others])
