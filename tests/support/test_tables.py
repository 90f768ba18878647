"""Markdown tables: as text, and read back by the rules of GitHub's Markdown."""

import re

import pytest

from satlib.support.tables import table

SIDES = {"-": "l", ":": "r"}


def read_back(text: str) -> tuple[str, list[list[str]]]:
    """Return the alignment of the columns and the cells of a table, the head first; escaped pipes are no borders."""
    lines = [re.split(r"(?<!\\)\|", line) for line in text.splitlines()]
    assert {(line[0], line[-1]) for line in lines} == {("", "")}
    rows = [[cell.strip().replace("\\|", "|") for cell in line[1:-1]] for line in lines]
    rule = rows.pop(1)
    assert all(re.fullmatch("-+[-:]", cell) for cell in rule)
    return "".join(SIDES[cell[-1]] for cell in rule), rows


def test_a_table_as_text() -> None:
    assert table(("what", "PSNR", "x"), [("bicubic", 30.5, 2), ("a", None, "")], align="lrl") == (
        "| what    | PSNR | x |\n|---------|-----:|---|\n| bicubic | 30.5 | 2 |\n| a       | None |   |"
    )


def test_the_last_letter_stands_for_the_columns_that_follow() -> None:
    assert read_back(table(("a", "b", "c"), [(1, 2, 3)], align="lr")) == ("lrr", [["a", "b", "c"], ["1", "2", "3"]])
    assert read_back(table(("a", "b"), [])) == ("ll", [["a", "b"]])


@pytest.mark.parametrize("align", ["l", "r", "lrl"])
def test_cells_come_out_as_they_went_in(align: str) -> None:
    cells = ["", "a|b", "`x|y`", "**12**", "×2, β → γ", "1&nbsp;s", "two\nlines"]
    _, rows = read_back(table([""] * len(cells), [cells], align=align))
    assert rows == [[""] * len(cells), [cell.replace("\n", " ") for cell in cells]]


@pytest.mark.parametrize("row", [(), (1,), (1, 2, 3)])
def test_a_row_of_the_wrong_length_is_an_error(row: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f"a row of 2 cells is needed, as in the head, got {len(row)}"):
        table(("a", "b"), iter([(1, 2), row]))


@pytest.mark.parametrize("align", ["", "lrl", "c", "left"])
def test_a_wrong_alignment_is_an_error(align: str) -> None:
    with pytest.raises(ValueError, match="align must be 1 to 2 letters"):
        table(("a", "b"), [], align=align)
