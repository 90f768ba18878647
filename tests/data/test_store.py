"""The store: made once, always the folder's images and their downscaled versions, read as matching random crops."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from satlib.data import Pair, Store, prepare, verify
from satlib.data.record import left_out, read_record
from satlib.data.store import Entry, Layout
from satlib.images.degradation import crop_to_multiple, downscale
from satlib.resize import imresize
from satlib.support.files import locked

SIZES = {"a.png": (40, 52), "b.png": (37, 31), "deep/c.png": (24, 25)}


def make_images(folder: Path) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    images = {name: generator.integers(0, 256, (*size, 3), dtype=np.uint8) for name, size in SIZES.items()}
    images["gray.png"] = generator.integers(0, 256, (20, 20), dtype=np.uint8)
    for name, pixels in images.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name)
    images["gray.png"] = np.stack([images["gray.png"]] * 3, axis=2)
    return images


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "HR"
    make_images(folder)
    return folder


@pytest.fixture
def store(photographs: Path, tmp_path: Path) -> Path:
    return prepare(photographs, tmp_path / "store")


def times(store: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in store.glob("[!.]*.u8")}


def test_default_place_and_content(tmp_path: Path) -> None:
    images = make_images(tmp_path / "HR")
    path = prepare(tmp_path / "HR")
    assert path == tmp_path / "HR.store"
    assert sorted(p.name for p in path.iterdir() if p.name[0] != ".") == [
        "hr.u8",
        "record.json",
        "x2.u8",
        "x3.u8",
        "x4.u8",
    ]
    for scale in (2, 3, 4):
        read = Store(path, scale)
        assert [entry.name for entry in read.entries] == list(images) and len(read) == 4
        for index, pixels in enumerate(images.values()):
            height, width = pixels.shape[0] // scale * scale, pixels.shape[1] // scale * scale
            np.testing.assert_array_equal(read.hr(index), pixels)
            np.testing.assert_array_equal(read.lr(index), imresize(pixels[:height, :width], 1 / scale))


def test_crops_lie_over_each_other(store: Path) -> None:
    read = Store(store, 3)
    generator = torch.Generator().manual_seed(1)
    for _ in range(50):
        low, high = read.random_crop(6, generator, read.large_enough(6))
        assert (low.shape, high.shape) == ((3, 6, 6), (3, 18, 18)) and low.dtype == high.dtype == torch.uint8
        assert low.is_contiguous() and high.is_contiguous()
        found = [
            (i, top, left)
            for i in range(len(read))
            for top in range(read.lr(i).shape[0] - 5)
            for left in range(read.lr(i).shape[1] - 5)
            if np.array_equal(read.lr(i)[top : top + 6, left : left + 6], low.permute(1, 2, 0))
        ]
        assert len(found) == 1
        i, top, left = found[0]
        expected = read.hr(i)[3 * top : 3 * top + 18, 3 * left : 3 * left + 18]
        np.testing.assert_array_equal(high.permute(1, 2, 0), expected)


def test_draws_repeat_and_reach_every_place(store: Path) -> None:
    read = Store(store, 4)
    draws = [
        [read.random_crop(5, g, read.large_enough(5)) for _ in range(400)]
        for g in (torch.Generator().manual_seed(s) for s in (1, 1, 2))
    ]
    assert all(torch.equal(a.hr, b.hr) for a, b in zip(draws[0], draws[1], strict=True))
    places = 6 * 9 + 5 * 3 + 2 * 2 + 1  # in images of 10x13, 9x7, 6x6 and 5x5 low-resolution pixels
    assert len({draw.lr.numpy().tobytes() for drawn in draws for draw in drawn}) == places


def test_only_photographs_that_are_large_enough_are_drawn(store: Path) -> None:
    read = Store(store, 2)
    for _ in range(20):
        assert read.random_crop(18, torch.Generator().manual_seed(3), read.large_enough(18)).hr.shape == (3, 36, 36)
    with pytest.raises(ValueError, match="no photograph of .* has 21 x 21 pixels at scale 1/2"):
        read.large_enough(21)


@pytest.mark.parametrize("place", [(-1, 0, 4), (0, 0, 0), (17, 0, 4), (0, 23, 4)])
def test_crop_outside_is_an_error(store: Path, place: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="crop at"):
        Store(store, 2).crop(0, *place)


class Crops(Dataset[Pair]):
    def __init__(self, store: Store) -> None:
        self.store = store

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Pair:
        return self.store.random_crop(5, torch.Generator().manual_seed(index), self.store.large_enough(5))


def test_workers_read_the_same_crops(store: Path) -> None:
    read = Store(store, 2)
    assert len(pickle.dumps(read)) < 1000
    crops = Crops(read)
    loader = DataLoader(crops, batch_size=4, num_workers=2, multiprocessing_context="fork")
    for b, (low, high) in enumerate(loader):
        assert torch.equal(low, torch.stack([crops[i].lr for i in range(4 * b, 4 * b + 4)]))
        assert torch.equal(high, torch.stack([crops[i].hr for i in range(4 * b, 4 * b + 4)]))


def test_preparing_again_changes_nothing_and_scales_are_added(photographs: Path, tmp_path: Path) -> None:
    path = prepare(photographs, tmp_path / "store", scales=(4,))
    before = times(path)
    assert set(before) == {"hr.u8", "x4.u8"}
    prepare(photographs, path, scales=(4,))
    assert times(path) == before
    prepare(photographs, path, scales=(2,))
    assert {name: time for name, time in times(path).items() if name != "x2.u8"} == before
    assert verify(path) == []
    with pytest.raises(ValueError, match=r"has no scale 3; `satlib data prepare PHOTOS --to .* --scale 3` adds it"):
        Store(path, 3)


def test_changed_photographs_are_prepared_anew(tmp_path: Path) -> None:
    make_images(tmp_path / "HR")
    path = prepare(tmp_path / "HR")
    pixels = np.full((*SIZES["a.png"], 3), 7, dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "HR/a.png")
    prepare(tmp_path / "HR", scales=(2,))
    np.testing.assert_array_equal(Store(path, 2).hr(0), pixels)
    assert set(times(path)) == {"hr.u8", "x2.u8"} and verify(path) == []
    (tmp_path / "HR/b.png").unlink()
    prepare(tmp_path / "HR", scales=(2,))
    assert len(Store(path, 2)) == 3


def test_photograph_changed_within_its_size_is_noticed(tmp_path: Path) -> None:
    make_images(tmp_path / "HR")
    file = tmp_path / "HR/a.png"
    path = prepare(tmp_path / "HR", scales=(2,))
    content = file.read_bytes()
    file.write_bytes(content)  # the same bytes, later
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 10**9))
    before = times(path)
    prepare(tmp_path / "HR", scales=(2,))
    assert times(path) != before


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"store": [1]}, "the record of the store is damaged: .*must be a mapping"),
        ({"store": None}, "the record of the store is damaged: "),
        ({"store": [{"name": "a.png"}]}, "the record of the store is damaged: .*missing"),
        ({"channels": "x"}, "the record of the store is damaged: channels must be one of 1, 3, got 'x'"),
    ],
)
def test_a_damaged_record_is_named(tmp_path: Path, about: dict[str, object], message: str) -> None:
    make_images(tmp_path / "HR")
    path = prepare(tmp_path / "HR", scales=(2,))
    record = json.loads((path / "record.json").read_text())
    record["about"] |= about
    (path / "record.json").write_text(json.dumps(record))
    for use in (lambda: Store(path, 2), lambda: prepare(tmp_path / "HR", scales=(2,))):
        with pytest.raises(ValueError, match=message) as error:
            use()
        assert "\n" not in str(error.value)


def test_a_record_of_other_sizes_than_its_files_is_refused_and_made_anew(tmp_path: Path) -> None:
    images = make_images(tmp_path / "HR")
    path = prepare(tmp_path / "HR", scales=(2,))
    record = json.loads((path / "record.json").read_text())
    record["about"]["store"][0]["height"] += 1
    (path / "record.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"photographs should have \d+ bytes, hr.u8 has \d+; `satlib data prepare"):
        Store(path, 2)
    prepare(tmp_path / "HR", scales=(2,))
    np.testing.assert_array_equal(Store(path, 2).hr(0), images["a.png"])


def test_damage_is_seen_and_repaired(photographs: Path, store: Path) -> None:
    with (store / "x3.u8").open("rb+") as file:
        file.write(b"\0\1\2\3")
    assert verify(store) == ["x3.u8 is damaged: its checksum differs"]
    (store / "x2.u8").write_bytes(b"short")
    with pytest.raises(ValueError, match=r"x2\.u8 has 5 bytes"):
        Store(store, 3)
    (store / "x3.u8").unlink()
    prepare(photographs, store)
    assert verify(store) == []


def test_interruption_leaves_whole_files_only(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(image: np.ndarray, scale: int) -> np.ndarray:
        if scale == 3 and image.shape[0] == 37:
            raise KeyboardInterrupt
        return downscale(image, scale)

    path = tmp_path / "store"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("satlib.data.store_writer.downscale", interrupted)
        prepare(photographs, path)
    assert set(times(path)) == {"hr.u8", "x2.u8"} and list(path.glob(".*.u8")) == []
    assert len(Store(path, 2)) == 4 and verify(path) == []
    before = times(path)
    prepare(photographs, path)
    assert times(path).items() >= before.items() and verify(path) == []


def test_remains_of_a_killed_process_go(photographs: Path, tmp_path: Path) -> None:
    path = tmp_path / "store"
    path.mkdir()
    for name in ("hr.u8", ".hr-abc.u8"):
        (path / name).write_bytes(b"half")
    prepare(photographs, path)
    assert list(path.glob(".*.u8")) == [] and verify(path) == []


def test_two_at_once_are_refused(photographs: Path, store: Path) -> None:
    with locked(store / ".lock"), pytest.raises(OSError, match="by another process"):
        prepare(photographs, store)


def test_bad_input(photographs: Path, tmp_path: Path) -> None:
    for scale in (0, 17, True, 2.0):
        with pytest.raises(ValueError, match=f"from 1 to 16, got {scale!r}"):
            prepare(photographs, tmp_path / "store", scales=[scale])
    with pytest.raises(ValueError, match="must not lie inside"):
        prepare(photographs, photographs / "store")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    with pytest.raises(ValueError, match="exists and is not a store"):
        prepare(photographs, tmp_path / "mine")
    with pytest.raises(OSError, match="no such folder"):
        prepare(tmp_path / "missing")
    with pytest.raises(ValueError, match="is not a complete store"):
        Store(tmp_path, 2)


def test_unusable_photographs_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "HR"
    make_images(folder)
    (folder / "d.png").write_bytes(b"no image")
    with pytest.raises(OSError, match=r"d\.png is not a"):
        prepare(folder)
    Image.new("RGB", (15, 40)).save(folder / "d.png")
    with pytest.raises(ValueError, match=r"d\.png has 40 x 15 pixels"):
        prepare(folder)
    Image.new("RGBA", (40, 40), (1, 2, 3, 4)).save(folder / "d.png")
    with pytest.raises(ValueError, match=r"d\.png has transparent pixels"):
        prepare(folder)
    assert times(tmp_path / "HR.store") == {}


def test_unusable_photographs_can_be_left_out_and_are_listed(tmp_path: Path) -> None:
    folder, store = tmp_path / "HR", tmp_path / "HR.store"
    images = make_images(folder)
    (folder / "bad.png").write_bytes(b"no image")
    (folder / "gone.png").symlink_to("nowhere.png")
    Image.new("RGB", (15, 40)).save(folder / "zz.png")
    prepare(folder, leave_out=True)
    record = read_record(store)
    assert record is not None and verify(store) == []
    assert [photo.name for photo in left_out(record)] == ["bad.png", "gone.png", "zz.png"]
    assert "gone.png" in left_out(record)[1].reason
    assert "zz.png has 40 x 15 pixels" in left_out(record)[2].reason
    assert [entry.name for entry in Store(store, 2).entries] == list(images)
    before = times(store)
    prepare(folder, leave_out=True)
    assert times(store) == before
    with pytest.raises(OSError, match=r"bad\.png is not a"):
        prepare(folder)
    (folder / "bad.png").unlink()
    (folder / "gone.png").unlink()
    prepare(folder, leave_out=True)
    assert [photo.name for photo in left_out(read_record(store) or {})] == ["zz.png"]
    for name in images:
        (folder / name).unlink()
    with pytest.raises(ValueError, match=r"no image of .*HR can be used; .*zz\.png has 40 x 15 pixels"):
        prepare(folder, leave_out=True)


SIDES = st.tuples(st.integers(16, 40), st.integers(16, 40))


@given(sizes=st.lists(SIDES, min_size=1, max_size=5), scale=st.integers(1, 16))
def test_layout_finds_each_image_in_the_row_of_all(sizes: list[tuple[int, int]], scale: int) -> None:
    entries = [Entry("", 0, 0, height, width) for height, width in sizes]
    images = [np.full((h // scale, w // scale, 3), i, dtype=np.uint8) for i, (h, w) in enumerate(sizes)]
    row = np.concatenate([image.ravel() for image in images])
    layout = Layout(entries, scale)
    assert layout.bytes == len(row)
    for i, image in enumerate(images):
        np.testing.assert_array_equal(layout.view(row, i), image)
    assert Layout([]).bytes == 0


@given(size=SIDES, scale=st.integers(2, 16))
def test_low_resolution_has_the_size_that_the_benchmarks_have(size: tuple[int, int], scale: int) -> None:
    image = np.zeros((*size, 3), dtype=np.uint8)
    assert crop_to_multiple(image, scale).shape == (size[0] - size[0] % scale, size[1] - size[1] % scale, 3)
    assert downscale(image, scale).shape == (size[0] // scale, size[1] // scale, 3)


def test_a_disk_without_room_is_told_before_anything_is_decoded(photographs: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda place: type("Usage", (), {"free": 10_000}))
    monkeypatch.setattr("satlib.data.store_writer.read_8bit", lambda path: pytest.fail(f"{path} was decoded"))
    with pytest.raises(OSError, match=r"the disk has no room for hr\.u8: 0\.0 MB"):
        prepare(photographs, tmp_path / "store")
    assert not (tmp_path / "store" / "hr.u8").exists()


def test_folders_above_the_store_are_made(photographs: Path, tmp_path: Path) -> None:
    assert verify(prepare(photographs, tmp_path / "data/deep/store")) == []
