"""Sphinx extension: copy MathJax and plotly.js out of installed packages into the site.

The pages ask no other host for anything, and the repository holds no copy of other people's megabytes. MathJax comes
from ``sphinx-mathjax-offline`` (only the parts a page can ask for), plotly.js from ``plotly`` itself.
"""

import shutil
from importlib.metadata import distribution
from pathlib import Path

from sphinx.application import Sphinx

MATHJAX = ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")


def copy_scripts(app: Sphinx) -> None:
    """Put the files under ``_static/vendor`` before the first page is written."""
    if app.builder.format != "html":
        return
    vendor = Path(app.outdir) / "_static" / "vendor"
    mathjax = distribution("sphinx-mathjax-offline").locate_file("sphinx-mathjax-offline/static/mathjax")
    for part in MATHJAX:
        _copy(Path(str(mathjax)) / part, vendor / "mathjax" / part)
    plotly = distribution("plotly").locate_file("plotly/package_data/plotly.min.js")
    _copy(Path(str(plotly)), vendor / "plotly.min.js")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the copy to the start of the build."""
    app.connect("builder-inited", copy_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
