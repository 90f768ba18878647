"""Checks of values that a user hands in: one ValueError that names the field and the value."""

from operator import index
from typing import SupportsIndex


def require(condition: bool, name: str, value: object, what: str) -> None:
    """Raise ValueError that ``name`` must be ``what``, unless the condition holds."""
    if not condition:
        raise ValueError(f"{name} must be {what}, got {value!r}")


def is_int(value: object) -> bool:
    """Return whether it is an integer, and not True or False."""
    return isinstance(value, int) and not isinstance(value, bool)


def integers(name: str, *values: object) -> None:
    """Require integers, numpy's among them: what can be a position or a length.

    Raises
    ------
    ValueError
        If one is none, such as True or 2.0.
    """
    for value in values:
        require(isinstance(value, SupportsIndex) and _indexes(value), name, value, "an integer")


def _indexes(value: SupportsIndex) -> bool:
    """Return whether it stands for an integer; a tensor need not."""
    try:
        return not isinstance(value, bool) and index(value) is not None
    except TypeError:
        return False


def one_of(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Require one of a few strings or integers.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    known = isinstance(value, (str, int)) and not isinstance(value, bool) and value in choices
    require(known, name, value, "one of " + ", ".join(map(repr, choices)))


def positive_int(name: str, value: object) -> None:
    """Require an integer > 0.

    Raises
    ------
    ValueError
        If it is not.
    """
    require(is_int(value) and isinstance(value, int) and value > 0, name, value, "a positive integer")


def real(name: str, value: object, low: float, high: float = float("inf"), *, closed: bool = False) -> None:
    """Require a finite number in (low, high], or [low, high] when ``closed``; infinity stands for no limit.

    Raises
    ------
    ValueError
        If it is not; the message names the value.
    """
    ok = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")
    ok = ok and isinstance(value, (int, float)) and (low <= value if closed else low < value) and value <= high
    bounds = f"{'>=' if closed else '>'} {low}" + (f" and <= {high}" if high < float("inf") else "")
    require(ok, name, value, f"a number {bounds}")
