"""The token samples: distinct, in range, one per cell where cells are promised, even, and repeatable."""

from math import sqrt

import pytest
import reference
import torch
from hypothesis import given
from hypothesis import strategies as st

from satlib.dta.sampling import cell_labels, cell_middles, draw_sample, n_centers, n_samples, strip_labels

METHODS = ("stratified", "strips", "grid", "random")


@st.composite
def grids_and_sizes(draw):
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    return (height, width), draw(st.integers(1, height * width))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@given(st.integers(1, 300), st.floats(0.001, 1), st.one_of(st.integers(1, 40), st.floats(1, 40)))
def test_sample_size(n_tokens, keep_ratio, subsample):
    k = reference.n_centers(keep_ratio, n_tokens)
    assert n_centers(n_tokens, keep_ratio) == k
    assert n_samples(n_tokens, k, subsample) == reference.n_samples(n_tokens, k, subsample)
    assert k <= n_samples(n_tokens, k, subsample) <= n_tokens


@pytest.mark.parametrize("method", METHODS)
@given(case=grids_and_sizes(), strips=st.integers(1, 30), seed=st.integers(0, 999))
def test_samples_are_distinct_ascending_and_in_range(method, case, strips, seed):
    grid, size = case
    strips = min(strips, size)
    sample = draw_sample(grid, size, sampling=method, n_strips=strips, batch=3, generator=generator(seed))
    assert sample.shape == (3, size) and sample.dtype == torch.int64
    for row in sample.tolist():
        assert row == sorted(set(row)) and row[0] >= 0 and row[-1] < grid[0] * grid[1]


