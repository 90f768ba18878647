"""Squares by a rule against loops; parts that are cut keep their square in place."""

import pytest
import torch

from satlib.analysis.attribution import Square
from satlib.analysis.squares import distance_from, part_around, share_beyond, strongest_square, strongest_squares
from satlib.upscaling.models import Bicubic

IMAGE = torch.rand(3, 13, 17, generator=torch.Generator().manual_seed(0))


def test_the_strongest_square_by_loops() -> None:
    out = Bicubic(2)(IMAGE[None])[0]
    down, right = torch.zeros_like(out), torch.zeros_like(out)
    down[:, :-1], right[:, :, :-1] = out.diff(dim=1).abs(), out.diff(dim=2).abs()
    best, found = -1.0, Square(0, 0, 0)
    for row in range(0, 26 - 8 + 1, 4):
        for column in range(0, 34 - 8 + 1, 4):
            part = (slice(None), slice(row, row + 8), slice(column, column + 8))
            detail = float(down[part].sum() + right[part].sum())
            if detail > best:
                best, found = detail, Square(row, column, 8)
    assert strongest_square(IMAGE, 2, 8) == found


def test_one_edge_is_found() -> None:
    image = torch.zeros(3, 16, 32)
    image[:, 8:, 20:] = 1
    row, column, side = strongest_square(image, 2, 8)
    assert row <= 16 < row + side and column <= 40 < column + side


def test_each_part_has_its_strongest_square() -> None:
    found = strongest_squares(IMAGE, 2, 6, (2, 3))  # parts of 6 x 5 pixels; the last rows and columns are in none
    assert len(found) == 6
    for number, square in enumerate(found):
        top, left = 6 * (number // 3), 5 * (number % 3)
        row, column, side = strongest_square(IMAGE[:, top : top + 6, left : left + 5], 2, 6)
        assert square == Square(2 * top + row, 2 * left + column, side)
    assert strongest_squares(IMAGE, 2, 8, (1, 1)) == [strongest_square(IMAGE, 2, 8)]
    with pytest.raises(ValueError, match=r"parts must be at least one row and one column, got \(0, 1\)"):
        strongest_squares(IMAGE, 2, 8, (0, 1))


@pytest.mark.parametrize("length", [5, 7, 13, 40])
def test_a_part_holds_the_same_square(length: int) -> None:
    marked = IMAGE.repeat_interleave(2, 1).repeat_interleave(2, 2)  # an output of scale 2
    for square in (Square(0, 0, 8), Square(18, 26, 8), Square(9, 13, 8), Square(18, 0, 7)):
        part, moved = part_around(IMAGE, square, 2, length)
        assert part.shape == (3, min(13, length), min(17, length))
        shown = part.repeat_interleave(2, 1).repeat_interleave(2, 2)
        here = shown[:, moved.row : moved.row + moved.side, moved.column : moved.column + moved.side]
        there = marked[:, square.row : square.row + square.side, square.column : square.column + square.side]
        assert moved.side == square.side and torch.equal(here, there)


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(ValueError, match=r"square must be in an output of 26 x 34 pixels.*got \(0, 0, 27\)"):
        strongest_square(IMAGE, 2, 27)
    with pytest.raises(ValueError, match=r"the part must be at least 4 pixels wide, got 3"):
        part_around(IMAGE, Square(0, 0, 8), 2, 3)


def test_distances_and_shares_by_loops() -> None:
    square, found = Square(9, 13, 6), torch.randn(13, 17, generator=torch.Generator().manual_seed(1))
    distance = distance_from(square, (13, 17), 2)  # over the rows 4 to 7 and the columns 6 to 9
    shares = share_beyond(found, distance)
    sums = [0.0] * len(shares)
    for y in range(13):
        for x in range(17):
            away = max(4 - y, y - 7, 6 - x, x - 9, 0)
            assert distance[y, x] == away
            for near in range(min(away, len(sums))):
                sums[near] += abs(float(found[y, x]))
    assert shares.tolist() == pytest.approx([s / float(found.abs().sum()) for s in sums], abs=1e-6)
    assert int((distance == 0).sum()) == 16 and shares[-1] == pytest.approx(0)
    odd = distance_from(Square(3, 4, 5), (13, 17), 2) == 0  # over the rows 1 to 3 and the columns 2 to 4
    assert odd[1:4, 2:5].all() and odd.sum() == 9
