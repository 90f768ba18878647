"""What the book's API pages make of signatures and docstrings."""

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from sphinx.util.inspect import stringify_signature

from satlib import theory
from satlib.images import tensors
from satlib.training.checkpoints import State

EXTENSION = Path(__file__).parents[2] / "book" / "_ext" / "docstrings.py"


@pytest.fixture(scope="module")
def docstrings() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docstrings", EXTENSION)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def signature(item: object) -> str:
    assert callable(item)
    return stringify_signature(inspect.signature(item), unqualified_typehints=True)


def test_numpys_types_have_their_names(docstrings: ModuleType) -> None:
    assert docstrings.shorten(signature(theory.similarity)) == (
        "(x: ~numpy.typing.ArrayLike | ~torch.Tensor) -> ~numpy.typing.NDArray[~numpy.float64]"
    )
    assert docstrings.shorten(signature(tensors.to_pixels)) == (
        "(image: ~torch.Tensor, dtype: ~numpy.typing.DTypeLike) -> ~numpy.typing.NDArray[~typing.Any]"
    )


def test_a_default_that_is_made_anew_can_be_parsed(docstrings: ModuleType) -> None:
    assert ", sums: ~torch.Tensor = ..., " in docstrings.shorten(signature(State))


class Point(NamedTuple):
    """A point."""

    x: float
    y: float
    """Upwards: in pixels."""


def test_a_field_without_a_sentence_has_none_and_others_keep_theirs(docstrings: ModuleType) -> None:
    for name, before, after in (("x", [str(Point.x.__doc__), ""], [""]), ("y", ["Upwards: in pixels."], None)):
        lines = list(before)
        docstrings.keep(None, "attribute", f"Point.{name}", None, None, lines)
        lines[:] = ["what Napoleon makes of it"]
        docstrings.restore(None, "attribute", f"Point.{name}", None, None, lines)
        assert lines == (before if after is None else after)
