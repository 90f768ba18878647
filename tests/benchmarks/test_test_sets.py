"""What is measured on test sets image by image: the programs on small images, and what they left."""

import argparse
import json

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import degraded, edges, options, reports
from benchmarks import test_sets as shared
from satlib import load, upscale
from satlib.analysis.edges import edge_shares, layer_centers
from satlib.evaluation import evaluate
from satlib.images.degradation import downscale
from satlib.metrics import psnr
from satlib.resize import imresize
from satlib.results import test_sets
from satlib.upscaling.models import get_model
from satlib.weights import bundled, bundled_names


@pytest.fixture
def folder(tmp_path):
    """Return a folder with seven noisy images of 56 x 48, the first of them grey."""
    rng = np.random.default_rng(0)
    for i in range(7):
        pixels = rng.integers(0, 256, (48, 56) if i == 0 else (48, 56, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    return tmp_path


@pytest.mark.parametrize(("most", "expected"), [(7, "0123456"), (4, "0246"), (3, "036"), (1, "0")])
def test_of_many_images_every_nth_is_taken(folder, most, expected):
    assert "".join(file.stem for file in shared.images_of(folder, most)) == expected


def test_a_set_is_a_name_and_a_folder(folder):
    assert shared.parse(f"a set={folder}") == ("a set", folder)
    for text in ("Set5", f"={folder}", f"Set5={folder / 'missing'}"):
        with pytest.raises(argparse.ArgumentTypeError, match="is not NAME=FOLDER"):
            shared.parse(text)


def test_the_middle_is_in_the_middle_and_of_whole_pixels(folder):
    whole = np.asarray(Image.open(folder / "1.png"))
    assert np.array_equal(shared.middle(folder / "1.png", 8, 2), whole[16:32, 20:36])
    assert np.array_equal(shared.middle(folder / "1.png", 100, 5), whole[:45, :55])
    gray = np.asarray(Image.open(folder / "0.png"))
    assert np.array_equal(shared.middle(folder / "0.png", 100, 2), np.stack([gray] * 3, axis=2))


def test_the_seed_decides_the_untrained_network():
    first, again, other = (edges.untrained(load("sat-tiny-x2", seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)
    assert not torch.equal(first.head.weight, load("sat-tiny-x2").head.weight)


@pytest.mark.slow
def test_edges_has_a_row_for_each_image_and_kind_of_network(folder):
    rows = edges.measure("sat-tiny-x2", [shared.TestSet("noise", folder)], draws=1, side=16)
    assert [(row["image"], row["kind"]) for row in rows] == [
        (f"{i}", k) for i in range(7) for k in ("trained", "untrained")
    ]
    model, low = load("sat-tiny-x2", seed=0), edges.downscale(shared.middle(folder / "1.png", 16, 2), 2)
    image = torch.from_numpy(low).permute(2, 0, 1) / 255
    expected = edge_shares(layer_centers([model], [image]), [image], share=0.1)[:, 0, 0]
    assert rows[2]["edges"] == pytest.approx(expected.tolist(), abs=1e-4)
    assert [len(row["worth"]) if "worth" in row else None for row in rows[:2]] == [6, None]


def test_without_a_change_options_are_those_of_an_evaluation(folder):
    rows = options.measure("sat-tiny-x2", "as trained", {}, shared.TestSet("noise", folder))
    found = evaluate("sat-tiny-x2", folder, scale=2)
    for metric in ("psnr", "ssim"):  # of colour images; an evaluation makes a grey one grey again
        expected = [getattr(score, metric) for score in found.images[1:]]
        assert [row[metric] for row in rows[1:]] == pytest.approx(expected, abs=1e-5)
    changed = options.measure("sat-tiny-x2", "m = 30", {"neighbors": 30}, shared.TestSet("noise", folder))
    assert [row["image"] for row in changed] == [row["image"] for row in rows]
    assert [row["psnr"] for row in changed] != [row["psnr"] for row in rows]


def test_of_each_photograph_there_is_a_clean_row_and_one_for_each_draw(folder):
    bicubic = get_model("bicubic-x2", "cpu")
    rows = degraded.measure("bicubic-x2", bicubic, [shared.TestSet("noise", folder)], side=16, draws=2)
    assert [(row["image"], row["draw"]) for row in rows] == [(f"{i}", d) for i in range(7) for d in ("clean", "0", "1")]
    photo = shared.middle(folder / "3.png", 16, 2)
    given = degraded.made_small(photo, 3, 2)
    assert np.array_equal(given["clean"], edges.downscale(photo, 2)) and given["1"].shape == (16, 16, 3)
    expected = [round(psnr(imresize(low, 2), photo, border=2), 4) for low in given.values()]
    assert [row["psnr"] for row in rows[9:12]] == expected and len(set(expected)) == 3


def test_rows_of_the_same_weights_and_settings_are_kept(tmp_path):
    settings = {"side": 16, "draws": 1, "passes": "mild", "sets": ["a"], "weights": {"one": "1", "two": "2"}}
    rows = [{"network": name, "image": "b"} for name in ("bicubic-x2", "one", "two", "one")]
    assert degraded.kept(tmp_path / "x.json", settings) == {}
    shared.write(tmp_path / "x.json", "degraded", settings, rows)
    found = degraded.kept(tmp_path / "x.json", settings | {"weights": {"one": "1", "two": "other"}})
    assert found == {"bicubic-x2": [rows[0]], "one": [rows[1], rows[3]]}
    assert degraded.kept(tmp_path / "x.json", settings | {"side": 8}) == {}


def test_rows_are_written_one_in_a_line(tmp_path):
    rows = [{"image": "a", "edges": [0.1, 0.2]}, {"image": "b", "edges": [0.3, 0.4]}]
    shared.write(tmp_path / "x.json", "edges", {"side": 64}, rows)
    text = (tmp_path / "x.json").read_text()
    content = json.loads(text)
    assert content["rows"] == rows
    assert (content["side"], content["made by"]) == (64, "python -m benchmarks edges")
    assert sum(line.startswith('  {"image"') for line in text.splitlines()) == 2


# What was left -------------------------------------------------------------------------------------------------------


def test_edges_were_measured_on_both_networks_and_all_sets():
    for network in edges.NETWORKS:
        for name, number in {"Set5": 5, "Set14": 14, "BSDS500 test": shared.MOST}.items():
            for kind in ("trained", "untrained"):
                rows = test_sets.rows("edges", {"network": network, "set": name, "kind": kind})
                assert len({row["image"] for row in rows}) == len(rows) == number
                assert {len(row["edges"]) for row in rows} == {len(row["cells"]) for row in rows} == {6}
                assert all(0 <= share <= 1 for row in rows for share in row["edges"] + row["cells"])


def test_every_change_was_measured_on_the_same_images():
    assert dict(test_sets.results("options")["changes"]) == options.CHANGES
    for network in options.NETWORKS:
        for name, number in {"Set5": 5, "Set14": 14}.items():
            wanted = {"network": network, "set": name}
            images = [
                [row["image"] for row in test_sets.rows("options", wanted | {"change": change})]
                for change in options.CHANGES
            ]
            assert {len(names) for names in images} == {number}
            assert len({tuple(names) for names in images}) == 1


def test_degraded_photographs_were_measured_by_all_networks_as_they_are_bundled():
    found = test_sets.results("degraded")
    assert (found["side"], found["draws"], found["passes"]) == (degraded.SIDE, degraded.DRAWS, degraded.PASSES)
    assert dict(found["weights"]) == {name: degraded.digest(bundled(name)) for name in degraded.NETWORKS[1:]}
    inputs = [
        [tuple(r[key] for key in ("set", "image", "draw")) for r in found["rows"] if r["network"] == n]
        for n in degraded.NETWORKS
    ]
    assert inputs[0] == inputs[1] == inputs[2] and len(set(inputs[0])) == (5 + 14 + 8) * (1 + degraded.DRAWS)


def test_an_unknown_name_or_row_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="unknown results 'edge'"):
        test_sets.results("edge")
    with pytest.raises(ValueError, match="no rows of edges have {'set': 'Set6'}"):
        test_sets.rows("edges", {"set": "Set6"})


@pytest.mark.slow
def test_reports_are_those_of_the_networks_and_were_made_for_each():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (48, 36, 3), dtype=np.uint8) for _ in range(2)]
    found = reports.report("sat-tiny-x3", images)
    assert [len(found["layers"]), *map(len, found["controls"].values())] == [6, 2, 2, 2]
    usual = [psnr(upscale(downscale(image, 3), "sat-tiny-x3", margin=0), image, border=3) for image in images]
    assert found["psnr"]["0.03"] == pytest.approx(usual, abs=1e-3)
    assert found["psnr"]["0.001"] != found["psnr"]["0.1"]
    kept = test_sets.results("reports")
    assert [row["network"] for row in kept["rows"]] == bundled_names()
    assert all(set(row["psnr"]) == set(map(str, kept["keep"])) == set(found["psnr"]) for row in kept["rows"])
