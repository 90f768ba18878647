"""Stores of grey photographs: what becomes of colour, what is kept, and what does not fit."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from satlib.data import Store, prepare
from satlib.data.record import read_record
from satlib.images.degradation import downscale
from satlib.images.folder import with_channels

SIZES = {"a.png": (40, 36, 3), "b.png": (33, 50)}


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """One in colour and one in grey."""
    generator = np.random.default_rng(0)
    (tmp_path / "hr").mkdir()
    for name, size in SIZES.items():
        Image.fromarray(generator.integers(0, 256, size, dtype=np.uint8)).save(tmp_path / "hr" / name)
    return tmp_path / "hr"


def gray(path: Path) -> np.ndarray:
    """Luma by a loop over the pixels of colour."""
    pixels = np.array(Image.open(path)).astype(int)
    if pixels.ndim == 2:
        return pixels[..., None]
    return np.array([[[int(0.299 * r + 0.587 * g + 0.114 * b + 0.5)] for r, g, b in row] for row in pixels])


def test_colour_becomes_luma_and_grey_stays(photographs: Path, tmp_path: Path) -> None:
    store = Store(prepare(photographs, tmp_path / "store", scales=(2,), channels=1), 2)
    assert store.channels == 1
    for index, name in enumerate(SIZES):
        np.testing.assert_array_equal(store.hr(index), gray(photographs / name))
        np.testing.assert_array_equal(store.lr(index), downscale(store.hr(index), 2))
    low, high = store.crop(1, 2, 3, 8)
    assert (low.shape, high.shape) == ((1, 8, 8), (1, 16, 16))
    np.testing.assert_array_equal(high[0], store.hr(1)[4:20, 6:22, 0])
    sizes = [path.stat().st_size for path in (store.path / "hr.u8", store.path / "x2.u8")]
    assert sizes == [40 * 36 + 33 * 50, 20 * 18 + 16 * 25]


def test_the_luma_is_pillows_to_a_level() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    ours, theirs = with_channels(pixels, 1)[..., 0], np.array(Image.fromarray(pixels).convert("L"))
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    for level in (0, 128, 255):
        assert (with_channels(np.full((2, 2, 3), level, np.uint8), 1) == level).all()


def test_scales_are_added_to_a_store_as_it_is(photographs: Path, tmp_path: Path) -> None:
    path = prepare(photographs, tmp_path / "store", scales=(2,), channels=1)
    prepare(photographs, path, scales=(3,))
    prepare(photographs, path, scales=(4,), channels=1)
    assert Store(path, 3).lr(0).shape == (13, 12, 1) and Store(path, 4).channels == 1
    with pytest.raises(ValueError, match="store has images of 1 channel, not 3; choose another store"):
        prepare(photographs, path, channels=3)
    record = read_record(prepare(photographs, tmp_path / "rgb", scales=(2,)))
    assert record is not None and "channels" not in record["about"]
    with pytest.raises(ValueError, match="rgb has images of 3 channels, not 1"):
        prepare(photographs, tmp_path / "rgb", channels=1)


@pytest.mark.parametrize("channels", [0, 2, 4, True, 1.5])
def test_other_channels_are_refused(photographs: Path, tmp_path: Path, channels: int) -> None:
    with pytest.raises(ValueError, match=rf"channels must be 1 \(grey\) or 3 \(RGB\), got {channels}"):
        prepare(photographs, tmp_path / "store", channels=channels)
    assert not (tmp_path / "store" / "hr.u8").exists()


def test_files_of_ones_own_become_grey_too(photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "lr").mkdir()
    for name in SIZES:
        photograph = np.asarray(Image.open(photographs / name))
        low = downscale(photograph, 2)[: len(photograph) // 2, : photograph.shape[1] // 2] // 2
        Image.fromarray(low).save(tmp_path / "lr" / name)
    own = np.asarray(Image.open(tmp_path / "lr" / "a.png"))
    store = Store(prepare(photographs, tmp_path / "store", scales=(2,), channels=1, low=tmp_path / "lr"), 2)
    np.testing.assert_array_equal(store.lr(0), with_channels(own, 1))
