"""Local windows: which tokens stand together and which pairs are masked, against the definition pixel by pixel."""

import pytest
import reference
import torch
from hypothesis import given
from hypothesis import strategies as st

from satlib.network.windows import (
    from_windows,
    pick,
    plan_halves,
    plan_windows,
    put,
    relative_index,
    relative_offsets,
    to_windows,
)

SIDES = st.integers(1, 13)
WINDOWS = st.sampled_from([(2, 4), (4, 2), (3, 3), (1, 4), (4, 1), (2, 6), (1, 1), (5, 5)])


def readers(grid, window, *, shifted, mask_padding):
    """What the plan lets each token read: tokens by number, and how many places of padding."""
    plan = plan_windows(grid, window, shifted=shifted, mask_padding=mask_padding)
    n_tokens, n = grid[0] * grid[1], window[0] * window[1]
    windows = plan.source.view(-1, n)
    read = {}
    assert [g.start for g in plan.groups] == [0] + [g.stop for g in plan.groups[:-1]]
    assert plan.groups[-1].stop == len(windows)
    for start, stop, allowed in plan.groups:
        mask = torch.ones(n, n, dtype=torch.bool) if allowed is None else allowed
        for tokens in windows[start:stop]:
            for place, token in enumerate(tokens.tolist()):
                if token < n_tokens:
                    assert token not in read
                    seen = tokens[mask[place]].tolist()
                    read[token] = sorted(t for t in seen if t < n_tokens), seen.count(n_tokens)
    return read


@given(grid=st.tuples(SIDES, SIDES), window=WINDOWS, shifted=st.booleans(), mask_padding=st.booleans())
def test_every_pixel_reads_exactly_what_the_definition_says(grid, window, shifted, mask_padding):
    read = readers(grid, window, shifted=shifted, mask_padding=mask_padding)
    assert sorted(read) == list(range(grid[0] * grid[1]))
    for token, (tokens, padding) in read.items():
        keys = reference.readable((token // grid[1], token % grid[1]), grid, window, shifted, mask_padding)
        inside = [(r, c) for r, c in keys if r < grid[0] and c < grid[1]]
        assert tokens == sorted(r * grid[1] + c for r, c in inside)
        assert padding == len(keys) - len(inside)


@pytest.mark.parametrize("grid", [(1, 4), (3, 20), (20, 1), (2, 2), (1, 1)])
@pytest.mark.parametrize("mask_padding", [True, False])
def test_images_smaller_than_the_shift(grid, mask_padding):
    """All real rows (or columns) are then brought from the other side by the roll, and so is some of the padding."""
    read = readers(grid, (8, 16), shifted=True, mask_padding=mask_padding)
    for token, (tokens, padding) in read.items():
        keys = reference.readable((token // grid[1], token % grid[1]), grid, (8, 16), True, mask_padding)
        assert len(tokens) + padding == len(keys)


def test_without_padding_and_shift_there_is_no_mask():
    plan = plan_windows((8, 16), (2, 4), shifted=False, mask_padding=True)
    assert [g.allowed for g in plan.groups] == [None] and len(plan.source) == 128


def test_windows_of_padding_alone_are_left_out():
    """5 x 5 with windows 2 x 8 is padded to 8 x 8; the last row of windows holds no pixel."""
    plan = plan_windows((5, 5), (2, 8), shifted=False, mask_padding=True)
    assert len(plan.source) == 3 * 16
    for windows in plan.source.view(-1, 16):
        assert (windows < 25).any()


def test_most_windows_need_no_mask_when_shifted():
    plan = plan_windows((64, 64), (8, 16), shifted=True, mask_padding=True)
    unmasked = sum(g.stop - g.start for g in plan.groups if g.allowed is None)
    assert unmasked == 7 * 3 and plan.groups[-1].stop == 8 * 4


@given(
    grid=st.tuples(SIDES, SIDES),
    window=WINDOWS,
    shifted=st.booleans(),
    channels=st.integers(1, 3),
    batch=st.integers(1, 2),
)
def test_there_and_back_again(grid, window, shifted, channels, batch):
    plan = plan_windows(grid, window, shifted=shifted, mask_padding=True)
    x = torch.randn(batch, grid[0] * grid[1], channels)
    windows = to_windows(x, plan)
    assert torch.equal(from_windows(windows, plan), x)
    padding = plan.source == grid[0] * grid[1]
    assert (windows[:, padding] == 0).all()
    assert torch.equal(windows[:, ~padding], x[:, plan.source[~padding]])


@pytest.mark.parametrize("grid", [(4, 8), (3, 5)])
def test_gradients_of_the_rearrangements(grid):
    plan = plan_windows(grid, (2, 4), shifted=True, mask_padding=True)
    tokens = torch.randn(2, grid[0] * grid[1], 1, dtype=torch.float64, requires_grad=True)
    windows = torch.randn(2, len(plan.source), 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: to_windows(x, plan), (tokens,))
    assert torch.autograd.gradcheck(lambda x: from_windows(x, plan), (windows,))
    assert torch.autograd.gradgradcheck(lambda x: to_windows(x, plan).square(), (tokens,))


@pytest.mark.parametrize("window", [(2, 4), (4, 2), (3, 3), (1, 5), (1, 1)])
def test_relative_offsets(window):
    offsets, index = relative_offsets(window), relative_index(window)
    assert offsets.shape == ((2 * window[0] - 1) * (2 * window[1] - 1), 2) and len(offsets.unique(dim=0)) == len(
        offsets
    )
    places = [(r, c) for r in range(window[0]) for c in range(window[1])]
    for i, query in enumerate(places):
        for j, key in enumerate(places):
            assert offsets[index[i, j]].tolist() == [query[0] - key[0], query[1] - key[1]]


@given(grid=st.tuples(SIDES, SIDES), window=WINDOWS, shifted=st.booleans())
def test_both_halves_stand_one_after_the_other(grid, window, shifted):
    """The rows of q, k and v of each half are those of its own plan, and results go back to where they came from."""
    n_tokens, n = grid[0] * grid[1], window[0] * window[1]
    plan = plan_halves(grid, window, shifted=shifted, mask_padding=True)
    singles = [plan_windows(grid, w, shifted=shifted, mask_padding=True) for w in (window, window[::-1])]
    rows = torch.arange(1.0, 6 * n_tokens + 1).view(1, n_tokens, 3, 2)
    split = to_windows(rows.flatten(1).unsqueeze(2), plan.split).view(-1, 3)
    expected = torch.cat([to_windows(rows[..., half], single)[0] for half, single in enumerate(singles)])
    assert torch.equal(split, expected)
    assert plan.gaps == bool((split == 0).any())
    joined = from_windows(split[:, :1].unsqueeze(0), plan.join)
    assert torch.equal(joined.view(n_tokens, 2), rows[0, :, 0])
    first, second = ((g[0].start, g[-1].stop) for g in plan.groups)
    assert (first[0], first[1], second[1]) == (0, second[0], len(split) // n)


@pytest.mark.parametrize("gaps", [True, False])
def test_rows_are_picked_and_put_back(gaps):
    x, rows = torch.randn(2, 6, 3), torch.tensor([4, 0, 6, 5, 6] if gaps else [4, 0, 5])
    taken = pick(x, rows, gaps)
    for place, row in enumerate(rows.tolist()):
        assert torch.equal(taken[:, place], x[:, row] if row < 6 else torch.zeros(2, 3))
    target = torch.zeros_like(x)
    put(target, rows, taken, gaps)
    assert torch.equal(target[:, [0, 4, 5]], x[:, [0, 4, 5]]) and (target[:, 1:4] == 0).all()
