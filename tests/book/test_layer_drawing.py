"""The canvas of a `LayerPicture` in headless Chromium: pixel for pixel what the page "Try it" draws of the same data.

The page gets a worker that answers with satlib's own layer, so that both canvases are drawn from the same numbers.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from live_pages import coffee, colours, control, done, opened, shown

from book.browser import CHROMIUM, served
from book.try_it import write_try_it
from satlib import dta
from satlib.analysis.patch_features import patch_features
from satlib.explore.layer_picture import NEEDS, LayerDrawing, LayerPicture, layer_data, packed, script

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")]

SIDE = 48
IMAGE = torch.from_numpy(coffee()[:SIDE, :SIDE].copy()).permute(2, 0, 1) / 255

REVIVE = """const revive = (value) => {
    if (value?.base64 !== undefined)
        return new DataView(Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0)).buffer);
    if (Array.isArray(value) || value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, revive(part)]));
};"""
RENDER = f"""async ([source, state]) => {{
    {REVIVE}
    const traits = revive(state), heard = {{}};
    const model = {{
        get: (name) => traits[name], set: (name, value) => {{ traits[name] = value; }}, save_changes() {{}},
        on: (name, call) => {{ heard[name] = call; }}, off: (name) => {{ delete heard[name]; }},
    }};
    const module = await import(URL.createObjectURL(new Blob([source], {{ type: "text/javascript" }})));
    const leave = module.default.render({{ model, el: document.body }});
    window.widget = {{ traits, heard, leave }};
}}"""
URL = "(canvas) => canvas.toDataURL()"
WORKER = f"""{REVIVE}
const arrays = {{ int32: Int32Array, float32: Float32Array }}, given = revive(%s);
const layer = {{ k: %d, m: 1 }};
for (const [name, {{ dtype, bytes }}] of Object.entries(given)) layer[name] = new arrays[dtype](bytes.buffer);
const about = {{ scale: 2, nLayers: 6, keep_ratio: 0.03, subsample: 4, temperature: 0.1, neighbors: 0.1,
    sampling: "stratified", size_bias: false }};
window.Worker = class extends EventTarget {{
    postMessage({{ id, task, width, height }}) {{
        const upscaled = width && new Float32Array(12 * width * height);
        const run = {{ upscaled, width: 2 * width, height: 2 * height, layers: Array(6).fill(layer), ms: 1, bytes: 1 }};
        const data = {{ id, value: task === "load" ? about : run }};
        queueMicrotask(() => this.dispatchEvent(new MessageEvent("message", {{ data }})));
    }}
}};"""


def layer() -> dict[str, torch.Tensor]:
    """What DTA makes of the patches of the image, and what a query might read of it."""
    made = dta.aggregate(patch_features(IMAGE[None]), 69, grid=(SIDE, SIDE), generator=torch.Generator().manual_seed(0))
    reading = torch.rand(2, 69, generator=torch.Generator().manual_seed(1))
    weight = torch.rand(SIDE**2, generator=torch.Generator().manual_seed(2))
    return layer_data(made, reading=reading / reading.sum(1, keepdim=True), weight=weight)


def as_json(value: Any) -> Any:
    """Return what a widget sends, with bytes as text."""
    if isinstance(value, (bytes, memoryview)):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    return {name: as_json(part) for name, part in value.items()} if isinstance(value, dict) else value


def picture(*drawings: str, **changes: Any) -> LayerPicture:
    made = LayerPicture(clickable=True)
    made.show(LayerDrawing(IMAGE, drawings, layer(), "An image.", marked=(9, 30))._replace(**changes))
    return made


def state(made: LayerPicture) -> dict[str, Any]:
    names = ("rgb", "width", "height", "drawings", "layer", "marked", "outlined", "dots", "alt", "clickable")
    return {name: as_json(value) for name, value in made.get_state(list(names)).items()}


def rendered(browser: Any, made: LayerPicture) -> Any:
    """Return a page with the widget."""
    page = browser.new_page()
    page.set_content("<!doctype html><body style='margin:0'></body>")
    page.evaluate(RENDER, [script(), state(made)])
    return page


def canvas(page: Any) -> np.ndarray:
    return colours(page.locator('canvas[role="img"]').evaluate(URL))


@pytest.fixture(scope="module")
def tab(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The page "Try it" with satlib's layer."""
    folder = tmp_path_factory.mktemp("site")
    write_try_it(Path(folder))
    data = layer()
    text = json.dumps({name: as_json(packed(name, part)) for name, part in data.items()})
    with (
        served(folder) as address,
        opened(browser, f"{address}book/try_it.html#side=48&row=9&column=30", WORKER % (text, 69)) as tab,
    ):
        yield tab


@pytest.mark.parametrize("name", NEEDS)
def test_the_widget_draws_what_the_page_draws(browser: Any, tab: Any, name: str) -> None:
    control(tab, "draw").select_option(name)
    done(tab)
    page = rendered(browser, picture(name))
    wanted, found = shown(tab, "inside"), canvas(page)
    assert wanted.shape == found.shape == (768, 768, 3)
    assert (wanted == found).all()
    page.close()


def test_a_change_is_drawn_and_a_click_is_told(browser: Any) -> None:
    page = rendered(browser, picture("density"))
    before = canvas(page)
    page.evaluate("() => { widget.traits.marked = [40, 2]; widget.heard['change:marked'](); }")
    assert (canvas(page) != before).any()
    box = page.locator("canvas").bounding_box()
    assert (box["width"], box["height"]) == (384, 384)
    page.mouse.click(box["x"] + 96, box["y"] + 288)
    assert page.evaluate("widget.traits.clicked") == [0.25, 0.75]
    assert page.locator("canvas").get_attribute("aria-label") == "An image."
    page.evaluate("widget.leave()")
    assert page.evaluate("Object.keys(widget.heard)") == []
    page.close()


def test_dots_and_a_line_around_the_cluster_are_drawn(browser: Any) -> None:
    page = rendered(browser, picture("nothing", dots=((0, "#0072B2"),), outlined=True, marked=(9, 30)))
    drawn, plain = canvas(page), canvas(rendered(browser, picture("nothing")))
    assert drawn[5, 5].tolist() == [0, 114, 178]
    cluster = layer()["assignment"].view(SIDE, SIDE)
    row, column = (int(n) for n in (cluster == cluster[9, 30]).nonzero()[0])
    assert drawn[16 * row, 16 * column + 8].tolist() == [255, 255, 255], "the first member has the line above it"
    assert (drawn != plain).any(2).sum() > 100
