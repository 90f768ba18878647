"""Sphinx extension: what the page "Try it" runs, put beside it: one script, the bundled networks, some photographs.

The JavaScript modules of book/live become one classic script, because a browser loads no modules into a page that is
opened as a file. For such a page every other file also stands there as a script, its bytes as text.
"""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from satlib import samples
from satlib.weights import bundled

PAGE = "book/try_it"
LIVE = Path(__file__).parents[1] / "live"
IMPORT = re.compile(r'^import \{[^}]*\} from "(\.{1,2}/[\w./]+)";\n', re.M)
EXPORT = re.compile(r"^export (?=(?:async )?function|class|const)", re.M)
COMMENT = re.compile(r"^ *(?://.*|/\*\*.*\*/|/\*\*\n(?: *\*.*\n)*? *\*/)\n", re.M)
AFTER = re.compile(r"(?<=[;,{}()\[\]]) +// .*$", re.M)
"""A comment behind code: what comes before it ends no text."""
INDENT = re.compile(r"^\s+", re.M)

NETWORKS = ("sat-tiny-x2", "sat-tiny-x4")
"""What the page offers. With all bundled networks the site would pass its 40 MB: each is there twice."""

SIDE = 104
"""Pixels of a side of a photograph that comes with the page."""
PICTURES = ("coffee", "chelsea", "astronaut", "rocket", "text", "brick")


def bundle(entry: Path) -> str:
    """Return a module and all that it imports as one script, without comments and indents; each after what it needs."""
    order: list[Path] = []

    def visit(path: Path) -> None:
        for name in IMPORT.findall(path.read_text()):
            visit((path.parent / name).resolve())
        if path not in order:
            order.append(path)

    visit(entry.resolve())
    sources = (EXPORT.sub("", IMPORT.sub("", path.read_text())) for path in order)
    return INDENT.sub("", AFTER.sub("", COMMENT.sub("", '"use strict";\n' + "\n".join(sources))))


def script() -> str:
    """Return the page's script: kernels, worker and page."""
    given = {
        "wasm": base64.b64encode((LIVE / "sat.wasm").read_bytes()).decode(),
        "worker": bundle(LIVE / "worker.mjs"),
        "networks": NETWORKS,
        "pictures": {name: samples.SAMPLES[name].title for name in PICTURES},
    }
    return f"(() => {{\n{bundle(LIVE / 'page' / 'page.mjs')}\nbegin({json.dumps(given)});\n}})();\n"


def photograph(name: str) -> bytes:
    """Return the middle of a photograph as WebP, without loss. It is cut and not shrunk: its pixels are a camera's."""
    photo = samples.load(name).convert("RGB")
    width, height = (min(SIDE, length) for length in photo.size)
    left, top = (photo.width - width) // 2, (photo.height - height) // 2
    file = io.BytesIO()
    photo.crop((left, top, left + width, top + height)).save(file, "WEBP", lossless=True, quality=100, method=6)
    return file.getvalue()


def write(folder: Path) -> None:
    """Write all files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "live.js").write_text(script())
    for name, source in (("live.css", "page.css"), ("panel.css", "panel.css")):
        (folder / name).write_text(INDENT.sub("", (LIVE / "page" / source).read_text()))
    (folder / "panel.js").write_text(f"(() => {{\n{bundle(LIVE / 'page' / 'panel.mjs')}\n}})();\n")
    files = {f"{name}.safetensors": bundled(name).read_bytes() for name in NETWORKS}
    files |= {f"{name}.webp": photograph(name) for name in PICTURES}
    for name, content in files.items():
        (folder / name).write_bytes(content)
        text = base64.b64encode(content).decode()
        (folder / f"{name}.js").write_text(f"satLiveFile({json.dumps(name)}, {json.dumps(text)});\n")


def on_start(app: Sphinx) -> None:
    """Write the files before the first page."""
    if app.builder.format == "html":
        write(Path(app.outdir) / "_static" / "live")


def lighten(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Leave MathJax, 1.2 MB, out of the page: it has no formula, and the network is to be there soon."""
    if page == PAGE:
        scripts = ((file, f"{file.filename} {file.attributes.get('body')}") for file in context["script_files"])
        context["script_files"] = [file for file, text in scripts if "mathjax" not in text.lower()]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the handlers, the second one after Sphinx's own that puts MathJax into every page (priority 500)."""
    app.connect("builder-inited", on_start)
    app.connect("html-page-context", lighten, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
