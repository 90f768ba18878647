"""Sample photographs, free of copyright, that come with the package: what the book shows and what runs without data.

Crops of images that come with scikit-image; `LICENSES.md` beside them gives the evidence for each. Sides are multiples
of 24, so that every scale divides them.
"""

from importlib import resources
from pathlib import Path
from typing import NamedTuple

from PIL import Image


class Sample(NamedTuple):
    """Where a photograph comes from."""

    title: str
    """What it shows and what it is good for."""
    author: str
    source: str
    """Where scikit-image has it from."""
    license: str
    """"CC0" or "public domain"."""


SAMPLES = {
    "astronaut": Sample(
        "Eileen Collins, astronaut: a face", "NASA", "NASA Great Images, https://flic.kr/p/r9qvLn", "public domain"
    ),
    "brick": Sample(
        "A brick wall, grey: a pattern that repeats",
        "CC0 Textures",
        "https://cc0textures.com/view.php?tex=Bricks25",
        "CC0",
    ),
    "camera": Sample(
        "A photographer before a skyline, grey: edges, architecture, sky",
        "Lav Varshney",
        "given to scikit-image",
        "CC0",
    ),
    "chelsea": Sample("Chelsea the cat: fur and whiskers", "Stefan van der Walt", "given to scikit-image", "CC0"),
    "coffee": Sample(
        "A cup of coffee: smooth curves and highlights", "Rachel Michetti", "given to scikit-image", "CC0"
    ),
    "gravel": Sample("Gravel, grey: texture", "CC0 Textures", "https://cc0textures.com/view.php?tex=Gravel04", "CC0"),
    "rocket": Sample(
        "A rocket at dusk: smooth sky and fine lattice",
        "SpaceX",
        "https://www.flickr.com/photos/spacexphotos/16511594820/in/photostream/",
        "public domain",
    ),
    "text": Sample(
        "Handwritten formulas, grey: text", "unknown", "https://en.wikipedia.org/wiki/File:Corner.png", "public domain"
    ),
}
"""The photographs by name."""


def names() -> list[str]:
    """Return the names of the photographs."""
    return list(SAMPLES)


def path(name: str) -> Path:
    """Return the PNG file of a photograph.

    Raises
    ------
    ValueError
        If there is no photograph of this name.
    """
    if name not in SAMPLES:
        raise ValueError(f"unknown sample {name!r}; the samples are {', '.join(SAMPLES)}")
    return Path(str(resources.files("satlib"))) / "samples" / f"{name}.png"


def load(name: str) -> Image.Image:
    """Return a photograph as a PIL image of mode RGB or L; ValueError for an unknown name."""
    with Image.open(path(name)) as image:
        image.load()
    return image
