"""Entries of OpenModelDB, against its schema."""

import hashlib
import json
from pathlib import Path

import jsonschema
import pytest
import torch

from satlib import SAT, SATConfig, load, save
from satlib.export.openmodeldb import write_entry
from satlib.weights import bundled

SCHEMA = json.loads((Path(__file__).parents[1] / "golden" / "openmodeldb.schema.json").read_text())
GOOD = {
    "urls": ["https://example.org/files/sat.safetensors"],
    "author": "some-body",
    "published": "2026-11-26",
    "license": "MIT",
    "description": "Small.",
    "tags": ["photo"],
}


def test_an_entry_keeps_the_schema_and_describes_the_file(tmp_path: Path) -> None:
    file = bundled("sat-tiny-x4")
    path = write_entry(torch.nn.DataParallel(load("sat-tiny-x4")), tmp_path / "4x-SAT-tiny.json", file=file, **GOOD)
    entry = json.loads(path.read_text())
    jsonschema.validate(entry, SCHEMA)
    (resource,) = entry["resources"]
    assert resource["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (resource["size"], resource["type"], resource["urls"]) == (file.stat().st_size, "safetensors", GOOD["urls"])
    assert (entry["name"], entry["scale"], entry["date"], entry["images"]) == ("SAT-tiny", 4, "2026-11-26", [])


def test_an_entry_without_a_license_keeps_the_schema(tmp_path: Path) -> None:
    options = {**GOOD, "license": None, "tags": []}
    path = write_entry(load("sat-tiny-x2"), tmp_path / "2x-a.json", file=bundled("sat-tiny-x2"), **options)
    jsonschema.validate(json.loads(path.read_text()), SCHEMA)


def test_an_entry_of_a_network_for_noise_in_grey_images_keeps_the_schema(tmp_path: Path) -> None:
    model = SAT(SATConfig.preset("sat-tiny", scale=1, in_channels=1))
    save(model, tmp_path / "a.safetensors")
    path = write_entry(model, tmp_path / "1x-a.json", file=tmp_path / "a.safetensors", **GOOD)
    entry = json.loads(path.read_text())
    jsonschema.validate(entry, SCHEMA)
    assert (entry["scale"], entry["inputChannels"], entry["outputChannels"]) == (1, 1, 1)


def test_the_schema_refuses_what_is_no_entry() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "a"}, SCHEMA)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"author": "some body"}, "author must be letters and digits, .* got 'some body'"),
        ({"author": ""}, "author must be"),
        ({"tags": ["a b"]}, "a tag must be .* got 'a b'"),
        ({"urls": []}, r"the addresses must be one or more, got \[\]"),
        ({"urls": ["file:///etc"]}, "an address must be https://host/path, got 'file:///etc'"),
        ({"published": "26.11.2026"}, "published must be a day, yyyy-mm-dd, got '26.11.2026'"),
        ({"published": "2026-02-30"}, "published must be a day"),
        ({"file": "a.onnx"}, "the file of weights must be"),
    ],
)
def test_bad_values_are_named_and_nothing_is_written(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    options = {"file": bundled("sat-tiny-x2"), **GOOD, **changed}
    with pytest.raises(ValueError, match=message):
        write_entry(load("sat-tiny-x2"), tmp_path / "2x-a.json", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.json", "2x-a.txt", "2x_a.json", "4x-a.json", "2x-a b.json"])
def test_the_name_of_the_file_is_the_id_of_the_entry(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"the entry's file must be .* got '{name}'"):
        write_entry(load("sat-tiny-x2"), tmp_path / name, file=bundled("sat-tiny-x2"), **GOOD)
