"""The book as one document: pages in their order, links between them within it, and nothing left undrawn."""

import re
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from book import pdf
from book.browser import CHROMIUM

PAGE = """<!doctype html><html><head><title>{title}</title><link rel="stylesheet" href="../look.css">
<script>window.MathJax = {{"elsewhere": true}}</script>
<script src="../plots.js"></script><script src="../menu.js"></script>
{next}</head><body><nav>Not of the article</nav><article class="bd-article"><h1 id="top">{title}</h1>{text}</article>
</body></html>"""
FIRST = """<p>See <a href="../part/second.html">the second</a>, <a href="../part/second.html#end">its end</a>,
<a href="#top">up</a>, <a href="https://elsewhere.invalid/#x">out</a>, <a href="../_modules/code.html">code</a>.</p>
<img src="../picture.svg" alt="A dot">"""
DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4" cx="4" cy="4"/></svg>'
DRAWS = """addEventListener("beforeprint", () => {
    for (const figure of document.querySelectorAll("figure")) figure.dataset.drawn = "true";
});"""
FIGURE = '<figure class="plot"><p>A plot</p></figure>'
FAILED = '<figure class="plot"><p>This figure could not be drawn.</p></figure>'


def make_site(folder: Path, last: str, script: str = DRAWS) -> Path:
    """Write a site of two pages, of which the first leads to the second."""
    for name in ("book", "part"):
        (folder / name).mkdir()
    follows = '<link href="../part/second.html" rel="next" title="A &gt; B" />'
    (folder / pdf.FIRST).write_text(PAGE.format(title="First", next=follows, text=FIRST))
    (folder / "part" / "second.html").write_text(
        PAGE.format(title="Second", next="", text=f'{last}<p id="end">End</p>')
    )
    (folder / "plots.js").write_text(script)
    (folder / "look.css").write_text("")
    (folder / "picture.svg").write_text(DOT)
    return folder


def test_pages_follow_one_another_and_links_lead_to_them(tmp_path: Path) -> None:
    site = make_site(tmp_path, "")
    pages = pdf.order(site)
    assert pages == ["book/intro.html", "part/second.html"]
    text = pdf.document(site, pages)
    assert re.findall(r"<h1[^>]*>(\w+)</h1>", text) == ["First", "Second"]
    places = set(re.findall(r'\bid="([^"]*)"', text))
    assert {"book-intro--top", "part-second--top", "part-second--end", "book-intro--", "part-second--"} == places
    links = dict(reversed(found) for found in re.findall(r'<a(?: href="([^"]*)")?>([\w ]+)</a>', text))
    assert links == {
        "the second": "#part-second--",
        "its end": "#part-second--end",
        "up": "#book-intro--top",
        "out": "https://elsewhere.invalid/#x",
        "code": "",
    }
    assert 'src="picture.svg"' in text
    assert 'href="look.css"' in text
    assert re.findall(r'<script src="([^"]*)"', text) == ["plots.js"]
    assert "elsewhere: true" in text.replace('"', "")
    assert "Not of the article" not in text


def test_folded_pictures_stand_open_and_folded_code_does_not(tmp_path: Path) -> None:
    site = make_site(tmp_path, '<details><div class="sheet">A</div></details><details class="hide">B</details>')
    text = pdf.document(site, pdf.order(site))
    assert '<details open=""><div class="sheet">' in text and '<details class="hide">' in text


def test_what_is_for_screens_is_left_out(tmp_path: Path) -> None:
    picture = '<picture><source srcset="narrow.webp"><img src="../picture.svg" alt="A dot"></picture>'
    site = make_site(tmp_path, f'<nav class="journey-strip">Steps</nav>{picture}')
    text = pdf.document(site, pdf.order(site))
    assert "narrow.webp" not in text and "Steps" not in text
    assert re.search(r'<picture><img [^>]*src="picture.svg"', text)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")
def test_the_document_is_printed_with_all_of_its_figures(tmp_path: Path) -> None:
    file = tmp_path / "book.pdf"
    assert pdf.print_book(make_site(tmp_path, FIGURE), file, CHROMIUM) == 2
    content = file.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", content)) == 2
    assert re.search(rb"/Type /Outlines\b", content)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")
def test_a_figure_that_is_not_drawn_is_no_pdf(tmp_path: Path) -> None:
    file = tmp_path / "book.pdf"
    with pytest.raises(ValueError, match=r"not drawn: \{'figures': 1\}"):
        pdf.print_book(make_site(tmp_path, FAILED, script=""), file, CHROMIUM)
    assert not file.exists()
