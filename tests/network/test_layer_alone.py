"""Selective aggregation attention from plain arguments, in networks that are not SAT."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from satlib import SAT, SATConfig, plain
from satlib.network.attention import SelectiveAggregationAttention

CONFIG = SATConfig(scale=2, channels=12, heads=2, groups=(1,), window=(2, 4))


def layer(dim=12, heads=2, **options):
    """A layer in eval mode, float64, with weights large enough that no softmax is flat."""
    made = SelectiveAggregationAttention(dim, heads, **options).double().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.4, generator=generator)
    return made


def tokens(n_images, n_tokens, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_images, n_tokens, 12, generator=generator, dtype=torch.float64)


def page(made, x, grid, *, layer=0, **options):
    """What the page gives with the layer's weights; ``options`` are fields of SATConfig."""
    config = CONFIG.replace(**options)
    return plain.selective_attention(x.unflatten(1, grid), made.state_dict(), config, layer).flatten(1, 2)


@settings(max_examples=25)
@given(
    grid=st.tuples(st.integers(1, 6), st.integers(1, 7)),
    keep_ratio=st.sampled_from([1e-9, 0.03, 0.3, 1.0]),
    options=st.sampled_from(
        [
            {"size_bias": True, "norm_restoration": "none", "aggregation": "mean"},
            {"qk_ratio": 1.0, "qkv_bias": False, "seed": 7, "layer": 3},
            {"sampling": "random", "subsample": 2, "neighbors": 2, "temperature": 0.5},
            {"heads": 6, "sampling": "strips", "norm_restoration": "mean"},
        ]
    ),
)
def test_a_layer_of_plain_arguments_is_that_of_the_page(grid, keep_ratio, options):
    """From one token to one centre and to as many centres as tokens."""
    options = {"keep_ratio": keep_ratio, **options}
    made, x = layer(**options), tokens(2, grid[0] * grid[1])
    with torch.no_grad():
        out, chosen = made(x, grid)
        torch.testing.assert_close(out, page(made, x, grid, **options), rtol=1e-12, atol=1e-12)
    assert chosen.tokens.shape[1] == max(1, int(keep_ratio * x.shape[1]))


def test_a_sequence_needs_no_grid():
    made, x = layer(keep_ratio=0.2), tokens(2, 30)
    with torch.no_grad():
        torch.testing.assert_close(made(x)[0], page(made, x, (1, 30), keep_ratio=0.2), rtol=1e-12, atol=1e-12)
        assert torch.equal(made(x)[0], made(x, (1, 30))[0])


def test_exact_is_attention_over_all_tokens():
    made, x = layer(exact=True, qk_ratio=1.0), tokens(2, 20)
    q, k, v = (t.unflatten(-1, (2, -1)).transpose(1, 2) for t in (made.query(x), made.key(x), made.value(x)))
    attended = torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    torch.testing.assert_close(made(x)[0], made.project(attended), rtol=1e-12, atol=1e-12)


def test_the_network_is_made_of_such_layers():
    config = CONFIG.replace(keep_ratio=0.1, neighbors=3, sampling="grid", seed=5, qkv_bias=False, groups=(1, 2))
    torch.manual_seed(0)
    for number, part in enumerate(SAT(config).eval().saa_layers()):
        alone = SelectiveAggregationAttention(
            12, 2, keep_ratio=0.1, neighbors=3, sampling="grid", seed=5, qkv_bias=False, layer=number
        ).eval()
        alone.load_state_dict(part.state_dict())
        x = tokens(2, 42).float()
        with torch.no_grad():
            (ours, chosen), (expected, aggregation) = alone(x, (6, 7)), part(x, (6, 7))
        assert torch.equal(ours, expected)
        assert all(torch.equal(a, b) for a, b in zip(chosen, aggregation, strict=True))


def test_images_do_not_depend_on_their_batch():
    made, x = layer(keep_ratio=0.2), tokens(3, 40)
    with torch.no_grad():
        together = made(x, (5, 8))[0]
        for image in range(3):
            alone = made(x[image : image + 1], (5, 8))[0]
            torch.testing.assert_close(alone[0], together[image], rtol=1e-12, atol=1e-12)


def test_gradients_are_exact():
    made, x = layer(keep_ratio=0.3), tokens(1, 9).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: made(x, (3, 3))[0], (x,))


def test_in_training_each_image_draws_its_own_sample():
    made, x = layer(keep_ratio=0.1).train(), tokens(1, 60).expand(2, -1, -1)
    draws = [made.aggregate(x, (6, 10), generator=torch.Generator().manual_seed(s)).sample for s in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    assert not torch.equal(draws[0][0], draws[0][1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dim": 0}, "dim must be a positive integer, got 0"),
        ({"heads": True}, "heads must be a positive integer, got True"),
        ({"heads": 5}, "dim must be divisible by heads=5, got 12"),
        ({"qk_ratio": 0.75}, r"qk_ratio must be such that int\(dim \* qk_ratio\) is divisible by heads=2, not 9, got"),
        ({"qk_ratio": 0.01}, "qk_ratio must be such that .* not 0, got 0.01"),
        ({"keep_ratio": 0}, "keep_ratio must be a number > 0 and <= 1, got 0"),
        ({"subsample": 0.5}, "subsample must be a number >= 1, got 0.5"),
        ({"neighbors": 0}, "neighbors must be at least 1, got 0"),
        ({"aggregation": "median"}, "aggregation must be one of 'similarity', 'mean', 'center', got 'median'"),
        ({"temperature": 0}, "temperature must be a number > 0, got 0"),
        ({"norm_restoration": "min"}, "norm_restoration must be one of"),
        ({"sampling": "best"}, "sampling must be one of"),
        ({"seed": -1}, "seed must be an integer in"),
        ({"layer": 0.0}, "layer must be an integer >= 0, got 0.0"),
    ],
)
def test_bad_arguments_are_named(options, said):
    with pytest.raises(ValueError, match=said):
        SelectiveAggregationAttention(**{"dim": 12, "heads": 2, **options})


def test_a_grid_of_another_size_is_named():
    with pytest.raises(ValueError, match=r"grid must be .* 20 tokens, got \(3, 7\)"):
        layer()(tokens(1, 20), (3, 7))
