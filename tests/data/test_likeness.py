"""Pairs of other content are refused; what is degraded, shifted, grey or flat is not."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from satlib import samples
from satlib.data.likeness import ALIKE, check_alike, likeness
from satlib.data.low_files import LowFiles
from satlib.images.degradation import downscale

BSDS500 = Path(__file__).parents[3] / "shared" / "data" / "BSDS500"
RNG = np.random.default_rng(0)
PHOTOS = [np.asarray(samples.load(name).convert("RGB"))[:160, :160] for name in samples.names()]
LOWS = [downscale(photo, 4) for photo in PHOTOS]


def noisy(low):
    return np.clip(low + RNG.normal(0, 30, low.shape), 0, 255).astype(np.uint8)


def compressed(low):
    file = io.BytesIO()
    Image.fromarray(low).save(file, "JPEG", quality=20)
    return np.asarray(Image.open(file))


def blurred(low):
    return np.asarray(Image.fromarray(low).filter(ImageFilter.GaussianBlur(2)))


MADE = {
    "noise": noisy,
    "jpeg": compressed,
    "blur": blurred,
    "all": lambda low: compressed(noisy(blurred(low))),
    "shift": lambda low: np.roll(low, (2, 2), (0, 1)),
    "other shift": lambda low: np.roll(low, (-1, 2), (0, 1)),
    "grey": lambda low: np.repeat(low.mean(2, keepdims=True).astype(np.uint8), 3, axis=2),
    "dark": lambda low: low // 5,
    "flat": lambda low: low // 255 + 100,
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_true_pairs_are_never_refused(made):
    for low in LOWS:
        check_alike(made(low), low, "a and b")
        for y, x in ((0, 0), (8, 12), (16, 16)):
            part = np.ascontiguousarray(low[y : y + 24, x : x + 24])
            check_alike(made(part), part, "a and b")


def test_other_content_is_refused_by_name():
    found = [likeness(low, other) for low in LOWS for other in LOWS if other is not low]
    assert np.median(found) < 0.2
    with pytest.raises(ValueError, match=r"a and b show different things: the correlation of their brightness is -"):
        check_alike(LOWS[0], 255 - LOWS[0], "a and b")


def test_a_store_refuses_them_and_names_both(tmp_path):
    for folder in ("high", "low"):
        (tmp_path / folder).mkdir()
    path, low = tmp_path / "high/a.png", tmp_path / "low/a.png"
    Image.fromarray(PHOTOS[0]).save(path)
    files = []
    for pixels in (LOWS[0], 255 - LOWS[0]):
        Image.fromarray(pixels).save(low)
        files.append(LowFiles(low.parent, [path], 4))
        if len(files) == 1:
            files[0].check(path, PHOTOS[0])
    with pytest.raises(ValueError, match=f"{low} and {path} show different things"):
        files[1].check(path, PHOTOS[0])


@pytest.mark.slow
@pytest.mark.skipif(not BSDS500.is_dir(), reason="no ../shared/data")
def test_six_of_ten_pairs_of_two_photographs_are_refused():
    pixels = [np.asarray(Image.open(file).convert("RGB")) for file in sorted(BSDS500.rglob("*.jpg"))[::8]]
    wide = [downscale(photo[:320, :480], 4) for photo in pixels if photo.shape[1] > photo.shape[0]]
    found = [likeness(first, second) < ALIKE for i, first in enumerate(wide) for second in wide[:i]]
    assert len(found) > 400 and 0.5 < np.mean(found) < 0.7
