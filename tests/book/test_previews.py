"""What the links of a site lead to, in short: found in its pages, and without a link or a button in it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGE = "<html><nav><a href='other.html'>not a link of the text</a></nav><article>{}</article></html>"
FIRST = """<h1>First <a class="headerlink" href="#first">#</a></h1>
<script type="application/json">{{"html": "<a href='nowhere.html#data'>"}}</script>
<p>Text with {links}.</p>"""
SECOND = """<h1>Second &amp; last<a class="headerlink" href="#second">#</a></h1>
<p>The first
paragraph, \\(a &lt; b\\).</p><p>Another one.</p><img src="../_images/picture.png" alt="A picture">
<div class="math notranslate" id="equation-sum"><span class="eqno">(3)<a class="headerlink" href="#e">#</a></span>
\\[ a + b \\]</div>
<section id="part"><span id="label"></span><h2>A part</h2><p>About it.</p></section>
<div class="proof theorem admonition" id="holds"><p class="admonition-title">Theorem 1</p>
<section><p>It holds.</p></section></div>
<div class="citation" id="id1"><span class="label"><span>1</span></span><p>Somebody. A paper. 2024.</p></div>
<dl><dt class="sig" id="lib.f"><span class="sig-prename">lib.</span><span class="sig-name">f</span>(x)</dt>
<dd><p>Does.</p></dd></dl>
<p id="loose">No section.</p>"""
SHOWN = {
    "": '<p class="preview-title">Second &amp; last</p><p>The first paragraph, \\(a &lt; b\\).</p>'
    '<img src="_images/picture.png" alt="">',
    "#equation-sum": '<p class="preview-title">Equation (3)</p><div>\\[ a + b \\]</div>',
    "#part": '<p class="preview-title">A part</p><p>About it.</p>',
    "#label": '<p class="preview-title">A part</p><p>About it.</p>',
    "#holds": '<p class="preview-title">Theorem 1</p><p>It holds.</p>',
    "#id1": "<p>Somebody. A paper. 2024.</p>",
    "#lib.f": '<p class="preview-title">f</p><p>Does.</p>',
}


@pytest.fixture(scope="module")
def previews() -> ModuleType:
    spec = importlib.util.spec_from_file_location("previews", ROOT / "book" / "_ext" / "previews.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def site(tmp_path: Path) -> Path:
    places = [*SHOWN, "#loose", "#missing"]
    links = " ".join(f'<a href="second.html{place}">x</a>' for place in places)
    links += ' <a href="https://elsewhere.invalid/">y</a> <a href="../file.zip">z</a> <a href="#">top</a>'
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "first.html").write_text(PAGE.format(FIRST.format(links=links)))
    (tmp_path / "pages" / "second.html").write_text(PAGE.format(SECOND))
    (tmp_path / "genindex.html").write_text(PAGE.format('<a href="pages/second.html#listed">a list</a>'))
    return tmp_path


def test_every_kind_of_target_is_shown(previews: ModuleType, site: Path) -> None:
    found = previews.previews(previews.articles(site))
    assert found == {f"pages/second.html{place}": shown for place, shown in SHOWN.items()}


def test_links_of_the_text_alone_are_followed(previews: ModuleType, site: Path) -> None:
    found = previews.targets(previews.articles(site))
    assert found == {f"pages/second.html{place}" for place in [*SHOWN, "#loose", "#missing"]}


def test_a_long_text_ends_with_a_word_and_a_whole_formula(previews: ModuleType) -> None:
    assert previews.shorten("word " * 10) == "word " * 10
    long = previews.shorten("word " * 100)
    assert len(long) <= previews.LENGTH + 2
    assert long.endswith("word …")
    assert previews.shorten("word " * 54 + "\\(a + b + c\\) and more words after it") == "word " * 54 + "…"
