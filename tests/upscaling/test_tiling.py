"""Choices of a run that cannot be are named; those that can be are kept."""

import re

import pytest

from satlib.upscaling.tiling import WHOLE, Tiling


@pytest.mark.parametrize(
    ("tile", "overlap", "message"),
    [
        (15, 0, 'tile must be None, "auto" or an integer >= 16, got 15'),
        (-64, 0, "got -64"),
        (64.0, 0, "got 64.0"),
        (True, 0, "got True"),
        ("whole", 0, "got 'whole'"),
        (32, 16, "more than twice the overlap of 16, got 32"),
        (None, -1, "overlap must be an integer >= 0, got -1"),
        (64, 1.5, "got 1.5"),
        (64, True, "got True"),
    ],
)
def test_impossible_tiles_are_named(tile, overlap, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Tiling(tile=tile, overlap=overlap)


def test_an_unknown_number_format_is_named() -> None:
    with pytest.raises(ValueError, match="precision must be one of float32, bfloat16, auto, got 'half'"):
        Tiling(precision="half")


def test_possible_choices_are_kept() -> None:
    found = Tiling(tile=33, overlap=16, ensemble=True, precision="auto")
    assert (found.tile, found.overlap, found.ensemble, found.precision) == (33, 16, True, "auto")
    assert Tiling(tile=None) == WHOLE and Tiling(tile="auto", overlap=0) != WHOLE
