"""`satlib.analysis.sample_quality` against slow loops and known answers."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from satlib.analysis.edges import edge_strength
from satlib.analysis.sample_quality import coverage, distance_to_nearest, missed_scattered, missed_squares, overlap
from satlib.dta.vectors import positions


@settings(max_examples=50, deadline=None)
@given(
    chosen=st.lists(st.integers(0, 30), min_size=1, unique=True),
    other=st.lists(st.integers(0, 30), min_size=1, unique=True),
)
def test_overlap_is_the_share_of_common_positions(chosen: list[int], other: list[int]) -> None:
    expected = len(set(chosen) & set(other)) / len(chosen)
    assert overlap(torch.tensor(chosen), torch.tensor(other)) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_coverage_counts_clusters_with_a_sampled_token(data: st.DataObject) -> None:
    labels = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=40))
    sample = data.draw(st.lists(st.integers(0, len(labels) - 1), min_size=1, unique=True))
    expected = len({labels[i] for i in sample}) / len(set(labels))
    assert coverage(torch.tensor(sample), torch.tensor(labels)) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_distance_to_nearest_equals_a_slow_loop(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 7))
    sample = data.draw(st.lists(st.integers(0, height * width - 1), min_size=1, unique=True))
    expected = [
        min(math.dist((i // width, i % width), (j // width, j % width)) for j in sample) for i in range(height * width)
    ]
    found = distance_to_nearest(torch.tensor(sample), (height, width))
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_positions_are_rows_and_columns() -> None:
    assert positions(torch.tensor([0, 4, 5, 14]), 5).tolist() == [[0, 0], [0, 4], [1, 0], [2, 4]]


def test_edge_strength_of_a_ramp_and_of_a_step() -> None:
    ramp = torch.arange(5.0).repeat(4, 1).mul(0.1).expand(3, 4, 5)  # 0.1 per column
    torch.testing.assert_close(edge_strength(ramp), torch.full((20,), 0.1))
    step = torch.zeros(3, 4, 6)
    step[:, :, 3:] = 1
    assert edge_strength(step).view(4, 6)[0].tolist() == [0, 0, 0.5, 0.5, 0, 0]


def test_missed_squares_equal_a_slow_count() -> None:
    height, width, random = 7, 9, torch.Generator().manual_seed(0)
    samples = torch.stack([torch.randperm(height * width, generator=random)[:6] for _ in range(3)])
    for side in (1, 2, 4, 7):
        found = [
            not any(y <= t // width < y + side and x <= t % width < x + side for t in sample)
            for sample in samples.tolist()
            for y in range(height - side + 1)
            for x in range(width - side + 1)
        ]
        assert missed_squares(samples, (height, width), side) == pytest.approx(sum(found) / len(found))


def test_missed_scattered_counts_all_sets() -> None:
    for n_sampled, n in itertools.product(range(7), range(7)):
        sets = list(itertools.combinations(range(6), n))
        missed = sum(not set(range(n_sampled)) & set(chosen) for chosen in sets)
        assert missed_scattered(6, n_sampled, n) == pytest.approx(missed / len(sets))
    assert missed_scattered(10_000, 1_200, 9) == pytest.approx((1 - 0.12) ** 9, rel=0.01)


def test_wrong_positions_and_images_are_named() -> None:
    with pytest.raises(ValueError, match=r"side must be in 1\.\.2 for a grid of \(2, 3\), got 3"):
        missed_squares(torch.zeros(1, 1, dtype=torch.int64), (2, 3), 3)
    for samples in (torch.tensor([[0, 6]]), torch.tensor([0, 1])):
        with pytest.raises(ValueError, match=r"samples must be positions \(D, S\) in 0\.\.5, got shape"):
            missed_squares(samples, (2, 3), 2)
    with pytest.raises(ValueError, match="n must be an integer, got 2.5"):
        missed_scattered(4, 2, 2.5)
    with pytest.raises(ValueError, match=r"must be in 0\.\.4, got 5 and 1"):
        missed_scattered(4, 5, 1)
    with pytest.raises(ValueError, match=r"chosen must hold positions \(S,\), at least one; got shape \(0,\)"):
        overlap(torch.tensor([], dtype=torch.int64), torch.tensor([1]))
    with pytest.raises(ValueError, match="sample must hold positions"):
        coverage(torch.zeros(1, 2, dtype=torch.int64), torch.tensor([0, 0]))
    with pytest.raises(ValueError, match=r"sample must lie in 0\.\.5, got 2\.\.6"):
        distance_to_nearest(torch.tensor([2, 6]), (2, 3))
    with pytest.raises(ValueError, match=r"got \(3, 1, 4\)"):
        edge_strength(torch.zeros(3, 1, 4))
