"""What all scenes share: files that are kept, stores that hold them whole, and noise without high frequencies."""

import numpy as np
import pytest

from satlib.data import Store
from satlib.data.copies import copies
from satlib.data.scenes import noise, write_files, write_store
from satlib.images.degradation import downscale


def draw(number):
    return copies((5, number), side=16, tile=4)


def test_the_store_holds_the_scenes_whole(tmp_path):
    store = Store(write_store(tmp_path / "train", 3, draw), 2)
    assert [entry.name for entry in store.entries] == ["00000.png", "00001.png", "00002.png"]
    expected = draw(1).hr
    assert np.array_equal(store.hr(1), expected) and np.array_equal(store.lr(1), downscale(expected, 2))
    assert store.large_enough(16) == [0, 1, 2]


def test_files_that_are_there_are_kept(tmp_path):
    write_files(tmp_path, 1, draw)
    before = (tmp_path / "00000.png").stat().st_mtime_ns
    write_files(tmp_path, 2, draw)
    assert (tmp_path / "00000.png").stat().st_mtime_ns == before and (tmp_path / "00001.png").is_file()


def test_parts_are_views_of_the_scene():
    made = draw(0)
    image = np.zeros_like(made.hr)
    for number, part in enumerate(made.parts(image), start=1):
        part[...] = number
    for number, (top, left) in enumerate(made.corners, start=1):
        assert (image[top : top + 8, left : left + 8] == number).all()


@pytest.mark.parametrize("cutoff", [0.1, 0.36])
def test_noise_has_nothing_beyond_its_cutoff(cutoff):
    values = noise(np.random.default_rng(0), 64, cutoff)
    spectrum = np.abs(np.fft.fft2(values))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    assert spectrum[frequency > cutoff].max() < 1e-8
    assert spectrum[(frequency > 0.8 * cutoff) & (frequency < cutoff)].min() > 0
    assert values.mean() == pytest.approx(0) and values.std() == pytest.approx(1)
