"""The whole book as one PDF, printed by headless Chromium from the built site: ``python -m book.pdf SITE FILE``.

The articles of all pages are put into one document, in the order of the book, so that a link from one to another leads
to its place in the PDF, and the headings are its outline. Formulas and figures are drawn as in the site. What needs a
click is not printed: code that the pages fold away, and the page that computes. Solutions and folded pictures stand
open.
"""

import argparse
import posixpath
import re
import sys
from collections.abc import Sequence
from html import unescape
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from book.browser import CHROMIUM, FLAGS, served

FIRST = "book/intro.html"
ADDRESS = "whole-book.html"
"""Of the document, which is never written to the disk."""

NEXT = re.compile(r'<link (?=[^>]*rel="next")[^>]*href="([^"]+)"')
SCRIPTS = ("mathjax", "MathJax", "plots.js")
"""What the scripts have in their address or text that the document needs."""

STYLE = """
@page { size: A4; margin: 16mm 15mm 18mm; }
html { font-size: 11.5px; }
.bd-article { break-before: page; padding: 0 !important; }
.bd-article:first-of-type { break-before: auto; }
.bd-main .bd-content .bd-article-container { max-width: none !important; width: 100%; }
details.hide, .bd-article dd > details, .headerlink, .viewcode-link, .live, noscript { display: none !important; }
.bd-main .bd-content { margin-left: 0 !important; }
.bd-article h1 { display: block !important; }
pre { white-space: pre-wrap !important; }
"""
DRAW = """async () => {
    const figures = [...document.querySelectorAll("figure.plot")];
    window.dispatchEvent(new Event("beforeprint"));
    await window.MathJax?.startup?.promise;
    const settled = (f) => f.dataset.drawn || f.lastElementChild?.textContent === "This figure could not be drawn.";
    while (!figures.every(settled)) await new Promise((done) => setTimeout(done, 50));
    await Promise.all([...document.images].map((image) => image.decode().catch(() => null)));
    return {
        figures: figures.filter((figure) => !figure.dataset.drawn).length,
        pictures: [...document.images].filter((image) => !image.naturalWidth).map((image) => image.alt),
        formulas: [...document.querySelectorAll(".math")].filter((each) => !each.querySelector("mjx-container")).length,
    };
}"""


def order(site: Path) -> list[str]:
    """Return the addresses of the book's pages, each followed by the one that its "next" link names."""
    pages, page = [], FIRST
    while page not in pages:
        pages.append(page)
        found = NEXT.search((site / page).read_text(encoding="utf-8"))
        if found is not None:
            page = posixpath.normpath(posixpath.join(posixpath.dirname(page), unescape(found[1])))
    return pages


def document(site: Path, pages: Sequence[str]) -> str:
    """Return one HTML document of the articles of some pages, which belongs into the site's first folder."""
    first = BeautifulSoup((site / pages[0]).read_text(encoding="utf-8"), "html.parser")
    head = [_moved(each, pages[0], ()) for each in first.select("head > link[rel=stylesheet], head > style")]
    scripts = (each for each in first.find_all("script") if any(word in str(each) for word in SCRIPTS))
    head += [_moved(each, pages[0], ()) for each in scripts]
    body = [_article(site, page, pages) for page in pages]
    title = "<title>SAT companion</title>"
    return (
        f'<!doctype html><html lang="en" data-theme="light" data-content_root="./"><head><meta charset="utf-8">{title}'
        f"{''.join(map(str, head))}<style>{STYLE}</style></head><body><main class='bd-main'><div class='bd-content'>"
        f"<div class='bd-article-container'>{''.join(body)}</div></div></main></body></html>"
    )


def _article(site: Path, page: str, pages: Sequence[str]) -> str:
    """Return the article of a page; places in it have the page's name in front of their own."""
    article = BeautifulSoup((site / page).read_text(encoding="utf-8"), "html.parser").find("article")
    if not isinstance(article, Tag):
        raise ValueError(f"{page} has no article")
    for each in article.find_all(id=True):
        each["id"] = _place(page, str(each["id"]))
    for each in article.find_all(["a", "img"]):
        _moved(each, page, pages)
    for each in article.select("picture > source, .journey-strip"):
        each.decompose()  # for screens
    for each in article.select("details:has(> .sheet)"):
        each["open"] = ""  # pictures that a page folds
    article["id"] = _place(page, "")
    return str(article)


def _moved(element: Tag, page: str, pages: Sequence[str]) -> Tag:
    """Turn the address of an element so that it holds from the site's first folder, or within the document."""
    for name in ("href", "src"):
        path, mark, place = str(element.get(name, "")).partition("#")
        if not (path or mark) or re.match(r"[a-z]+:", path):
            continue
        whole = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
        if whole in pages and element.name == "a":
            element[name] = f"#{_place(whole, place)}"
        elif element.name == "a":
            del element[name]  # a source or a download, which the PDF does not have
        else:
            element[name] = whole + mark + place
    return element


def _place(page: str, name: str) -> str:
    return f"{page.removesuffix('.html').replace('/', '-')}--{name}"


def print_book(site: Path, file: Path, chromium: str) -> int:
    """Write the PDF; return how many pages of the site are in it.

    Raises
    ------
    ValueError
        If a figure, picture or formula is not drawn.
    """
    from playwright.sync_api import sync_playwright

    pages = order(site)
    text = document(site, pages)
    with served(site) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        tab = browser.new_page(viewport={"width": 760, "height": 1000})
        tab.set_default_timeout(0)
        tab.route(f"**/{ADDRESS}", lambda route: route.fulfill(body=text, content_type="text/html; charset=utf-8"))
        tab.goto(address + ADDRESS)
        missing = {what: found for what, found in tab.evaluate(DRAW).items() if found}
        if missing:
            raise ValueError(f"not drawn: {missing}")
        number = '<p style="font-size:8px;width:100%;text-align:center"><span class="pageNumber"></span></p>'
        tab.pdf(
            path=file,
            prefer_css_page_size=True,
            print_background=True,
            outline=True,
            tagged=True,
            display_header_footer=True,
            header_template="<p></p>",
            footer_template=number,
        )
        browser.close()
    return len(pages)


def main() -> int:
    """Read the command line and print the book."""
    parser = argparse.ArgumentParser(prog="python -m book.pdf", description=__doc__)
    parser.add_argument("site", type=Path, metavar="SITE", help="the built site, as _build/html")
    parser.add_argument("file", type=Path, metavar="FILE", help="the PDF to write")
    arguments = parser.parse_args()
    if CHROMIUM is None or not (arguments.site / FIRST).is_file():
        what = "no Chromium is on the path" if CHROMIUM is None else f"{arguments.site} has no book: run `make book`"
        sys.stderr.write(f"{what}\n")
        return 2
    n_pages = print_book(arguments.site, arguments.file, CHROMIUM)
    sys.stdout.write(f"{n_pages} pages of the site are in {arguments.file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
