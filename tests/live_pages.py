"""Pages on which SAT runs in the browser, as tests use them: written, opened in Chromium, and what they show."""

import base64
import importlib.util
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image
from processes import PATIENCE

from book.try_it import FRAME
from satlib import load

BOOK = Path(__file__).parents[1] / "book"
DONE = '#live[data-state="done"]'


def extension(name: str = "live") -> ModuleType:
    """Return a Sphinx extension of the book, such as the one that writes the page's files."""
    spec = importlib.util.spec_from_file_location(name, BOOK / "_ext" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_panels(folder: Path) -> None:
    """Write a page for each chapter's panel, and their files."""
    panels = extension("live_panels")
    extension().write(folder / "_static" / "live")
    (folder / "notebooks").mkdir()
    script = '<script src="../_static/live/panel.js" defer></script>'
    for page, view in panels.VIEWS.items():
        (folder / f"{page}.html").write_text(FRAME % (panels.panel(view, "../_static/live") + script))


@contextmanager
def opened(browser: Any, url: str, script: str = "", wait: str = DONE) -> Iterator[Any]:
    """A tab on the page. What goes wrong in it lets the test fail; `tab.requests` are those since it has started."""
    tab, wrong = browser.new_page(), []
    tab.requests = []
    tab.set_default_timeout(1000 * PATIENCE)
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    if script:
        tab.add_init_script(script)
    tab.goto(url)
    tab.wait_for_selector(wait)
    tab.on("request", lambda request: tab.requests.append(request.url))
    yield tab
    tab.close()
    assert wrong == []


def control(tab: Any, name: str) -> Any:
    return tab.locator(f'[data-name="{name}"]')


def done(tab: Any) -> str:
    """Wait until the network has done what was asked for, and return the status."""
    tab.wait_for_selector(DONE)
    return str(tab.locator(".live-status").inner_text())


def shown(tab: Any, view: str) -> np.ndarray:
    """The colours of a canvas, (H, W, 3)."""
    return colours(tab.locator(f'[data-view="{view}"]').evaluate("(canvas) => canvas.toDataURL()"))


def colours(url: str) -> np.ndarray:
    """The colours of a picture that is an address itself, (H, W, 3)."""
    with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as image:
        return np.array(image.convert("RGBA"), int)[..., :3]


def own(picture: Image.Image, name: str = "own.png") -> dict[str, Any]:
    """A file as a reader chooses it."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": file.getvalue()}


def upscaled(picture: np.ndarray, name: str, **options: Any) -> np.ndarray:
    """What satlib makes of (H, W, 3) bytes."""
    with torch.no_grad():
        out = load(name, **options)(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None] / 255)
    return (out[0].permute(1, 2, 0).clamp(0, 1) * 255).round().numpy()


def coffee() -> np.ndarray:
    photo = np.array(Image.open(io.BytesIO(extension().photograph("coffee"))))
    return photo[:96, :96]
