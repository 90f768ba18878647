"""The explorers of the tests: each of a small photograph and a tiny network."""

import io
from collections.abc import Callable
from typing import Any

import torch
from PIL import Image

from satlib import SAT, SATConfig, explore, samples
from satlib.explore.clickable_image import Picture
from satlib.explore.layer_picture import LayerPicture

PHOTO = samples.load("coffee").resize((32, 24))


def tiny() -> SAT:
    torch.manual_seed(0)
    return SAT(SATConfig.preset("sat-tiny", scale=2, channels=8, heads=2, groups=(1, 2), window=(4, 8))).eval()


def content(picture: Picture | LayerPicture) -> object:
    """What a picture shows, to compare with another time."""
    if isinstance(picture, Picture):
        return picture.value
    return picture.rgb, picture.drawings, picture.layer, picture.marked, picture.dots


def check_sent(picture: Picture | LayerPicture) -> None:
    """Check that a picture is a PNG, or an image and the data of all that is drawn on it, and says what is seen."""
    assert len(picture.alt.split()) > 4, picture.alt
    if isinstance(picture, Picture):
        assert Image.open(io.BytesIO(picture.value)).format == "PNG"
    else:
        assert len(picture.rgb) == 3 * picture.width * picture.height
        assert picture.drawings and all(data["bytes"] for data in picture.layer.values())


def check_shown(picture: Picture | LayerPicture) -> None:
    """Check that a picture of a photograph is more than an empty panel, too."""
    check_sent(picture)
    image = (
        Image.open(io.BytesIO(picture.value)).convert("RGB")
        if isinstance(picture, Picture)
        else Image.frombytes("RGB", (picture.width, picture.height), picture.rgb)
    )
    assert len(image.getcolors(2**24)) > 4


EXPLORERS: dict[str, Callable[[Any], Any]] = {
    "density": lambda image: explore.density(tiny(), image),
    "centers": lambda image: explore.centers(tiny(), image),
    "aggregation": lambda image: explore.aggregation(tiny(), image),
    "attention": lambda image: explore.attention(tiny(), image),
    "windows": lambda image: explore.windows(tiny(), image),
    "attribution": lambda image: explore.attribution(tiny(), image),
    "compare": lambda image: explore.compare(tiny(), image),
    "theorem": lambda image: explore.theorem(),
}
