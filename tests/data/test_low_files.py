"""Stores of pairs: low-resolution files of one's own in place of downscaled photographs."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from training_runs import config, network

from satlib.data import Store, prepare
from satlib.data.record import left_out, read_record
from satlib.images.degradation import downscale
from satlib.training import train


def images(folder: Path, sizes: dict[str, tuple[int, ...]], seed: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    made = {name: generator.integers(0, 256, size, dtype=np.uint8) for name, size in sizes.items()}
    for name, pixels in made.items():
        Image.fromarray(pixels).save(folder / name)
    return made


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two photographs, one with an odd side, and their low-resolution files, one of them grey."""
    images(tmp_path / "hr", {"a.png": (40, 36, 3), "b.png": (33, 50, 3)}, 0)
    images(tmp_path / "lr", {"ax2.png": (20, 18, 3), "b.png": (16, 25)}, 1)
    return tmp_path / "hr", tmp_path / "lr"


def test_the_low_resolution_is_that_of_the_files(folders: tuple[Path, Path], tmp_path: Path) -> None:
    store = Store(prepare(folders[0], tmp_path / "store", scales=[2], low=folders[1]), 2)
    assert store.paired and [store.lr(i).shape for i in range(2)] == [(20, 18, 3), (16, 25, 3)]
    assert np.array_equal(store.lr(0), np.array(Image.open(folders[1] / "ax2.png")))
    assert np.array_equal(store.lr(1)[..., 2], np.array(Image.open(folders[1] / "b.png")))
    crop = store.crop(0, 3, 4, 8)
    assert np.array_equal(crop.lr.permute(1, 2, 0).numpy(), store.lr(0)[3:11, 4:12])
    assert np.array_equal(crop.hr.permute(1, 2, 0).numpy(), store.hr(0)[6:22, 8:24])


def test_it_is_made_once_and_again_when_a_file_changes(folders: tuple[Path, Path], tmp_path: Path) -> None:
    place = prepare(folders[0], tmp_path / "store", scales=[2], low=folders[1])
    times = {path.name: path.stat().st_mtime_ns for path in place.glob("*.u8")}
    before = Store(place, 2).fingerprint
    prepare(folders[0], place, scales=[2], low=folders[1])
    assert {path.name: path.stat().st_mtime_ns for path in place.glob("*.u8")} == times
    changed = images(folders[1], {"ax2.png": (20, 18, 3)}, 2)["ax2.png"]
    prepare(folders[0], place, scales=[2], low=folders[1])
    assert np.array_equal(Store(place, 2).lr(0), changed) and Store(place, 2).fingerprint != before
    assert (place / "hr.u8").stat().st_mtime_ns == times["hr.u8"]


def test_downscaled_versions_of_other_scales_lie_beside_them(folders: tuple[Path, Path], tmp_path: Path) -> None:
    place = prepare(folders[0], tmp_path / "store", scales=[2], low=folders[1])
    prepare(folders[0], place, scales=[3])
    assert Store(place, 2).paired and not Store(place, 3).paired
    assert np.array_equal(Store(place, 3).lr(0), downscale(Store(place, 3).hr(0), 3))
    with pytest.raises(ValueError, match=r"store has x2.u8 of low-resolution files; name their folder, or another"):
        prepare(folders[0], place, scales=[2])
    other = prepare(folders[0], tmp_path / "other", scales=[2])
    assert not Store(other, 2).paired and Store(other, 2).fingerprint in Store(place, 2).fingerprint
    prepare(folders[0], other, scales=[2], low=folders[1])
    assert Store(other, 2).fingerprint == Store(place, 2).fingerprint


def test_photographs_without_a_fitting_file_are_named_or_left_out(folders: tuple[Path, Path], tmp_path: Path) -> None:
    images(folders[0], {"c.png": (40, 40, 3), "d.png": (40, 40, 3)}, 3)
    images(folders[1], {"d.png": (21, 20, 3)}, 4)
    with pytest.raises(ValueError, match=r"lr has no low-resolution version of .*c\.png"):
        prepare(folders[0], tmp_path / "store", scales=[2], low=folders[1])
    place = prepare(folders[0], tmp_path / "store", scales=[2], low=folders[1], leave_out=True)
    record = read_record(place)
    assert record is not None and [photo.name for photo in left_out(record)] == ["c.png", "d.png"]
    assert "d.png has 21 x 20 pixels, not 20 x 20, 1/2 of" in left_out(record)[1].reason
    assert len(Store(place, 2)) == 2


def test_one_scale_alone(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"low-resolution files are of one scale, got scales=\(2, 3\)"):
        prepare(folders[0], tmp_path / "store", scales=[2, 3], low=folders[1])


def test_a_network_is_trained_on_pairs_as_they_are(folders: tuple[Path, Path], tmp_path: Path) -> None:
    place = prepare(folders[0], tmp_path / "store", scales=[2], low=folders[1])
    settings = config(place, steps=2, network=network(), validate_every=2)
    assert train(settings, tmp_path / "run", device="cpu").finished
    with pytest.raises(ValueError, match="low-resolution files of its own: degradation must be None"):
        train(settings.replace(degradation="one-pass"), tmp_path / "other", device="cpu")
