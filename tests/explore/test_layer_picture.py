"""`LayerPicture` in Python: what is sent to the page, what is refused. `test_layer_drawing.py` looks at the canvas."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from satlib.dta import aggregate
from satlib.explore import layer_picture
from satlib.explore.layer_picture import NEEDS, LayerDrawing, LayerPicture, layer_data

IMAGE = torch.rand(3, 4, 6, generator=torch.Generator().manual_seed(0))
MADE = aggregate(
    torch.randn(1, 24, 5, generator=torch.Generator().manual_seed(1)),
    3,
    grid=(4, 6),
    generator=torch.Generator().manual_seed(2),
)
LAYER = layer_data(MADE, reading=torch.full((2, 3), 1 / 3, dtype=torch.float64), weight=torch.ones(24))


def shown(*drawings: str, **changes: object) -> LayerPicture:
    drawing = LayerDrawing(IMAGE, drawings, LAYER, "An image with something on it.")
    picture = LayerPicture()
    picture.show(drawing._replace(**changes))
    return picture


def test_the_names_are_those_of_the_pages_module() -> None:
    source = (Path(layer_picture.__file__).with_name("overlay.mjs")).read_text()
    table = source[source.index("export const DRAWINGS") :]
    assert re.findall(r"^  (\w+): \{ draw", table, re.M) == list(NEEDS)


def test_the_script_is_both_modules_and_asks_for_nothing() -> None:
    script = layer_picture.script()
    assert re.findall(r"^(?:import|export) .*", script, re.M) == ["export default { render };"]
    assert "fetch" not in script and "://" not in script
    assert script.index("const DRAWINGS") < script.index("function render")


@pytest.mark.parametrize("name", NEEDS)
def test_only_what_a_drawing_needs_is_sent_and_with_its_type(name: str) -> None:
    layer = shown(name).layer
    assert tuple(layer) == NEEDS[name]
    for part, sent in layer.items():
        expected = LAYER[part].numpy().astype("<f4" if LAYER[part].is_floating_point() else "<i4")
        assert sent == {"dtype": expected.dtype.name, "bytes": expected.tobytes()}


def test_the_image_is_sent_as_bytes_row_after_row() -> None:
    picture = shown("nothing", image=torch.tensor([0.0, 0.5, 1.5, -1.0, 0.2, 1.0]).expand(3, 1, 6), marked=(0, 5))
    assert (picture.width, picture.height) == (6, 1)
    assert np.frombuffer(picture.rgb, np.uint8)[::3].tolist() == [0, 128, 255, 0, 51, 255]
    assert picture.marked == [0, 5]
    picture = shown("nothing")
    pixels = np.frombuffer(picture.rgb, np.uint8).reshape(4, 6, 3)
    assert (pixels == (255 * IMAGE).round().byte().permute(1, 2, 0).numpy()).all()
    assert picture.marked == []


def test_several_drawings_share_their_data() -> None:
    picture = shown("sample", "density", "reading", marked=(1, 2), outlined=True, dots=((7, "#D55E00"),))
    assert tuple(picture.layer) == ("sample", "density", "assignment", "counts", "reading", "weight")
    assert tuple(shown("sample", marked=(0, 0), outlined=True).layer) == ("sample", "assignment")
    assert picture.dots == [[7, "#D55E00"]]


def test_a_change_sends_only_what_has_changed() -> None:
    picture, changed = shown("density", marked=(0, 0)), []
    picture.observe(lambda change: changed.append(change["name"]))
    picture.show(LayerDrawing(IMAGE, ("density",), LAYER, picture.alt, marked=(3, 5)))
    assert changed == ["marked"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"drawings": ("beauty",)}, "drawing must be one of 'centers', .*, got 'beauty'"),
        ({"image": torch.zeros(1, 4, 6)}, r"image must be \(3, H, W\), got \(1, 4, 6\)"),
        ({"image": torch.zeros(3, 0, 6)}, r"image must be \(3, H, W\), got \(3, 0, 6\)"),
        ({"layer": layer_data(MADE)}, "layer must be data with 'reading', which .* need, got "),
        ({"layer": LAYER | {"assignment": torch.zeros(23)}}, r"assignment must be \(24,\), .*, got \(23,\)"),
        ({"layer": LAYER | {"reading": torch.zeros(3)}}, r"reading must be \(heads, 3\), got \(3,\)"),
        ({"layer": LAYER | {"score": torch.zeros(2)}}, r"score must be \(\d+,\), .*, got \(2,\)"),
        ({"layer": LAYER | {"sample": torch.zeros(1, 9)}}, r"sample must be \(K,\) or \(S,\), got \(1, 9\)"),
        ({"layer": LAYER | {"centers": torch.tensor([0, 24])}}, r"positions must be in 0 to 23, got \[24\]"),
        ({"dots": ((-1, "#000"),)}, r"positions must be in 0 to 23, got \[-1\]"),
        ({"marked": (4, 0)}, r"marked must be a pixel of 4 rows and 6 columns, got \(4, 0\)"),
        ({"outlined": True}, "marked must be a pixel, whose cluster is outlined, got None"),
    ],
)
def test_what_does_not_fit_is_named_and_changes_nothing(changes: dict[str, object], message: str) -> None:
    picture = shown("centers", marked=(1, 1))
    before = picture.get_state()
    drawing = LayerDrawing(IMAGE, ("sample", "centers", "score", "reading"), LAYER, "Another.")
    with pytest.raises(ValueError, match=message):
        picture.show(drawing._replace(**changes))
    assert picture.get_state() == before