@given(case=grids_and_sizes())
def test_cells_share_the_grid_evenly_and_are_compact(case):
    grid, n_cells = case
    n_tokens, labels = grid[0] * grid[1], cell_labels(grid, n_cells).tolist()
    side = sqrt(n_tokens / n_cells)
    for cell in range(n_cells):
        tokens = reference.members(labels, cell)
        assert n_tokens // n_cells <= len(tokens) <= -(-n_tokens // n_cells)
        rows, columns = [t // grid[1] for t in tokens], [t % grid[1] for t in tokens]
        if min(grid) >= 2 * side:  # neither side of the grid forces long cells
            assert max(max(rows) - min(rows), max(columns) - min(columns)) + 1 <= 2.5 * side + 2


@given(case=grids_and_sizes())
def test_cells_are_connected(case):
    grid, n_cells = case
    labels = cell_labels(grid, n_cells).view(grid).tolist()
    for cell in range(n_cells):
        own = {(r, c) for r in range(grid[0]) for c in range(grid[1]) if labels[r][c] == cell}
        reached, front = set(), [min(own)]
        while front:
            r, c = front.pop()
            if (r, c) in own - reached:
                reached.add((r, c))
                front += [(r + i, c + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        assert reached == own


def test_a_divisible_grid_gives_exact_squares():
    labels = cell_labels((12, 20), 15).view(12, 20)
    for row in range(0, 12, 4):
        for column in range(0, 20, 4):
            assert labels[row : row + 4, column : column + 4].unique().numel() == 1


@given(case=grids_and_sizes(), seed=st.integers(0, 999))
def test_stratified_takes_exactly_one_token_of_each_cell(case, seed):
    grid, size = case
    labels = cell_labels(grid, size)
    for row in draw_sample(grid, size, batch=3, generator=generator(seed)):
        assert labels[row].sort().values.tolist() == list(range(size))


@given(case=grids_and_sizes(), strips=st.integers(1, 40), seed=st.integers(0, 999))
def test_strips_take_equal_numbers_of_each_run(case, strips, seed):
    """As the released code: K runs of N // K tokens, the last with what is left; S // K of each, then any others."""
    grid, size = case
    n_tokens, strips = grid[0] * grid[1], min(strips, size)
    for row in draw_sample(grid, size, sampling="strips", n_strips=strips, batch=2, generator=generator(seed)).tolist():
        taken = []
        for i in range(strips):
            stop = (i + 1) * (n_tokens // strips) if i < strips - 1 else n_tokens
            taken.append(sum(i * (n_tokens // strips) <= token < stop for token in row))
        assert min(taken) >= size // strips
        if size % strips == 0:
            assert set(taken) == {size // strips}


@given(case=grids_and_sizes())
def test_grid_takes_the_token_nearest_to_the_middle_of_each_cell(case):
    grid, size = case
    labels = cell_labels(grid, size).tolist()
    expected = []
    for cell in range(size):
        tokens = reference.members(labels, cell)
        middle = [sum(t // grid[1] for t in tokens) / len(tokens), sum(t % grid[1] for t in tokens) / len(tokens)]
        distance = [round((t // grid[1] - middle[0]) ** 2 + (t % grid[1] - middle[1]) ** 2, 9) for t in tokens]
        best = [t for t, d in zip(tokens, distance, strict=True) if d == min(distance)]
        expected.append(best)
    found = cell_middles(grid, size).tolist()
    assert found == sorted(found)
    for token in found:
        assert token in expected[labels[token]]
    assert sorted(labels[token] for token in found) == list(range(size))


def test_grid_is_deterministic_and_the_same_for_all_images():
    state = torch.get_rng_state()
    sample = draw_sample((9, 14), 21, sampling="grid", batch=4)
    assert (sample == sample[0]).all() and torch.equal(sample[0], cell_middles((9, 14), 21))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("method", ["stratified", "strips", "random"])
@pytest.mark.parametrize("size", [20, 33, 77])
def test_every_token_is_drawn_about_equally_often(method, size):
    """Frequencies over 4000 draws lie within five standard deviations of the probability that the cells give."""
    grid, draws, strips = (11, 13), 4000, 10
    n_tokens = grid[0] * grid[1]
    if method == "stratified":
        labels = cell_labels(grid, size)
        probability = 1 / torch.bincount(labels)[labels].double()
    else:
        labels, per_cell = (strip_labels(n_tokens, strips), size // strips) if method == "strips" else (None, size)
        labels = torch.zeros(n_tokens, dtype=torch.int64) if labels is None else labels
        probability = per_cell / torch.bincount(labels)[labels].double()
        extra = size - per_cell * int(labels.max() + 1)
        probability = probability + (1 - probability) * extra / (n_tokens - size + extra)
    sample = draw_sample(grid, size, sampling=method, n_strips=strips, batch=draws, generator=generator())
    frequency = torch.bincount(sample.flatten(), minlength=n_tokens).double() / draws
    deviation = (probability * (1 - probability) / draws).sqrt()
    assert ((frequency - probability).abs() <= 5 * deviation + 1e-12).all()
    assert probability.max() <= 2.1 * probability.min()


def test_images_draw_independently_and_seeds_repeat():
    first = draw_sample((16, 16), 40, batch=8, generator=generator(3))
    assert torch.equal(first, draw_sample((16, 16), 40, batch=8, generator=generator(3)))
    assert not torch.equal(first, draw_sample((16, 16), 40, batch=8, generator=generator(4)))
    assert len({tuple(row) for row in first.tolist()}) == 8


def test_without_a_generator_the_global_one_is_used():
    torch.manual_seed(5)
    first = draw_sample((8, 8), 10)
    second = draw_sample((8, 8), 10)
    torch.manual_seed(5)
    assert torch.equal(first, draw_sample((8, 8), 10)) and not torch.equal(first, second)


def test_with_a_generator_the_global_one_is_left_alone():
    state = torch.get_rng_state()
    for method in METHODS:
        draw_sample((8, 8), 10, sampling=method, n_strips=5, generator=generator())
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("method", METHODS)
def test_all_tokens_and_one_token(method):
    assert draw_sample((5, 7), 35, sampling=method, n_strips=4).tolist() == [list(range(35))]
    assert draw_sample((1, 1), 1, sampling=method).tolist() == [[0]]
    assert draw_sample((5, 7), 1, sampling=method).shape == (1, 1)


def test_errors_name_the_value():
    for size in (0, 13, -1):
        with pytest.raises(ValueError, match=rf"sample size must be in 1\.\.12 .*got {size}$"):
            draw_sample((3, 4), size)
    with pytest.raises(ValueError, match="unknown sampling 'uniform'; choose stratified, strips, grid or random"):
        draw_sample((3, 4), 2, sampling="uniform")
    for strips in (0, 13):
        with pytest.raises(ValueError, match=rf"number of strips must be in 1\.\.12, got {strips}"):
            draw_sample((3, 4), 2, sampling="strips", n_strips=strips)
