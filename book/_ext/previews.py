"""Sphinx extension: what a link of the book leads to, in short, for `_static/previews.js` to show beside the link.

When the site is written, the links of its pages are collected, and each target is looked up in the page that it is on:
a chapter gives its title, first paragraph and first picture, a section its heading and first paragraph, an equation, a
theorem, a reference or an object of the API itself. All of it becomes one script, since a page that is opened as a file
may load scripts only. Nothing in it is a link or a button, so that it can be what describes the link.
"""

import json
import posixpath
import re
from html import escape, unescape
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx

FILE = "previews_data.js"
ARTICLE = re.compile(r"<article\b.*?</article>", re.S)
DATA = re.compile(r'<script type="application/json">.*?</script>|"data:[^"]*"', re.S)
"""What makes pages long, and is no text."""

LISTS = ("_static", "_modules", "genindex.html", "py-modindex.html", "search.html")
"""What has no text to read: its links need no previews."""

LINK = re.compile(r"<a\b([^>]*)>")
ADDRESS = re.compile(r'\bhref="([^"]*)"')
OWN_PLACE = re.compile(r'class="[^"]*\b(?:headerlink|viewcode-link|viewcode-back)\b')
LENGTH = 280
"""Characters of a text, about."""

Articles = dict[str, str]


def articles(site: Path) -> Articles:
    """Return the article of each page of a site, by the page's address, without the data of its figures."""
    found = {}
    for path in sorted(site.rglob("*.html")):
        page = path.relative_to(site).as_posix()
        if page.split("/")[0] not in LISTS:
            article = ARTICLE.search(path.read_text(encoding="utf-8"))
            if article is not None:
                found[page] = DATA.sub('""', article[0])
    return found


def targets(pages: Articles) -> set[str]:
    """Return what the links of the pages lead to: "page.html", or "page.html#place"."""
    found = set()
    for page, text in pages.items():
        for attributes in LINK.findall(text):
            address = ADDRESS.search(attributes)
            if address is None or OWN_PLACE.search(attributes) or re.match(r"[a-z]+:", address[1]):
                continue
            path, _, place = unescape(address[1]).partition("#")
            whole = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
            if whole in pages and (place or whole != page):
                found.add(f"{whole}#{place}" if place else whole)
    return found


def previews(pages: Articles) -> dict[str, str]:
    """Return what to show of each target, as HTML; pictures have their address from the first folder on."""
    found: dict[str, str] = {}
    by_page: dict[str, list[str]] = {}
    for target in sorted(targets(pages)):
        by_page.setdefault(target.partition("#")[0], []).append(target)
    for page, wanted in by_page.items():
        article = BeautifulSoup(pages[page], "html.parser")
        for link in article.select(".headerlink, .viewcode-link"):
            link.decompose()
        places = {str(place["id"]): place for place in article.find_all(id=True)}
        for target in wanted:
            name = target.partition("#")[2]
            shown = _page(article, page) if "#" not in target else _place(places[name]) if name in places else ""
            if shown:
                found[target] = shown
    return found


def _page(article: Tag, page: str) -> str:
    """Show a page: title, first paragraph, first picture."""
    picture = article.select_one("img[src*='_images/']")
    address = posixpath.normpath(posixpath.join(posixpath.dirname(page), str(picture["src"]))) if picture else ""
    image = f'<img src="{escape(address)}" alt="">' if address else ""
    return _html(article.find("h1"), article.select_one("h1 ~ p")) + image


def _place(found: Tag) -> str:
    """Show a place of a page."""
    classes = found.get_attribute_list("class")
    if "math" in classes:
        number = found.select_one(".eqno")
        name = f"Equation {number.extract().get_text()}" if number else ""
        return (
            f'<p class="preview-title">{name}</p>' if name else ""
        ) + f"<div>{escape(found.get_text().strip())}</div>"
    if "citation" in classes:
        return _html(None, found.find("p"))
    if found.name == "dt":
        description = found.find_next_sibling("dd")
        return _html(found.select_one(".sig-name"), description.find("p") if isinstance(description, Tag) else None)
    if "admonition" in classes:
        title = found.find("p", class_="admonition-title")
        return _html(title, next((each for each in found.find_all("p") if each is not title), None))
    section = found if found.name == "section" else found.find_parent("section")
    if not isinstance(section, Tag):
        return ""
    return _html(section.find(["h1", "h2", "h3", "h4"]), section.find("p", recursive=False))


def _html(title: object, text: object) -> str:
    """Return a title and a text, shortened; formulas stay whole."""
    parts = ((title, ' class="preview-title"'), (text, ""))
    words = ((_words(each), kind) for each, kind in parts if isinstance(each, Tag))
    return "".join(f"<p{kind}>{escape(shorten(line))}</p>" for line, kind in words if line)


def _words(element: Tag) -> str:
    return " ".join(element.get_text().split())


def shorten(text: str) -> str:
    r"""Return the first words of a text, without a part of a formula, which stands between \( and \)."""
    if len(text) <= LENGTH:
        return text
    cut = text[:LENGTH].rsplit(" ", 1)[0]
    if cut.count("\\(") > cut.count("\\)"):
        cut = cut[: cut.rindex("\\(")].rstrip()
    return f"{cut} …"


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the script."""
    if error is None and app.builder.format == "html":
        site = Path(app.outdir)
        shown = json.dumps(previews(articles(site)), ensure_ascii=False, separators=(",", ":"))
        (site / "_static" / FILE).write_text(f"satPreviews({shown});\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the writer, after the one that links the names in code (priority 500)."""
    app.connect("build-finished", write, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
