"""Pairs of two folders: by the names that benchmarks use, one to one, and both files named where it is not so."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from satlib.data.pairs import Pairs
from satlib.evaluation import evaluate
from satlib.resize import imresize


@pytest.mark.parametrize(
    ("high", "low"),
    [
        ("baby.png", "baby.png"),
        ("baby.bmp", "baby.png"),
        ("0801.png", "0801x4.png"),
        ("0801.png", "0801x4m.png"),
        ("name.png", "name_LRBI_x4.png"),
        ("img_001_SRF_4_HR.png", "img_001_SRF_4_LR.png"),
        ("a_HR.png", "a_LR4.png"),
        ("baby_GT.bmp", "baby.bmp"),
        ("a_HR.png", "a_LR.png"),
        ("b_GT.png", "b_x4.png"),
        ("x.tif", "x_LR_x4.png"),
    ],
)
def test_names_of_benchmarks(high, low):
    assert Pairs([Path("hr", high)], [Path("lr", low), Path("lr/other.png")], 4).low_of(Path("hr", high)) == Path(
        "lr", low
    )


def test_other_names_and_other_scales_are_none():
    for low in ("babyx2.png", "bab.png", "baby_1.png", "baby_LRBI_x3.png", "BABY.png"):
        assert Pairs([Path("hr/baby.png")], [Path("lr", low)], 4).low_of(Path("hr/baby.png")) is None


def test_the_own_name_goes_before_a_longer_one_and_the_own_extension_before_another():
    low = [Path("lr/a.png"), Path("lr/ax2.png"), Path("lr/a.jpg")]
    pairs = Pairs([Path("hr/a.png"), Path("hr/a.jpg")], low, 2)
    assert pairs.low_of(Path("hr/a.png")) == Path("lr/a.png")
    assert pairs.low_of(Path("hr/a.jpg")) == Path("lr/a.jpg")


def test_two_candidates_and_two_photographs_of_one_are_named():
    pairs = Pairs([Path("hr/a.bmp")], [Path("lr/a.png"), Path("lr/a.jpg")], 2)
    with pytest.raises(ValueError, match=r"hr/a\.bmp has two low-resolution versions, lr/a\.png and lr/a\.jpg"):
        pairs.low_of(Path("hr/a.bmp"))
    pairs = Pairs([Path("hr/a.png"), Path("hr/a.jpg")], [Path("lr/a.png")], 2)
    assert pairs.low_of(Path("hr/a.png")) == Path("lr/a.png")
    with pytest.raises(ValueError, match=r"lr/a\.png is the low-resolution version of hr/a\.png; hr/a\.jpg has none"):
        pairs.low_of(Path("hr/a.jpg"))
    pairs = Pairs([Path("hr/a.bmp"), Path("hr/a_GT.bmp")], [Path("lr/a.png")], 2)
    for one, other in (("a", "a_GT"), ("a_GT", "a")):
        with pytest.raises(ValueError, match=re.escape(f"version of hr/{other}.bmp; hr/{one}.bmp has none of its own")):
            pairs.low_of(Path(f"hr/{one}.bmp"))


def test_evaluate_measures_each_photograph_with_its_own(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    image = imresize(imresize(image, 0.25), 4)
    for folder in ("hr", "lr"):
        (tmp_path / folder).mkdir()
    for name, pixels in (("a.png", image), ("a.bmp", 255 - image)):
        Image.fromarray(pixels).save(tmp_path / "hr" / name)
        Image.fromarray(imresize(pixels, 0.5)).save(tmp_path / "lr" / name)
    found = evaluate("bicubic", tmp_path / "hr", scale=2, lr=tmp_path / "lr")
    assert not found.failures and min(score.psnr for score in found.images) > 25
    (tmp_path / "lr/a.bmp").unlink()
    found = evaluate("bicubic", tmp_path / "hr", scale=2, lr=tmp_path / "lr")
    assert [score.name for score in found.images] == ["a.png"]
    ((name, reason),) = found.failures
    assert name == "a.bmp" and str(tmp_path / "lr/a.png") in reason and str(tmp_path / "hr/a.bmp") in reason
