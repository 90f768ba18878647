"""Window labels against plain arithmetic, reach against one step after another, sizes against the real network."""

import pytest
import torch
from sizes import geometry

from satlib import SAT, SATConfig
from satlib.analysis.position_bias import position_tables, random_bias_spread
from satlib.analysis.receptive_field import local_shifts, reach, readable, window_labels
from satlib.complexity.parameters import block_parts, n_params, outline
from satlib.network.attention import RectangleWindowAttention


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("grid", [(12, 20), (16, 16), (7, 5)])
def test_labels_are_windows_of_the_rolled_image(grid, shifted):
    h, w = 4, 8
    label = window_labels(grid, (h, w), shifted=shifted)
    down, right = (h // 2, w // 2) if shifted else (0, 0)
    # A shifted window covers rows i with (i - h/2) // h alike; the roll brings no others together.
    expected = [((row - down) // h, (column - right) // w) for row in range(grid[0]) for column in range(grid[1])]
    same = torch.tensor([[a == b for b in expected] for a in expected])
    assert torch.equal(label[:, None] == label[None], same)


def test_a_token_depends_on_what_is_readable_alone():
    config = SATConfig.preset("sat-tiny", window=(2, 4))
    torch.manual_seed(0)
    attention = RectangleWindowAttention(config, shifted=True).double()
    torch.nn.init.zeros_(attention.local.weight)
    grid, token = (8, 12), 29
    x = torch.randn(1, 96, 32, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(attention(x, geometry(config, grid))[0, token].sum(), x)
    assert torch.equal(gradient[0].abs().sum(-1) > 0, readable(grid, config, token, shifted=True).any(0))


def test_reach_is_one_readable_after_another():
    config = SATConfig.preset("sat-tiny", window=(2, 4))
    grid, token, shifts = (10, 14), 63, [False, True, True]
    reads = [torch.stack([readable(grid, config, t, shifted=s).any(0) for t in range(140)]) for s in (False, True)]
    seen = torch.zeros(140, dtype=torch.bool)
    seen[token] = True
    for shifted, found in zip(reversed(shifts), reach(grid, config, token, shifts), strict=True):
        seen = reads[shifted][seen].any(0)
        assert torch.equal(found, seen)


def test_shifts_are_those_of_the_network():
    config = SATConfig.preset("sat-tiny", groups=(2, 3, 1))
    with torch.device("meta"):
        blocks = [m for m in SAT(config).modules() if isinstance(m, RectangleWindowAttention)]
    assert local_shifts(config) == [block.shifted for block in blocks]


def test_bad_tokens_and_pairs_are_named():
    config = SATConfig.preset("sat-tiny")
    with pytest.raises(ValueError, match=r"token must lie in 0\.\.11, got 12"):
        readable((3, 4), config, 12, shifted=False)
    with pytest.raises(ValueError, match="token must be an integer, got 2.5"):
        readable((3, 4), config, 2.5, shifted=False)
    with pytest.raises(ValueError, match=r"pair must lie in 0\.\.5, got 6"):
        position_tables(SAT(config), 6)


@pytest.mark.parametrize("name", ["sat", "sat-light", "sat-tiny", "sat-released"])
def test_parts_add_up_to_the_network(name):
    config = SATConfig.preset(name, 3)
    with torch.device("meta"):
        model = SAT(config)
    parts = outline(config)
    assert sum(part.params for part in parts) == n_params(config) == sum(p.numel() for p in model.parameters())
    assert n_params(config) == model.n_params
    each = {part.name: part.each for part in parts}
    for kind, selective in (("local block (LTB)", False), ("selective aggregation block (SATB)", True)):
        assert sum(part.params for part in block_parts(config, selective=selective)) == each[kind]


def test_position_tables_hold_the_bias_of_each_pair_of_places():
    torch.manual_seed(0)
    model = SAT(SATConfig.preset("sat-tiny", groups=(1, 1), window=(2, 4)))
    block = model.groups[1].blocks[0].attention
    for bias, table, (h, w) in zip(block.biases, position_tables(model, 1), ((2, 4), (4, 2)), strict=True):
        assert table.shape == (1, 2 * h - 1, 2 * w - 1)
        for query in range(8):
            for key in range(8):
                down, right = query // w - key // w, query % w - key % w
                assert bias()[0, query, key] == table[0, down + h - 1, right + w - 1]


def test_a_bias_of_width_one_is_constant():
    assert random_bias_spread((8, 32), 1) == 0
    assert random_bias_spread((8, 32), 8) > 0.1
