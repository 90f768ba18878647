"""Sphinx extension: buttons that open a chapter on Colab or Binder, where the repository's address is known.

The address is that of the environment variable REPOSITORY_URL, or of the git remote "origin", if it is one of GitHub:
both services read from there. Otherwise no page has such a button. Binder installs the repository's environment. Colab
installs nothing by itself, so the site has a copy of each notebook under ``launch/`` whose first cell installs the
package; the workflow that publishes the site pushes it to the branch PAGES, where Colab finds the copy.

The download button of a chapter offers the notebook beside the source, whether the address is known or not.
"""

import json
import os
import re
import subprocess
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

PAGES = "gh-pages"
ADDRESS = re.compile(r"(?:https://github\.com/|git@github\.com:)([\w.-]+)/([\w.-]+?)(?:\.git)?/?")


def repository(folder: str | Path) -> str | None:
    """Return "owner/name" of the repository on GitHub, None if its address is not known or is elsewhere."""
    address = os.environ.get("REPOSITORY_URL")
    if address is None:
        command = ["git", "-C", str(folder), "remote", "get-url", "origin"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        address = done.stdout
    found = ADDRESS.fullmatch(address.strip())
    return None if found is None else "/".join(found.groups())


def installing(notebook: dict[str, object], place: str) -> dict[str, object]:
    """Return a notebook with a first cell that installs the package of the repository ``place``."""
    source = f'%pip install --quiet "satlib[notebook,theory,train] @ git+https://github.com/{place}"'
    cell: dict[str, object] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "install",
        "metadata": {},
        "outputs": [],
        "source": source,
    }
    cells = notebook["cells"]
    assert isinstance(cells, list)
    return {**notebook, "cells": [cell, *cells]}


def add_buttons(
    app: Sphinx, page: str, template: str, context: dict[str, object], doctree: nodes.document | None
) -> None:
    """Add the buttons to a chapter."""
    place = app.config.repository_place
    buttons = context.get("header_buttons")
    if place is None or not page.startswith("notebooks/") or not isinstance(buttons, list):
        return
    colab = f"https://colab.research.google.com/github/{place}/blob/{PAGES}/launch/{Path(page).name}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{place}/HEAD?urlpath=lab/tree/{page}.ipynb"
    links = [
        {
            "type": "link",
            "text": name,
            "tooltip": f"Open this chapter on {name}",
            "icon": icon,
            "url": url,
            "label": f"launch-{name.lower()}-button",
        }
        for name, icon, url in (("Colab", "fas fa-play", colab), ("Binder", "fas fa-rocket", binder))
    ]
    group = {
        "type": "group",
        "tooltip": "Run this chapter",
        "icon": "fas fa-rocket",
        "buttons": links,
        "label": "launch-buttons",
    }
    buttons.insert(0, group)


def offer_notebook(
    app: Sphinx, page: str, template: str, context: dict[str, object], doctree: nodes.document | None
) -> None:
    """Tell the theme that a chapter can be had as a notebook."""
    if Path(app.srcdir, f"{page}.ipynb").is_file():
        context["ipynb_source"] = f"{page}.ipynb"


def write_copies(app: Sphinx, error: Exception | None) -> None:
    """Write the notebooks for download, and the copies for Colab."""
    if error is not None or app.builder.format != "html":
        return
    place = app.config.repository_place
    for page in app.env.found_docs:
        source = Path(app.srcdir, f"{page}.ipynb")
        if not source.is_file():
            continue
        notebook = json.loads(source.read_text(encoding="utf-8"))
        _write(notebook, Path(app.outdir, "_sources", f"{page}.ipynb"))
        if place is not None and page.startswith("notebooks/"):
            _write(installing(notebook, place), Path(app.outdir, "launch", source.name))


def _write(notebook: dict[str, object], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def find_address(app: Sphinx) -> None:
    """Look for the address once."""
    app.config.repository_place = repository(app.srcdir)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the handlers; the buttons go in after the theme has made its own (priority 501)."""
    app.add_config_value("repository_place", None, "html", (str, type(None)))
    app.connect("builder-inited", find_address)
    app.connect("html-page-context", offer_notebook, priority=400)
    app.connect("html-page-context", add_buttons, priority=800)
    app.connect("build-finished", write_copies)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
