"""`satlib.explore` on images of every kind: sizes from 1x1, modes, bit depths, arrays, tensors, files."""

from pathlib import Path

import ipywidgets
import numpy as np
import pytest
import torch
from explorers import EXPLORERS, PHOTO, check_sent
from PIL import Image
from slowness import slow_but

from satlib.images import files
from satlib.images.degradation import low_resolution
from satlib.images.inputs import SIDE, small_image
from satlib.images.picture import from_array

OF_AN_IMAGE = {name: make for name, make in EXPLORERS.items() if name != "theorem"}
ODD = {
    "pixel": Image.new("L", (1, 1)),
    "wide": Image.new("RGBA", (300, 2), (9, 200, 30, 0)),
    "tall": torch.rand(3, 60, 3, generator=torch.Generator().manual_seed(0)),
    "black": torch.zeros(3, 4, 5),
}


@pytest.mark.parametrize("name", OF_AN_IMAGE)
@pytest.mark.parametrize("kind", slow_but(["pixel", "wide"], ODD))
def test_odd_images_raise_nothing(name: str, kind: str) -> None:
    explorer = OF_AN_IMAGE[name](ODD[kind])
    for knob in explorer.knobs:
        if isinstance(knob, (ipywidgets.Dropdown, ipywidgets.SelectionSlider)):
            knob.index = len(knob.options) - 1
            assert "failed" not in explorer.numbers.value, (knob.description, explorer.numbers.value)
    for picture in explorer.pictures:
        check_sent(picture)
    explorer.close()


@pytest.mark.slow
@pytest.mark.parametrize("view", ["density", "separation", "score", "clusters"])
def test_every_view_of_the_centers_takes_odd_images(view: str) -> None:
    for image in ODD.values():
        explorer = OF_AN_IMAGE["centers"](image)
        explorer.view.value = view
        assert "failed" not in explorer.numbers.value


@pytest.mark.filterwarnings("ignore::satlib.images.remarks.ImageRemark")  # what is converted is said
@pytest.mark.parametrize(
    "mode", ["1", "CMYK", "F", "HSV", "I", "I;16", "L", "LA", "LAB", "P", "PA", "RGB", "RGBA", "YCbCr"]
)
def test_every_mode_of_pillow_is_taken(mode: str) -> None:
    image = Image.new(mode, (5, 4))
    assert small_image(image).shape == (3, 4, 5)


def test_what_is_small_stays_as_it_is() -> None:
    gray = np.array([[0, 1000, 65535]], np.uint16)
    assert torch.equal(small_image(gray), torch.tensor([0, 1000 / 65535, 1]).expand(3, 1, 3))
    with_alpha = np.dstack((np.full((2, 2, 3), 51, np.uint8), np.zeros((2, 2), np.uint8)))
    assert torch.equal(small_image(with_alpha), torch.full((3, 2, 2), 0.2))
    floats = np.random.default_rng(0).random((3, 2, 1))
    assert torch.allclose(small_image(floats), torch.from_numpy(floats[..., 0]).float().expand(3, 3, 2))
    assert small_image(torch.tensor([[[2.0]], [[-1.0]], [[float("nan")]]])).flatten().tolist() == [1, 0, 0]


def test_what_is_large_is_shrunk_as_low_resolution_images_are_made() -> None:
    large = PHOTO.resize((200, 150))
    assert torch.equal(small_image(large), low_resolution(large, SIDE))
    assert torch.equal(small_image(np.asarray(large)), low_resolution(large, SIDE))
    deep = np.asarray(large).astype(np.uint16) * 257
    assert small_image(deep).shape == (3, 72, 96)
    assert (small_image(deep) - low_resolution(large, SIDE)).abs().max() <= 0.5 / 255 + 1e-6
    assert small_image(large, None).shape == (3, 150, 200)


def test_a_tensor_and_its_photograph_are_the_same_image() -> None:
    image = small_image(PHOTO)
    assert torch.equal(small_image(image), image)


def test_a_file_is_the_image_that_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "photograph.png"
    files.write(from_array(np.asarray(PHOTO)), path)
    for given in (path, str(path)):
        assert torch.equal(small_image(given), small_image(PHOTO))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (7, "got int"),
        ([[0.5]], "got list"),
        (torch.zeros(1, 3, 4, 4), r"got torch.float32 \(1, 3, 4, 4\)"),
        (torch.zeros(3, 0, 4), r"got torch.float32 \(3, 0, 4\)"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), "got torch.uint8"),
        (np.full((4, 4), 2.0), r"in \[0, 1\]"),
        (np.zeros((4, 4, 7), np.uint8), r"got shape \(4, 4, 7\)"),
        (np.zeros((0, 4), np.uint8), "no pixels"),
    ],
)
def test_what_is_no_image_is_named(image: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small_image(image)
