"""Folded cells without results that follow one another are one bar on the page, with all of their code."""

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from notebook_sources import HEADER

ROOT = Path(__file__).parents[2]
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_nb", "one_bar"]
nb_execution_mode = "force"
"""
BAR = re.compile(r'<details class="admonition hide above-input">.*?</details>', re.S)
CODE = re.compile(r"<pre>(.*?)</pre>", re.S)
TAG = re.compile(r"<[^>]+>")


def cell(code: str, tags: str = "hide-input", word: str | None = None) -> str:
    """Return the source of a cell; ``word`` is what its bar says."""
    prompts = "" if word is None else f"mystnb:\n  code_prompt_hide: {word}\n  code_prompt_show: {word}\n"
    return f"```{{code-cell}} ipython3\n---\n{prompts}tags: [{tags}]\n---\n{code}\n```"


PARTS = [
    cell("import math", "start, hide-input", "Imports"),
    cell("radius: float = 2.0", "parameters, start, hide-input", "Parameters"),
    cell("x = math.pi\ny = x * radius", "start, hide-input"),
    "Text.",
    cell("one = 1"),
    cell("two = 2"),
    cell("print(one + two)"),
    cell("three = 3", word="Three"),
    "## Section",
    cell("seen = 4", "seen"),
    cell("five = 5"),
    cell("six = 6", "hide-cell"),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a small chapter."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "conf.py").write_text(CONF)
    (folder / "index.md").write_text(HEADER + "# Title\n\n" + "\n\n".join(PARTS) + "\n")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", ".", "html"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return (folder / "html" / "index.html").read_text()


def bars(page: str) -> list[tuple[str, list[str]]]:
    """Return what each bar that folds code says, and the blocks of code in it."""
    found = BAR.findall(page)
    words = [re.search(r'<p class="collapsed[^>]*>(.*?)</p>', bar).group(1) for bar in found]
    blocks = [[unescape(TAG.sub("", block)).strip() for block in CODE.findall(bar)] for bar in found]
    return list(zip(words, blocks, strict=True))


@pytest.mark.slow
def test_cells_that_follow_one_another_are_one_bar(page: str) -> None:
    code = "import math\n\nradius: float = 2.0\n\nx = math.pi\ny = x * radius"
    assert bars(page)[0] == ("Imports, parameters", [code])


def test_text_a_result_and_a_heading_part_the_bars(page: str) -> None:
    assert bars(page)[1:] == [
        ("Set-up", ["one = 1\n\ntwo = 2"]),
        ("Show code cell source", ["print(one + two)"]),
        ("Three", ["three = 3"]),
        ("Show code cell source", ["five = 5"]),
        ("Show code cell content", ["six = 6"]),
    ]


def test_the_block_keeps_its_tags_and_its_colours(page: str) -> None:
    (tag,) = re.findall(r'<div class="cell tag_start[^"]*"', page)
    assert "tag_parameters" in tag
    assert re.search(r'<span class="kn">import</span>', BAR.findall(page)[0])
