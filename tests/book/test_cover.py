"""What a page is about, for those who link to it: its first paragraph."""

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_parser", "sphinx.ext.mathjax", "cover"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
"""
LONG = "This sentence is of a length that lets it stand for all of the page. " + "Another one goes on and on. " * 9
ABOUT = "An interactive research companion to the selective aggregation transformer (SAT) for image super-resolution."
PAGES = {
    "index": ':::{note}\nA note.\n:::\n\nThe density $\\rho_i$ of\n*N* tokens [1, 2], "quoted" & more.\n\nSecond.',
    "long": LONG,
    "endless": "word " * 99,
    "empty": "## Only a heading",
}
DESCRIBED = {
    "index": "The density rho_i of N tokens, “quoted” & more.",
    "long": LONG[: LONG.index("on.", 165) + 3],
    "endless": "word " * 39 + "…",
    "empty": ABOUT,
    "genindex": ABOUT,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "conf.py").write_text(CONF)
    for name, text in PAGES.items():
        (folder / f"{name}.md").write_text(f"# Title\n\n{text}\n")
    with (folder / "index.md").open("a") as file:
        file.write("\n```{toctree}\nlong\nendless\nempty\n```\n")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", ".", "html"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.mark.slow
@pytest.mark.parametrize(("page", "text"), DESCRIBED.items(), ids=DESCRIBED)
def test_a_page_is_described_by_its_first_paragraph(site: Path, page: str, text: str) -> None:
    html = (site / f"{page}.html").read_text()
    for name in ('name="description"', 'property="og:description"'):
        (found,) = re.findall(rf'<meta {name} content="([^"]*)">', html)
        assert unescape(found) == text
        assert len(text) <= 200
