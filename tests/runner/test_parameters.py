"""Parameters of notebooks: what a cell declares, which values fit, what is said of those that do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satlib.runner.parameter_types import fits
from satlib.runner.parameters import Parameter, check_values, parse_text, read_parameters

CELL = """
"A text that says nothing."
config: str  = "a.yaml"  # a path
steps: int = 200  # optimiser steps
rate: float = 1
half: float = -0.5
fast: bool = False
changes: list[str] = []
milestones: list[int] | None = None
betas: tuple[float, float] = (0.9, 0.99)
device: str | None = None
store: Path = "data"
name = "coffee"
sizes = [1, 2]
"""

# For each annotation: values that fit, and values that do not.
FITTING: dict[str, tuple[list[object], list[object]]] = {
    "int": ([0, -3, 10**20], [True, 1.0, "1", None, [1]]),
    "float": ([0, 0.5, float("inf")], [False, "1e-3", None]),
    "str": (["", "1"], [1, None, ["a"]]),
    "Path": (["a/b"], [1, None]),
    "bool": ([True, False], [0, 1, "true", None]),
    "list": ([[], [1, "a"]], [(1,), "ab", None]),
    "tuple": ([(), [1, "a"]], ["ab", 1]),
    "list[int]": ([[], [1, 2]], [[1, True], [1.0], ["1"], 1]),
    "list[list[int]]": ([[[1], []]], [[1], [["a"]]]),
    "list[int | None]": ([[1, None]], [["a"]]),
    "tuple[int]": ([[1], (1,)], [[], [1, 2], 1]),
    "tuple[float, str]": ([[1, "a"]], [[1], ["a", 1]]),
    "tuple[int, ...]": ([[], [1, 2, 3]], [["a"], 1]),
    "int | None": ([1, None], [True, "null"]),
    "str | list[str] | None": (["a", ["a"], None], [1, [1]]),
}


def test_a_cell_declares_parameters() -> None:
    found = read_parameters(CELL)
    assert list(found) == [line.split(":")[0].split(" ")[0] for line in CELL.split("\n")[2:-1]]
    assert found["steps"] == Parameter("steps", "int", 200)
    assert found["half"] == Parameter("half", "float", -0.5)
    assert found["milestones"] == Parameter("milestones", "list[int] | None", None)
    assert found["betas"] == Parameter("betas", "tuple[float, float]", (0.9, 0.99))
    assert (found["name"].type, found["sizes"].type) == ("str", "list")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("steps: int = 2 +", "is not Python"),
        ("steps: int = n", "steps must be a literal, not n"),
        ("steps: int", "not `name: type = literal`: steps: int"),
        ("import os", "not `name: type = literal`: import os"),
        ("a = b = 1", "not `name: type = literal`: a = b = 1"),
        ("a: int = 1\na: int = 2", "a is set twice"),
        ("a = None", "a needs a type"),
        ("a = {}", "a needs a type"),
        ("a: int = '1'", "a: int has a value of another type in the cell: '1'"),
        ("a: dict = {}", "the type dict is unknown"),
        ("a: 'int' = 1", "the type 'int' is unknown"),
        ("a: int | dict = 1", "the type dict is unknown"),
    ],
)
def test_a_cell_with_anything_else_is_refused(cell: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        read_parameters(cell)
    assert message in str(error.value)


@pytest.mark.parametrize("annotation", FITTING)
def test_only_values_of_the_type_fit(annotation: str) -> None:
    good, bad = FITTING[annotation]
    assert [value for value in good if not fits(value, annotation)] == []
    assert [value for value in bad if fits(value, annotation)] == []


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3), st.lists, max_leaves=4),
    st.sampled_from(sorted(FITTING)),
    st.sampled_from(sorted(FITTING)),
)
def test_a_union_takes_what_one_of_its_parts_takes(value: object, first: str, second: str) -> None:
    assert fits(value, f"{first} | {second}") == (fits(value, first) or fits(value, second))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stepz": 3}, "x.yaml: there is no parameter stepz (for 3); the parameters are config: str, steps: int, "),
        ({"steps": "300"}, "x.yaml: steps must be int, got '300' (str); the parameters are config: str, steps: int, "),
        ({"steps": True}, "x.yaml: steps must be int, got True (bool); the "),
        ({"steps": None}, "x.yaml: steps must be int, got None (None); the "),
        (
            {"rate": "1e-3"},
            "x.yaml: rate must be float, got '1e-3' (str)",
        ),
        ({"betas": [0.9]}, "x.yaml: betas must be tuple[float, float], got [0.9] (list); the "),
    ],
)
def test_a_bad_value_is_told_in_one_line(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as error:
        check_values(values, read_parameters(CELL), "x.yaml")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_good_values_are_as_they_are() -> None:
    check_values({"steps": 3, "rate": 1, "betas": [0.9, 1], "milestones": [5]}, read_parameters(CELL), "x.yaml")
    check_values({}, {}, "x.yaml")


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("7", "int", 7),
        ("7", "str", "7"),
        ("7", "float", 7),
        ("1e-3", "float", 0.001),
        ("1e-3", "str", "1e-3"),
        ("1e3", "int", 1000.0),
        ("yes", "bool", True),
        ("yes", "str", "yes"),
        ("1", "bool", 1),
        ("null", "str | None", None),
        ("null", "str", "null"),
        ("-3", "int | None", -3),
        ('"a b"', "str", '"a b"'),
        ("a: b: c", "str", "a: b: c"),
        ("[", "str", "["),
        ("[a=1, 'b=[2, 3]']", "list[str]", ["a=1", "b=[2, 3]"]),
        ("[1, 2]", "tuple[int, int]", [1, 2]),
        ("2026-01-01", "str", "2026-01-01"),
        ("", "str", ""),
    ],
)
def test_texts_of_the_command_line_mean_what_the_type_says(text: str, annotation: str, value: object) -> None:
    parsed = parse_text(text, annotation)
    assert (parsed, type(parsed)) == (value, type(value))


@given(st.floats(allow_nan=False), st.integers())
def test_numbers_survive_the_command_line(number: float, integer: int) -> None:
    assert parse_text(repr(number), "float") == number
    assert parse_text(str(integer), "int") == integer
