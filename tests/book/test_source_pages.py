"""The pages of sources: links back that lead somewhere, and one list of the modules that have a page."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

EXTENSION = Path(__file__).parents[2] / "book" / "_ext" / "source_pages.py"


@pytest.fixture(scope="module")
def source_pages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("source_pages", EXTENSION)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def back(target: str) -> str:
    return f'<a class="viewcode-back" href="../../{target}">[docs]</a>\n'


def test_links_back_that_lead_nowhere_go(source_pages: ModuleType) -> None:
    alive, dead, elsewhere = (back(f"api/{name}") for name in ("a.html#m.f", "a.html#m.g", "b.html#m.f"))
    body = f"<pre>{alive}def f\n{dead}def g\n{elsewhere}class C</pre>"
    assert source_pages.without_dead_links(body, {"api/a.html#m.f"}) == f"<pre>{alive}def f\ndef g\nclass C</pre>"


def test_modules_are_one_list_of_those_with_a_page(source_pages: ModuleType) -> None:
    links = {name: f'<li><a href="{name.replace(".", "/")}.html">{name}</a></li>' for name in ("a", "a.b", "builtins")}
    body = f"<h1>All</h1>\n<ul>{links['a']}\n<ul>{links['a.b']}\n</ul>{links['builtins']}\n</ul>"
    assert source_pages.as_one_list(body, {"a", "a.b"}) == f"<h1>All</h1>\n<ul>\n{links['a']}\n{links['a.b']}\n</ul>\n"
