"""YAML files are read as people write them, and a fault is told in one line."""

import pytest

from satlib.support.yaml_files import parse_yaml


def test_numbers_are_numbers_and_mappings_may_be_merged() -> None:
    text = "base: &base {a: 2e-4, b: 1}\nmore: {<<: *base, b: 3}\n"
    assert parse_yaml(text, "it") == {"base": {"a": 2e-4, "b": 1}, "more": {"a": 2e-4, "b": 3}}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1: key 'a' stands twice"),
        ("rows:\n  x: []\n  x: [batch=2]\n", "line 3, column 3: key 'x' stands twice"),
        ("{1: a, 1: b}", "line 1, column 8: key 1 stands twice"),
    ],
)
def test_a_key_that_stands_twice_is_an_error(text: str, place: str) -> None:
    with pytest.raises(ValueError, match=f"^it is not YAML: {place}$"):
        parse_yaml(text, "it")
