"""A picture of a page has two sources, a wide one and one for a phone, and both have the pixels of what a cell gave."""

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from docutils import nodes
from docutils.utils import new_document
from PIL import Image
from sphinx.util import FilenameUniqDict

LAYOUT = {"png": "wide", "gif": "narrow"}
EXTENSION = Path(__file__).parents[2] / "book" / "_ext" / "two_layouts.py"


@pytest.fixture(scope="module")
def layouts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("two_layouts", EXTENSION)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def draw(path: Path, size: tuple[int, int]) -> None:
    """Write a picture with more colours than lines."""
    Image.effect_noise(size, 40).convert("RGB").quantize(64).save(path)


def colors(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def bundle(document: nodes.document, folder: Path, *kinds: str) -> nodes.container:
    """Return the node of an output of a cell, with a picture of each kind in ``folder``."""
    output = nodes.container(nb_element="mime_bundle")
    for kind in kinds:
        name = f"{LAYOUT[kind]}.{kind}"
        draw(folder / name, (90, 36) if kind == "png" else (36, 90))
        output += nodes.container(
            "", nodes.image(uri=name, candidates={"*": name}, classes=[]), mime_type=f"image/{kind}"
        )
    output += nodes.container("", nodes.Text("words"), mime_type="text/plain")
    document += output
    return output


def run(layouts: ModuleType, folder: Path, builder: str, *kinds: str) -> tuple[nodes.container, SimpleNamespace]:
    app = SimpleNamespace(
        builder=SimpleNamespace(
            format=builder, images={}, imagedir="_images", get_target_uri=lambda name: f"{name}.html"
        )
    )
    document = new_document("page")
    document.settings.env = SimpleNamespace(
        srcdir=folder, docname="notebooks/page", images=FilenameUniqDict(), app=app, _app=app
    )
    output = bundle(document, folder, *kinds)
    layouts.TwoLayouts(document).run()
    return output, app.builder


def test_the_page_has_both_with_all_their_pixels(layouts: ModuleType, tmp_path: Path) -> None:
    output, builder = run(layouts, tmp_path, "html", "png", "gif")
    assert [child["mime_type"] for child in output.children] == ["image/png", "text/plain"]
    before, image, after = output.children[0].children
    source = '<source media="(max-width: 600px)" srcset="../_images/narrow.webp" width="20" height="50">'
    assert (
        before.astext()
        == f'<a class="reference internal image-reference" href="../_images/wide.webp"><picture>{source}'
    )
    assert after.astext() == "</picture></a>"
    assert image["uri"] == "wide.webp"
    assert builder.images == {"narrow.webp": "narrow.webp"}, "which Sphinx does not see as a picture"
    for kind, name in LAYOUT.items():
        assert np.array_equal(colors(tmp_path / f"{name}.{kind}"), colors(tmp_path / f"{name}.webp")), name


def test_other_outputs_stay_and_other_builders_get_the_wide_one(layouts: ModuleType, tmp_path: Path) -> None:
    output, _ = run(layouts, tmp_path, "html", "png")
    assert output.children[0].children[0]["uri"] == "wide.png"
    output, builder = run(layouts, tmp_path, "latex", "png", "gif")
    assert [child["mime_type"] for child in output.children] == ["image/png", "text/plain"]
    assert output.children[0].children[0]["uri"] == "wide.png"
    assert builder.images == {}
