"""Launch buttons of the book: there with a repository on GitHub, and only then."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "book" / "_ext"

CONF = f"""
import sys
sys.path.insert(0, {str(EXTENSIONS)!r})
extensions = ["sphinx_book_theme", "launch"]
html_theme = "sphinx_book_theme"
project = "Small"
root_doc = "index"
"""


@pytest.fixture(scope="module")
def launch() -> ModuleType:
    spec = importlib.util.spec_from_file_location("launch", EXTENSIONS / "launch.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("https://github.com/someone/sat-companion", "someone/sat-companion"),
        ("https://github.com/someone/sat.companion.git", "someone/sat.companion"),
        ("git@github.com:someone/sat-companion.git\n", "someone/sat-companion"),
        ("https://example.org/someone/sat-companion.git", None),
        ("/a/folder/on/this/machine", None),
        ("", None),
    ],
)
def test_only_addresses_on_github_count(
    launch: ModuleType, monkeypatch: pytest.MonkeyPatch, address: str, place: str | None
) -> None:
    monkeypatch.setenv("REPOSITORY_URL", address)
    assert launch.repository(ROOT) == place


def test_without_the_variable_the_remote_is_asked(
    launch: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REPOSITORY_URL", raising=False)
    assert launch.repository(tmp_path) is None
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    assert launch.repository(tmp_path) is None
    address = "https://github.com/someone/sat-companion.git"
    subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", address], check=True)
    assert launch.repository(tmp_path) == "someone/sat-companion"


def build(folder: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> Path:
    """Build a site of a front page and a chapter."""
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    (folder / "conf.py").write_text(CONF)
    (folder / "index.rst").write_text("Front\n=====\n\n.. toctree::\n\n   notebooks/01_idea\n")
    (notebooks / "01_idea.rst").write_text("Idea\n====\n")
    (notebooks / "01_idea.ipynb").write_bytes((ROOT / "notebooks" / "01_idea.ipynb").read_bytes())
    monkeypatch.setenv("REPOSITORY_URL", address)
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-D", "exclude_patterns=notebooks/*.ipynb", ".", "html"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "html"


def test_a_chapter_has_buttons_that_lead_somewhere(
    launch: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site = build(tmp_path, monkeypatch, "https://github.com/someone/sat-companion")
    page = (site / "notebooks" / "01_idea.html").read_text()
    assert "colab.research.google.com/github/someone/sat-companion/blob/gh-pages/launch/01_idea.ipynb" in page
    assert "mybinder.org/v2/gh/someone/sat-companion/HEAD?urlpath=lab/tree/notebooks/01_idea.ipynb" in page
    assert "colab.research" not in (site / "index.html").read_text()
    copy = nbformat.read(site / "launch" / "01_idea.ipynb", as_version=4)
    nbformat.validate(copy)
    first, *rest = copy.cells
    assert first.source.startswith("%pip install")
    assert "git+https://github.com/someone/sat-companion" in first.source
    original = json.loads((ROOT / "notebooks" / "01_idea.ipynb").read_text())
    assert [cell.source for cell in rest] == ["".join(cell["source"]) for cell in original["cells"]]


def test_there_is_no_button_without_an_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    site = build(tmp_path, monkeypatch, "")
    page = (site / "notebooks" / "01_idea.html").read_text()
    assert "Idea" in page
    assert "colab" not in page
    assert "mybinder" not in page
    assert not (site / "launch").exists()
    assert "../_sources/notebooks/01_idea.ipynb" in page, "it can be downloaded all the same"
    assert (site / "_sources" / "notebooks" / "01_idea.ipynb").is_file()


def test_the_workflow_publishes_to_the_branch_that_the_buttons_name(launch: ModuleType) -> None:
    workflow = (ROOT / ".github" / "workflows" / "book.yml").read_text()
    assert f"HEAD:{launch.PAGES}" in workflow
