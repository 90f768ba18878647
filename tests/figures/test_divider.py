"""Images in one place: each is seen from where the one before it ends, and everything is described."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from satlib.figures.quality.divider import Divider


def images(n: int = 3) -> dict[str, np.ndarray]:
    """Images (4, 6, 3) with random pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (n, 4, 6, 3), dtype=np.uint8)
    return {f'image "{i}"': image for i, image in enumerate(pixels)}


def test_every_image_is_there_without_loss_and_starts_where_the_last_one_ends() -> None:
    given = images()
    html = Divider(given, zoom=3, alt="three  images").html()
    found = re.findall(r'<img src="data:image/webp;base64,([^"]+)" alt="([^"]+)" [^>]*style="--at:([\d.]+)%', html)
    assert [(alt, float(start)) for _, alt, start in found] == [
        ("image &quot;0&quot;", 0),
        ("image &quot;1&quot;", 33.33),
        ("image &quot;2&quot;", 66.67),
    ]
    for (data, *_), image in zip(found, given.values(), strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), image)
    assert "width:18px" in html
    assert re.findall(r'data-between="([^"]+)"', html)[1] == "image &quot;1&quot; and image &quot;2&quot;"


def test_it_has_one_description_for_all_front_ends() -> None:
    shown = Divider(images(2), zoom=1, alt="two\n  images")
    assert repr(shown) == "two images"
    assert shown._repr_mimebundle_()["text/plain"] == "two images"
    assert 'aria-label="two images"' in shown._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"alt": " "}, "alt must describe the figure, got ' '"),
        ({"zoom": 0}, "zoom must be at least 1, got 0"),
        ({"images": images(1)}, "two or more images of one size"),
        ({"images": images(1) | {"wide": np.zeros((4, 7, 3), np.uint8)}}, r"got \[\(4, 6, 3\), \(4, 7, 3\)\]"),
    ],
)
def test_what_cannot_be_shown_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Divider(**{"images": images(2), "zoom": 1, "alt": "two images"} | options)
