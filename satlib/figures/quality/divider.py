"""Images of one scene in one place, each seen in a part of it: what stands side by side differs in nothing else.

The HTML needs nothing else to be seen, printed and read out: the parts are then equally wide. In the book
``book/_static/divider.js`` makes the lines between them handles for the mouse, the finger and the arrow keys.
"""

import base64
import io
from collections.abc import Mapping
from html import escape

from PIL import Image

from satlib.evaluation.crops import Pixels
from satlib.figures.kit.html_figure import HtmlFigure

LINE = "position:absolute;top:0;bottom:0;width:2px;margin-left:-1px;background:#fff;left:var(--at)"
LABEL = (
    "position:absolute;top:0.4rem;left:calc(var(--at) + 0.4rem);padding:0.1rem 0.45rem;border-radius:0.2rem;"
    "background:#10202e;color:#fff;font-size:0.8rem;line-height:1.4;white-space:nowrap"
)


class Divider(HtmlFigure):
    """Images of one size in one place, with lines between their parts; as the last value of a cell it is displayed.

    Parameters
    ----------
    images
        Two or more of one size, (H, W, 3) uint8, by the name of each, from the left to the right.
    zoom
        How often each pixel is repeated, in CSS pixels; 1 or more.
    alt
        What there is to see, for readers who cannot see it.

    Raises
    ------
    ValueError
        If ``alt`` is blank, ``zoom`` is below 1, or there are not two images of one size at least.
    """

    def __init__(self, images: Mapping[str, Pixels], *, zoom: int, alt: str) -> None:
        super().__init__(alt)
        if zoom < 1:
            raise ValueError(f"zoom must be at least 1, got {zoom}")
        shapes = [image.shape for image in images.values()]
        if len(shapes) < 2 or len(set(shapes)) != 1:
            raise ValueError(f"two or more images of one size are needed, got {shapes}")
        self.images, self.zoom = dict(images), zoom

    def html(self) -> str:
        """Return the images as HTML that needs nothing else; each starts where the one before it ends."""
        n = len(self.images)
        height, width = next(iter(self.images.values())).shape[:2]
        starts = [100 * i / n for i in range(n)]
        pictures = "".join(
            _picture(name, image, start) for (name, image), start in zip(self.images.items(), starts, strict=True)
        )
        labels = "".join(
            f'<span class="divider-label" style="--at:{start:.2f}%;{LABEL}">{escape(name)}</span>'
            for name, start in zip(self.images, starts, strict=True)
        )
        lines = "".join(
            f'<span class="divider-line" data-between="{escape(left, quote=True)} and {escape(right, quote=True)}" '
            f'style="--at:{start:.2f}%;{LINE}"></span>'
            for left, right, start in zip(self.images, list(self.images)[1:], starts[1:], strict=False)
        )
        size = f"position:relative;overflow:hidden;width:{width * self.zoom}px;max-width:100%;margin:0 auto"
        return (
            f'<div class="divider" role="group" aria-label="{escape(self.alt, quote=True)}" '
            f'style="{size};aspect-ratio:{width} / {height}">{pictures}{labels}{lines}</div>'
        )


def _picture(name: str, image: Pixels, start: float) -> str:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="WEBP", lossless=True, quality=100, method=6)
    address = "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()
    style = (
        f"--at:{start:.2f}%;clip-path:inset(0 0 0 var(--at));position:absolute;inset:0;width:100%;height:100%;"
        "min-width:0;max-width:none;margin:0;padding:0;border-radius:0;filter:none;image-rendering:pixelated"
    )
    return f'<img src="{address}" alt="{escape(name, quote=True)}" draggable="false" style="{style}">'
