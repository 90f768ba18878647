"""Which of a test's parameters `make test` tries: a few, where all of them together take long."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slow_but(quick: Collection[Any], values: Iterable[Any]) -> list[Any]:
    """Return the values as parameters of a test, of which all but a few are marked as slow.

    Raises
    ------
    ValueError
        If one of the few is none of the values.
    """
    values = list(values)
    if missing := [value for value in quick if value not in values]:
        raise ValueError(f"{missing} are none of {values}")
    return [value if value in quick else pytest.param(value, marks=pytest.mark.slow) for value in values]
