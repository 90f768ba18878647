"""Sections that have left a page are found by their old addresses: the page knows what the other one has."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_parser", "moved"]
exclude_patterns = ["html"]
"""
PAGES = {
    "index": "# Index\n\n```{toctree}\none/old\ntwo/new\n```\n",
    "one/old": "# Old\n\n(stays)=\n## What stays\n\n## In both\n",
    "two/new": "# New\n\n(gone)=\n## What went\n\n## In both\n",
}


def build(folder: Path, moved: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Build a site of three pages, with sections that moved."""
    (folder / "conf.py").write_text(CONF + f"moved_sections = {moved!r}\n")
    for name, text in PAGES.items():
        (folder / f"{name}.md").parent.mkdir(exist_ok=True)
        (folder / f"{name}.md").write_text(text)
    command = [sys.executable, "-m", "sphinx", "-W", "-q", ".", "html"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_old_page_leads_to_what_the_new_one_alone_has(tmp_path: Path) -> None:
    done = build(tmp_path, {"one/old": "two/new"})
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "html" / "one" / "old.html").read_text()
    (found,) = re.findall(r"<script>if \((\[.*?\])\.includes.*?location\.replace\((\".*?\") \+ location\.hash\)", html)
    assert {"gone", "what-went"} <= set(json.loads(found[0]))
    assert not {"stays", "what-stays", "in-both"} & set(json.loads(found[0]))
    assert json.loads(found[1]) == "../two/new.html"
    assert "location.replace" not in (tmp_path / "html" / "two" / "new.html").read_text()


def test_a_page_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = build(tmp_path, {"one/old": "two/lost"})
    assert done.returncode != 0
    assert "moved_sections of one/old must name a page of the book, got 'two/lost'" in done.stderr
