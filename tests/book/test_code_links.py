"""Names in the code of a page lead to what is documented about them, in exercises and after admonitions, too."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_parser", "sphinx_exercise", "sphinx_proof", "code_links"]
myst_enable_extensions = ["colon_fence"]
codeautolink_concat_default = True
codeautolink_autodoc_inject = True
"""
PAGE = """# A page

```python
from fractions import Fraction
```

:::{admonition} A title that is no section's
Text.
:::

:::{prf:theorem}
:label: holds
It holds.
:::

::::{exercise}
:label: half
What is a half?

```python
half = Fraction(1, 2)
```
::::

## A section

```python
print(half.limit_denominator(10))
```

```python
print(unknown(Fraction))
```
"""
API = """# API

```{eval-rst}
.. autoclass:: fractions.Fraction
   :members: limit_denominator
```
"""
LINK = re.compile(r'<a class="sphinx-codeautolink-a" href="([^"]*)"[^>]*>(.*?)</a>', re.S)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of a page with code and a page of an API."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "conf.py").write_text(CONF)
    (folder / "index.md").write_text(PAGE + "\n```{toctree}\napi\n```\n")
    (folder / "api.md").write_text(API)
    command = [sys.executable, "-m", "sphinx", "-q", ".", "html"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "html"


def test_names_of_all_blocks_are_links(site: Path) -> None:
    found = LINK.findall((site / "index.html").read_text())
    links = [(target, re.sub(r"<[^>]+>", "", text)) for target, text in found]
    one, method = "api.html#fractions.Fraction", "api.html#fractions.Fraction.limit_denominator"
    assert links[:3] == [(one, "Fraction"), (one, "half"), (one, "Fraction")]
    assert links[3:] == [(method, "half.limit_denominator"), (one, "Fraction")]


def test_the_api_says_which_sections_use_an_object(site: Path) -> None:
    page = (site / "api.html").read_text()
    assert "<summary>Where the book uses it</summary>" in page
    assert 'href="index.html#a-section">A page / A section</a>' in page
    assert 'href="index.html#a-page">A page</a>' in page
