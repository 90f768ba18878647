"""Sphinx extension: the picture and the words that other sites show where they link to a page (Open Graph).

The words are the page's first paragraph. A page without one, such as the index, has a sentence about the book.

The picture is drawn at each build: the centres that the first SAA layer of a bundled network chooses on a photograph.
Its address must be absolute, so it is that of the site on GitHub Pages if the repository is known (the extension
`launch` finds it); else it is relative, which a preview on the same machine can read.
"""

import re
from html import escape, unescape
from pathlib import Path

import matplotlib
from docutils import nodes
from PIL import Image, ImageDraw, ImageFont
from sphinx.application import Sphinx

from satlib import load, samples, trace
from satlib.figures.kit.style import CENTER, pixels
from satlib.images.degradation import low_resolution

SIZE = (1200, 630)
NIGHT, PALE = "#0f2233", "#cfe3f5"
TAG = re.compile(r"<[^>]+>")
CITATION = re.compile(r"\s*\[\d+(?:, ?\d+)*\]")
COMMAND = re.compile(r"\\(?:mathbf|mathcal|mathrm|text)?\W?(\w*)\}?")
"""A word of TeX: what is left of it is the word."""

LENGTH = 200
"""Characters of a description, at most: search engines cut longer ones."""

FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
ABOUT = "An interactive research companion to the selective aggregation transformer (SAT) for image super-resolution."


def draw() -> Image.Image:
    """Return the picture."""
    image = low_resolution(samples.load("astronaut"), 128)
    centers = trace(load("sat-tiny-x2"), image)[0].aggregation.centers[0].tolist()
    height, width = image.shape[1:]
    cover, step = Image.new("RGB", SIZE, NIGHT), SIZE[1] / height
    photo = Image.fromarray(pixels(image)).resize((int(step * width), SIZE[1]), Image.Resampling.NEAREST)
    left = SIZE[0] - photo.width
    cover.paste(photo, (left, 0))
    pen = ImageDraw.Draw(cover)
    for row, column in (divmod(center, width) for center in centers):
        _dot(pen, left + (column + 0.5) * step, (row + 0.5) * step, 5)
    pen.text((60, 150), "SAT companion", font=_font("DejaVuSans-Bold", 62), fill="white")
    words = "Selective aggregation attention\nfor image super-resolution:\nread it, run it, check it."
    pen.multiline_text((60, 260), words, font=_font("DejaVuSans", 32), fill=PALE, spacing=14)
    _dot(pen, 68, 476, 8)
    pen.text(
        (90, 460), f"{len(centers)} of {height * width:,} tokens are kept", font=_font("DejaVuSans", 26), fill=PALE
    )
    return cover.quantize(128)


def _dot(pen: ImageDraw.ImageDraw, x: float, y: float, radius: int) -> None:
    pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=CENTER, outline="white")


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / f"{name}.ttf"), size)


def describe(page: nodes.document | None) -> str:
    """Return the first paragraph of a page without citations, or as much of it as a description may be long."""
    found = (each for each in page.findall(nodes.paragraph) if isinstance(each.parent, nodes.section)) if page else ()
    text = next((CITATION.sub("", " ".join(each.astext().split())) for each in found), "")
    text = COMMAND.sub(r"\1", text) or ABOUT
    if len(text) <= LENGTH:
        return text
    sentences = re.match(rf"(.{{60,{LENGTH - 1}}}[.?!])\s", text)
    return sentences[1] if sentences else text[: LENGTH - 2].rsplit(" ", 1)[0] + " …"


def add_tags(app: Sphinx, page: str, template: str, context: dict[str, object], doctree: nodes.document | None) -> None:
    """Add the tags to the head of a page."""
    place, pathto = app.config.repository_place, context.get("pathto")
    if not callable(pathto):
        return
    owner, _, name = (place or "").partition("/")
    picture = f"https://{owner}.github.io/{name}/_static/opengraph.png" if place else pathto("_static/opengraph.png", 1)
    title = unescape(TAG.sub("", str(context.get("title", ""))))
    about = describe(doctree)
    tags = {
        "og:type": "article",
        "og:title": title,
        "og:site_name": "SAT companion",
        "og:description": about,
        "og:image": picture,
        "og:image:width": str(SIZE[0]),
        "og:image:height": str(SIZE[1]),
    }
    head = "".join(f'<meta property="{key}" content="{escape(value)}">\n' for key, value in tags.items())
    context["metatags"] = f'{context.get("metatags", "")}{head}<meta name="description" content="{escape(about)}">\n'


def write_picture(app: Sphinx, error: Exception | None) -> None:
    """Put the picture among the static files."""
    if error is None and app.builder.format == "html":
        draw().save(Path(app.outdir, "_static", "opengraph.png"), optimize=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the handlers."""
    app.setup_extension("launch")
    app.connect("html-page-context", add_tags)
    app.connect("build-finished", write_picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
