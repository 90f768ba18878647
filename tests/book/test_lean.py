"""What no page asks for is left out of the site; what pages ask for stays."""

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

EXTENSION = Path(__file__).parents[2] / "book" / "_ext" / "lean.py"
UNUSED = (
    "scripts/theme.js.map",
    "styles/theme.css.map",
    "locales/de/LC_MESSAGES/x.mo",
    "vendor/fontawesome/6.5.2/js/all.min.js",
    "vendor/fontawesome/6.5.2/webfonts/fa-brands-400.woff2",
    "vendor/fontawesome/6.5.2/webfonts/fa-solid-900.ttf",
    "vendor/mathjax/input/tex/extensions/all-packages.js",
    "vendor/mathjax/input/tex/extensions/mhchem.js",
    "vendor/mathjax/input/tex/extensions/mathtools.js",
    "vendor/mathjax/input/tex/extensions/physics.js",
)
USED = (
    "scripts/theme.js",
    "styles/theme.css",
    "vendor/fontawesome/6.5.2/css/all.min.css",
    "vendor/fontawesome/6.5.2/webfonts/fa-solid-900.woff2",
    "vendor/mathjax/tex-chtml.js",
    "vendor/mathjax/input/tex/extensions/ams.js",
)


@pytest.fixture
def lean() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lean", EXTENSION)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("error", "builder", "left"), [(None, "html", ()), (OSError(), "html", UNUSED), (None, "linkcheck", UNUSED)]
)
def test_only_what_is_unused_goes_and_only_from_a_built_site(lean, tmp_path, error, builder, left) -> None:
    for name in (*UNUSED, *USED):
        path = tmp_path / "_static" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    lean.remove_unused(SimpleNamespace(outdir=str(tmp_path), builder=SimpleNamespace(format=builder)), error)
    found = {path.relative_to(tmp_path / "_static").as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {*USED, *left}


PAGE = """<html>

  <head>
    <style>
      a { }
    </style>
    <script>

      let a = 1;
    </script>
  </head>
  <body>
    <p>one
       <b>two</b>
    </p>
    <div><pre>kept

   as it is</pre>

    <pre class="x">  and this
     </pre>
  </div>
  </body>
</html>
"""


def test_marks_of_code_that_show_nothing_go_and_others_stay(lean) -> None:
    code = '<pre><span class="kn">import</span><span class="w"> </span><a href="x"><span class="n">a</span></a>'
    assert lean.squeeze(code) == '<pre><span class="kn">import</span> <a href="x">a</a>'
    for kept in ('<span class="n"><b>a</b></span>', '<span class="nf">a</span>', '<span class="n x">a</span>'):
        assert lean.squeeze(kept) == kept


def test_white_space_goes_where_it_does_not_count(lean, tmp_path: Path) -> None:
    expected = PAGE
    for indented in (
        "<head>",
        "<style>",
        "<script>",
        "</head>",
        "<body>",
        "<p>",
        "<b>",
        "</p>",
        "<div>",
        "<pre class",
        "</body>",
    ):
        at = expected.index(indented)
        expected = expected[:at].rstrip() + "\n" + expected[at:]
    expected = expected.replace("</pre>\n  </div>", "</pre>\n</div>")
    assert lean.squeeze(PAGE) == expected and lean.squeeze(expected) == expected
    assert all(
        part in expected
        for part in ("\n\n      let a = 1;\n    </script>", "kept\n\n   as it is", "  and this\n     </pre>")
    )
    path = tmp_path / "a" / "b.html"
    path.parent.mkdir()
    for error, found in ((OSError(), PAGE), (None, expected)):
        path.write_text(PAGE)
        lean.squeeze_pages(SimpleNamespace(outdir=str(tmp_path), builder=SimpleNamespace(format="html")), error)
        assert path.read_text() == found
