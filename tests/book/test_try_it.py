"""The page "Try it" in headless Chromium: the reader's picture, every control, the address, and that nothing leaves it.

The page stands in a plain frame, which takes no build of the book; `test_site.py` looks at the built page, its colours
and its width on a phone.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from live_pages import DONE, coffee, control, done, opened, own, shown, upscaled
from PIL import Image

from book.browser import CHROMIUM, served
from book.try_it import write_try_it
from satlib.resize import imresize

pytest.importorskip("playwright.sync_api")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_try_it(folder)
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield f"{address}book/try_it.html"


@pytest.fixture
def tab(browser: Any, address: str) -> Iterator[Any]:
    """The page with a cut of 48 pixels a side, which takes a fourth of the time of 96."""
    with opened(browser, address + "#side=48") as tab:
        yield tab


@pytest.fixture
def new_tab(browser: Any, address: str) -> Iterator[Any]:
    """The page as it begins."""
    with opened(browser, address) as tab:
        yield tab


def test_the_page_shows_what_satlib_computes(new_tab: Any) -> None:
    tab = new_tab
    assert done(tab).startswith("96 × 96 pixels became 192 × 192 in ")
    assert np.abs(shown(tab, "sat") - upscaled(coffee(), "sat-tiny-x2")).max() <= 1
    assert np.abs(shown(tab, "bicubic") - imresize(coffee(), 2)).max() <= 1
    assert "K = 276 of 9216 tokens, S = 1104, m = 27; " in tab.locator('[data-text="measured"]').inner_text()


def test_what_the_page_carries_is_small(browser: Any, address: str) -> None:
    page, finished = browser.new_page(), []
    page.on("requestfinished", lambda request: finished.append(request))
    page.goto(address)
    page.wait_for_selector(DONE)
    sizes = [request.sizes()["responseBodySize"] for request in finished if request.url.startswith("http")]
    assert len(sizes) == 5
    assert sum(sizes) <= 450_000
    page.close()


def test_nothing_is_asked_for_once_the_page_has_started(tab: Any) -> None:
    control(tab, "file").set_input_files(own(Image.fromarray(coffee()[:40, :48])))
    assert done(tab).startswith("48 × 40 pixels became 96 × 80")
    for name in ("ratio", "beta", "tau", "m", "layer", "split"):
        control(tab, name).press("ArrowRight")
        done(tab)
    control(tab, "sampler").select_option("grid")
    control(tab, "logn").check()
    done(tab)
    tab.locator('[data-view="inside"]').click(position={"x": 20, "y": 30})
    done(tab)
    tab.locator('[data-do="whole"]').click()
    done(tab)
    with tab.expect_download() as download:
        tab.locator('[data-do="download"]').click()
    with Image.open(download.value.path()) as picture:
        assert picture.size == (96, 80)
    assert [url for url in tab.requests if not url.startswith("blob:")] == []


def test_knobs_are_those_of_satlib(tab: Any) -> None:
    control(tab, "ratio").fill("0.1")
    control(tab, "tau").fill("0.5")
    control(tab, "sampler").select_option("strips")
    control(tab, "logn").check()
    done(tab)
    options = {"keep_ratio": 0.1, "temperature": 0.5, "sampling": "strips", "size_bias": True}
    assert np.abs(shown(tab, "sat") - upscaled(coffee()[:48, :48], "sat-tiny-x2", **options)).max() <= 1


def test_a_dragged_knob_shows_the_middle_and_then_all(new_tab: Any) -> None:
    tab = new_tab
    knob, event = control(tab, "ratio"), "(knob, kind) => { knob.value = 0.06; knob.dispatchEvent(new Event(kind)); }"
    knob.evaluate(event, "input")
    assert done(tab).startswith("64 × 64 pixels became 128 × 128")
    middle = shown(tab, "sat")
    wanted = upscaled(coffee()[16:80, 16:80], "sat-tiny-x2", keep_ratio=0.06)
    assert np.abs(middle[32:160, 32:160] - wanted).max() <= 1
    assert (middle[:32] == 0).all()
    knob.evaluate(event, "change")
    assert done(tab).startswith("96 × 96 pixels became 192 × 192")


def test_every_drawing_and_layer_is_another_picture(tab: Any) -> None:
    seen = []
    for name in ("centers", "clusters", "density", "score", "reading", "nothing"):
        control(tab, "draw").select_option(name)
        seen.append(shown(tab, "inside").tobytes())
    control(tab, "draw").select_option("clusters")
    control(tab, "layer").press("ArrowRight")
    assert "in layer 2" in tab.locator("figcaption").inner_text()
    assert len({*seen, shown(tab, "inside").tobytes()}) == 7
    assert tab.requests == []


def test_a_pixel_is_chosen_by_a_click_or_by_keys(tab: Any) -> None:
    canvas, rows = tab.locator('[data-view="inside"]'), tab.locator(".live-read tbody tr")
    before = rows.all_inner_texts()
    assert len(before) == 5
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] * 10.5 / 48, "y": box["height"] * 20.5 / 48})
    done(tab)
    assert "row 20, column 10 is marked" in tab.locator("figcaption").inner_text()
    assert rows.all_inner_texts() != before
    canvas.press("ArrowDown")
    canvas.press("ArrowLeft")
    done(tab)
    assert "row 21, column 9 is marked" in tab.locator("figcaption").inner_text()


def test_the_address_tells_of_a_view(browser: Any, address: str, new_tab: Any) -> None:
    tab = new_tab
    assert tab.url == address
    control(tab, "side").select_option("64")
    control(tab, "draw").select_option("density")
    control(tab, "tau").fill("0.3")
    control(tab, "layer").fill("4")
    done(tab)
    assert tab.url.startswith(address + "#")
    with opened(browser, tab.url) as other:
        assert done(other).startswith("64 × 64")
        assert [control(other, name).input_value() for name in ("draw", "tau", "layer")] == ["density", "0.3", "4"]
        assert (shown(other, "inside") == shown(tab, "inside")).all()
    tab.locator('[data-do="reset"]').click()
    assert done(tab).startswith("96 × 96")
    assert tab.url == address
    tab.goto(address + "#side=48&layer=3")
    assert done(tab).startswith("48 × 48")
    assert control(tab, "layer").input_value() == "3"
    with opened(
        browser, address + "#layer=99&draw=beauty&network=none&tau=x&row=1e9&column=2.5&picture=none&side=50.5"
    ) as other:
        assert done(other).startswith("96 × 96")
        assert control(other, "layer").input_value() == "6"


@pytest.mark.parametrize(
    ("picture", "size"),
    [
        (Image.new("RGB", (1, 1), "red"), "1 × 1 pixels became 2 × 2"),
        (Image.new("L", (3, 200), 77), "3 × 48 pixels became 6 × 96"),
        (Image.new("RGBA", (20, 10), (0, 0, 0, 0)), "20 × 10 pixels became 40 × 20"),
    ],
)
def test_pictures_of_every_kind_and_size(picture: Image.Image, size: str, tab: Any) -> None:
    control(tab, "file").set_input_files(own(picture))
    assert done(tab).startswith(size)
    if picture.mode == "RGBA":  # on white
        assert shown(tab, "bicubic").min() == 255


def test_a_file_that_is_no_picture_is_said_to_be_none(tab: Any) -> None:
    control(tab, "file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    tab.wait_for_selector('#live[data-state="failed"]')
    assert tab.locator(".live-status").inner_text() == "this file is no picture that the browser can read"
    control(tab, "ratio").press("ArrowRight")
    assert done(tab).startswith("48 × 48")


def test_a_larger_picture_is_cut_where_the_reader_wants(tab: Any) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (150, 120, 3), np.uint8)
    control(tab, "file").set_input_files(own(Image.fromarray(noise)))
    done(tab)
    control(tab, "left").fill("20")
    control(tab, "top").fill("100")
    done(tab)
    assert np.abs(shown(tab, "bicubic") - imresize(noise[100:148, 20:68], 2)).max() <= 1


def test_a_long_run_tells_how_far_it_is_and_can_be_cancelled(tab: Any) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 260, 3), np.uint8)
    control(tab, "file").set_input_files(own(Image.fromarray(noise)))
    done(tab)
    tab.locator('[data-do="whole"]').click()
    tab.wait_for_function("document.querySelector('#live progress').value > 0")
    tab.locator('[data-do="cancel"]').click()
    assert done(tab) == "Cancelled."
    assert tab.locator("progress").is_hidden() and tab.locator('[data-do="cancel"]').is_hidden()
    control(tab, "ratio").press("ArrowRight")
    assert done(tab).startswith("48 × 48")


def test_other_networks_and_other_pictures_tokens(tab: Any) -> None:
    before = shown(tab, "sat")
    control(tab, "other").select_option("brick")
    done(tab)
    assert (shown(tab, "sat") != before).any()
    control(tab, "other").select_option("")
    control(tab, "network").select_option("sat-tiny-x4")
    assert done(tab).startswith("48 × 48 pixels became 192 × 192")
    assert np.abs(shown(tab, "sat") - upscaled(coffee()[:48, :48], "sat-tiny-x4")).max() <= 1


def test_a_picture_can_be_dropped(tab: Any) -> None:
    file = own(Image.fromarray(coffee()[:30, :20]))
    drop = """(place, bytes) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "own.png", { type: "image/png" }));
        for (const kind of ["dragover", "drop"]) place.dispatchEvent(new DragEvent(kind, { dataTransfer: data }));
    }"""
    tab.locator("#live-drop").evaluate(drop, list(file["buffer"]))
    assert done(tab).startswith("20 × 30 pixels became 40 × 60")


def test_a_browser_without_simd_is_told_so(browser: Any, address: str) -> None:
    script = "WebAssembly.validate = () => false;"
    with opened(browser, address, script, '#live[data-state="unable"]') as tab:
        assert "has no WebAssembly with SIMD" in tab.locator(".live-status").inner_text()
        assert not tab.locator("fieldset").first.is_visible()


def test_the_page_works_when_it_is_opened_as_a_file(browser: Any, site: Path) -> None:
    with opened(browser, (site / "book" / "try_it.html").as_uri() + "#side=48") as tab:
        assert done(tab).startswith("48 × 48")
        assert np.abs(shown(tab, "sat") - upscaled(coffee()[:48, :48], "sat-tiny-x2")).max() <= 1
        control(tab, "picture").select_option("brick")
        control(tab, "network").select_option("sat-tiny-x4")
        assert done(tab).startswith("48 × 48 pixels became 192 × 192")
