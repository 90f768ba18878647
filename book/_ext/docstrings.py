"""Sphinx extension: docstrings and signatures are taken as they are written.

- The sentence under an attribute stays a sentence. Napoleon reads the text before a colon as the attribute's type:
  "Upscaling factor: 2, 3 or 4" would have the type "Upscaling factor". Types are annotations here, so the lines are
  kept from before Napoleon and put back after it.
- A bare name, as in ":func:`trace`", refers to the one documented object of that name, wherever the docstring stands:
  what ``satlib`` re-exports is documented away from its module.
- A field of a NamedTuple without a sentence has none: Python's "Alias for field number 0" says nothing.
- numpy's types stand in a signature under their names, not as the unions that they are short for.
"""

import re
from functools import lru_cache

import numpy.typing as npt
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode
from sphinx.util.typing import stringify_annotation

NAPOLEON = 500
"""The priority of Sphinx events, and so of Napoleon's handler."""

ALIAS = re.compile(r"Alias for field number \d+")
UNIONS = {
    stringify_annotation(kind, "smart"): name
    for kind, name in ((npt.ArrayLike, "~numpy.typing.ArrayLike"), (npt.DTypeLike, "~numpy.typing.DTypeLike"))
}
"""Names of numpy's unions, by what autodoc writes for them."""
ARRAY = re.compile(r"~numpy\.ndarray\[tuple\[~typing\.Any, \.\.\.\], ~numpy\.dtype\[([^\[\]]+)\]\]")
FACTORY = "<factory>"
"""The default of a dataclass's field that is made anew for each object: a signature with it cannot be parsed."""

_kept: dict[str, list[str]] = {}


def keep(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Remember the docstring of an attribute."""
    if what in ("attribute", "data", "property"):
        _kept[name] = [line for line in lines if not ALIAS.fullmatch(line)]


def restore(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Put a remembered docstring back."""
    if name in _kept:
        lines[:] = _kept.pop(name)


def shorten(text: str) -> str:
    """Return a signature, or what it returns, with numpy's types under their names."""
    for union, name in UNIONS.items():
        text = text.replace(union, name)
    return ARRAY.sub(r"~numpy.typing.NDArray[\1]", text).replace(FACTORY, "...")


def sign(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Shorten a signature."""
    return (None if signature is None else shorten(signature), None if returned is None else shorten(returned))


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element) -> nodes.Element | None:
    """Resolve a bare Python name if exactly one documented object ends with it."""
    if node["refdomain"] != "py" or "." in node["reftarget"]:
        return None
    matches = _places(env).get(node["reftarget"], set())
    if len(matches) != 1:
        return None
    ((docname, anchor),) = matches
    return make_refnode(app.builder, node["refdoc"], docname, anchor, [text])


@lru_cache(maxsize=1)  # all is read when the first name is looked up
def _places(env: BuildEnvironment) -> dict[str, set[tuple[str, str]]]:
    """Return the pages and anchors of all documented objects, by the last part of their names."""
    found: dict[str, set[tuple[str, str]]] = {}
    python = env.get_domain("py")
    assert isinstance(python, PythonDomain)
    for name, entry in python.objects.items():
        found.setdefault(name.rpartition(".")[2], set()).add((entry.docname, entry.node_id))
    return found


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the handlers."""
    app.connect("autodoc-process-docstring", keep, priority=NAPOLEON - 1)
    app.connect("autodoc-process-docstring", restore, priority=NAPOLEON + 1)
    app.connect("autodoc-process-signature", sign)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
