"""What is read of the comparison of ways to merge tokens."""

import pytest

from satlib.results import timings
from satlib.results.timings import merging


def test_duels_are_ratios_of_the_errors_in_the_file() -> None:
    rows = {(r["network"], r["share"], r["way"]): r for r in timings.results("merging")["errors"]}
    for network in merging.networks():
        for share, duel in merging.duels("DTA, mean", "ToMe", network):
            a, b = rows[network, share, "DTA, mean"], rows[network, share, "ToMe"]
            assert duel.ratio == a["error"] / b["error"]
            assert duel.layers == len(a["layers"]) and duel.lower == sum(
                x < y for x, y in zip(a["layers"], b["layers"], strict=True)
            )


def test_growth_has_medians_in_the_order_of_the_file() -> None:
    rows, found = timings.results("merging")["growth"], merging.growth()
    assert [(p.share, p.tokens, p.way, p.n_bytes) for p in found] == [
        (r["share"], r["tokens"], r["way"], r["bytes"]) for r in rows
    ]
    assert all(min(r["seconds"]) <= p.seconds <= max(r["seconds"]) for r, p in zip(rows, found, strict=True))


def test_a_way_that_was_not_measured_is_named() -> None:
    with pytest.raises(ValueError, match="nothing was measured of 'guessing' in 'small ViT'"):
        list(merging.duels("DTA, mean", "guessing", "small ViT"))
