"""The whole network: against `satlib.plain`, its size, its shapes at any input, its gradients and its precisions."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import geometry
from torch import nn

from satlib import SAT, SATConfig, plain
from satlib.network.attention import RectangleWindowAttention, SelectiveAggregationAttention
from satlib.network.blocks import Block, GatedMLP, LocalBlock
from satlib.network.model import RGB_MEAN

SMALL = SATConfig(
    scale=2, channels=16, heads=2, groups=(1, 1), window=(2, 4), gate_kernel=3, upsampler_channels=8, keep_ratio=0.1
)
WIDE = SMALL.replace(channels=96, heads=4, upsampler_channels=4, keep_ratio=0.15, neighbors=0.5)


def lively(model):
    """Weights large enough for every part to matter, in float64, eval mode."""
    with torch.no_grad():
        for parameter in model.double().parameters():
            if parameter.ndim == 2:
                parameter.normal_(std=0.1)
            else:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def assert_close(a, b, tolerance=1e-12):
    assert (a - b).abs().max() <= tolerance * b.abs().max()


def count(config):
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in SAT(config).parameters())


# Size ---------------------------------------------------------------------------------------------------------------

PARAMETERS = [
    ("sat", 2, {}, 19_356_833),
    ("sat", 3, {}, 19_541_473),
    ("sat", 4, {}, 19_504_545),
    ("sat-released", 2, {}, 21_041_351),
    ("sat-released", 3, {}, 21_225_991),
    ("sat-released", 4, {}, 21_189_063),
    ("sat-light", 4, {}, 762_696),
    ("sat-light", 4, {"qk_ratio": 1.0}, 801_096),
    ("sat-light", 4, {"qk_ratio": 0.8}, 785_736),
    ("sat-light", 4, {"qk_ratio": 0.3}, 747_336),
]


@pytest.mark.parametrize(("preset", "scale", "overrides", "parameters"), PARAMETERS)
def test_parameter_counts_are_the_published_ones(preset, scale, overrides, parameters):
    assert count(SATConfig.preset(preset, scale=scale, **overrides)) == parameters


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_sat_tiny_has_at_most_250_thousand_parameters(scale):
    assert count(SATConfig.preset("sat-tiny", scale=scale)) <= 250_000


# Against the page ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"mask_padding": False, "aggregation": "mean", "neighbors": 1.0, "sampling": "strips", "scale": 4},
        {"size_bias": True, "upsampler": "onestep", "scale": 3, "window": (4, 2), "norm_restoration": "mean"},
        {"groups": (2, 1), "aggregation": "center", "norm_restoration": "none", "qkv_bias": False, "scale": 3},
        {"gate_kernel": 5, "qk_ratio": 0.25, "mlp_ratio": 1.5, "sampling": "grid", "neighbors": 3, "scale": 8},
        {"selective": "exact", "groups": (1, 1)},
        {"selective": "none", "groups": (1, 1)},
    ],
    ids=str,
)
def test_the_whole_network_agrees_with_the_page(overrides):
    model, image = lively(SAT(WIDE.replace(**overrides))), torch.rand(1, 3, 5, 6, dtype=torch.float64)
    with torch.no_grad():
        assert_close(model(image), plain.sat(image, model.state_dict(), model.config))


def test_a_second_pair_in_an_odd_group_is_not_shifted():
    model, image = lively(SAT(WIDE.replace(groups=(3, 2), channels=16))), torch.rand(1, 3, 4, 7, dtype=torch.float64)
    shifted = [[b.attention.shifted for b in group.blocks[::2]] for group in model.groups]
    assert shifted == [[False, True, False], [True, False]]
    with torch.no_grad():
        assert_close(model(image), plain.sat(image, model.state_dict(), model.config))


@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_gated_mlp_agrees_with_the_page(kernel):
    mlp = lively(GatedMLP(SMALL.replace(gate_kernel=kernel)))
    x = torch.randn(1, 20, 16, dtype=torch.float64)
    with torch.no_grad():
        expected = plain.gated_mlp(x.unflatten(1, (4, 5)), mlp.state_dict())
        assert_close(mlp(x, (4, 5)), expected.flatten(1, 2))


def test_the_gain_returns_the_input_of_each_block():
    block = lively(LocalBlock(SMALL, 0.0, shifted=False))
    x = torch.randn(1, 20, 16, dtype=torch.float64)
    with torch.no_grad():
        at = geometry(SMALL, (4, 5))
        before = block(x, at)
        block.gamma.add_(2)
        assert_close(block(x, at), before + 2 * x)


def test_untrained_weights():
    model = SAT(SATConfig.preset("sat-light"))
    for module in model.modules():
        if isinstance(module, nn.Linear):
            assert module.bias is None or (module.bias == 0).all()
        if isinstance(module, nn.LayerNorm):
            assert (module.weight == 1).all() and (module.bias == 0).all()
        if isinstance(module, Block):
            assert (module.gamma == 1e-4).all()
    weights = torch.cat(
        [p.flatten() for n, p in model.named_parameters() if n.endswith(("query.weight", "expand.weight"))]
    )
    assert abs(weights.std() - 0.02) < 2e-4 and abs(weights.mean()) < 2e-4


def test_the_mean_colour_is_taken_and_given_back():
    """With the last convolution silent the output is the mean colour, and a mean-coloured input is a zero input."""
    model = lively(SAT(SMALL))
    mean = torch.tensor(RGB_MEAN, dtype=torch.float32).double().view(1, 3, 1, 1)
    with torch.no_grad():
        model.upsampler[-1].weight.zero_()
        model.upsampler[-1].bias.zero_()
        assert torch.equal(model(torch.rand(1, 3, 4, 4).double()), mean.expand(1, 3, 8, 8))


@pytest.mark.parametrize("upsampler", ["classic", "onestep"])
def test_at_scale_1_the_output_is_added_to_the_input(upsampler):
    model = lively(SAT(SMALL.replace(scale=1, upsampler=upsampler)))
    x, convolution = torch.rand(1, 3, 6, 7).double(), model.upsampler[0]
    assert convolution.weight.shape == (3, SMALL.upsampler_channels, 3, 3)
    assert model.state_dict().keys() == SAT(SMALL.replace(scale=1)).state_dict().keys()
    with torch.no_grad():
        added = model(x) - x
        convolution.weight.mul_(2)
        convolution.bias.mul_(2)
        torch.testing.assert_close(model(x) - x, 2 * added)
        convolution.weight.zero_()
        convolution.bias.zero_()
        assert torch.equal(model(x), x)


@pytest.mark.parametrize("channels", [1, 2, 16])
def test_images_that_are_not_rgb_have_a_mean_of_zero(channels):
    model = lively(SAT(SMALL.replace(in_channels=channels)))
    assert torch.equal(model.mean, torch.zeros(channels, 1, 1, dtype=torch.float64))
    out = model(torch.rand(1, channels, 4, 5).double())
    assert out.shape == (1, channels, 8, 10)
    with pytest.raises(ValueError, match=rf"shape \(B, {channels}, H, W\).*got torch.float64 \(1, 3, 4, 5\)"):
        model(torch.rand(1, 3, 4, 5).double())


# Shapes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
@settings(max_examples=12)
@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_any_input_gives_exactly_s_times_its_size(scale, height, width):
    model = SAT(SMALL.replace(scale=scale, upsampler="onestep" if scale == 8 else "classic", upsampler_channels=2))
    with torch.inference_mode():
        out = model.eval()(torch.rand(1, 3, height, width))
    assert out.shape == (1, 3, scale * height, scale * width) and out.isfinite().all()


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (70, 1), (2, 3)])
def test_the_smallest_inputs_train_with_the_largest_windows(size):
    model = SAT(SMALL.replace(window=(8, 32), drop_path=0.5, groups=(2, 2)))
    model(torch.rand(2, 3, *size)).square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@settings(max_examples=15)
@given(height=st.integers(1, 20), width=st.integers(1, 20))
def test_masked_padding_changes_nothing(height, width):
    """Whatever stands in the padding of the windows, the output is the same to the last bit."""
    model = SAT(SMALL.replace(groups=(2, 1), window=(4, 8))).eval()
    x = torch.rand(1, 3, height, width)
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        clean = model(x)
        patch.setattr("satlib.network.attend.pick", _poisoned_pick)
        assert torch.equal(model(x), clean)


def _poisoned_pick(x, rows, gaps):
    padded = torch.cat([x, torch.full_like(x[:, :1], 37.0)], dim=1)
    return padded[:, rows]


@pytest.mark.parametrize(
    "bad",
    [
        torch.rand(3, 8, 8),
        torch.rand(1, 1, 8, 8),
        torch.rand(1, 4, 8, 8),
        torch.rand(1, 3, 0, 8),
        torch.rand(0, 3, 8, 8),
        torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
    ],
    ids=lambda t: f"{t.dtype} {tuple(t.shape)}",
)
def test_other_inputs_are_refused(bad):
    with pytest.raises(ValueError, match="SAT takes floats of shape") as error:
        SAT(SMALL)(bad)
    assert str(tuple(bad.shape)) in str(error.value) and str(bad.dtype) in str(error.value)


def test_memory_layout_does_not_matter():
    model, x = lively(SAT(SMALL)), torch.rand(2, 3, 7, 9, dtype=torch.float64)
    with torch.no_grad():
        expected = model(x)
        assert_close(model(x.to(memory_format=torch.channels_last)), expected)
        assert_close(model(x.transpose(2, 3).contiguous().transpose(2, 3)), expected)


# Stochastic depth ---------------------------------------------------------------------------------------------------


def test_drop_path_rises_linearly_over_the_blocks():
    model = SAT(SMALL.replace(groups=(2, 3), drop_path=0.18))
    rates = [block.drop_path for group in model.groups for block in group.blocks]
    assert rates == pytest.approx([0.02 * i for i in range(10)])


def test_drop_path_drops_the_branches_of_whole_images():
    block, at = lively(LocalBlock(SMALL, 0.25, shifted=False)), geometry(SMALL, (4, 5))
    with torch.no_grad():
        block.mlp.reduce.weight.zero_()
        block.mlp.reduce.bias.zero_()
        x = torch.randn(1, 20, 16, dtype=torch.float64).expand(400, -1, -1)
        kept = block(x[:1], at)[0]
        out = block.train()(x, at)
    dropped = x[0] + x[0] * block.gamma
    is_dropped = (out - dropped).abs().amax((1, 2)) < 1e-12
    is_kept = (out - (dropped + (kept - dropped) / 0.75)).abs().amax((1, 2)) < 1e-12
    assert (is_dropped ^ is_kept).all() and 60 <= is_dropped.sum() <= 140


# Gradients and precision --------------------------------------------------------------------------------------------


def test_gradients_of_a_tiny_network_are_exact():
    model = lively(SAT(SMALL.replace(channels=8, groups=(1,), upsampler_channels=1, keep_ratio=0.3)))
    x = torch.rand(1, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(model, (x,))


@pytest.mark.slow
def test_gradients_of_all_parameters_are_exact():
    model = lively(SAT(SMALL.replace(channels=8, upsampler_channels=2, keep_ratio=0.3)))
    x = torch.rand(2, 3, 3, 5, dtype=torch.float64)
    names, values = zip(*model.named_parameters(), strict=True)
    leaves = tuple(v.detach().clone().requires_grad_() for v in values)

    def run(*parameters):
        return torch.func.functional_call(model, dict(zip(names, parameters, strict=True)), (x,))

    assert torch.autograd.gradcheck(run, leaves, fast_mode=True)


def test_every_parameter_is_reached_by_the_gradient():
    """Except what cannot matter: what adds the same to all logits of a query drops out of the softmax."""
    model = lively(SAT(WIDE)).train()
    model(torch.rand(2, 3, 8, 9, dtype=torch.float64)).square().sum().backward()
    silent = {n for n, p in model.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-10}
    assert all(name.endswith((".key.bias", ".layers.2.0.bias", ".layers.2.2.bias")) for name in silent)


def test_all_precisions_run_and_agree():
    model, x = SAT(SMALL).eval(), torch.rand(2, 3, 9, 11)
    with torch.no_grad():
        single = model(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            cast = model(x)
        double = model.double()(x.double())
    assert single.dtype == torch.float32 and double.dtype == torch.float64
    assert_close(single.double(), double, 1e-5)
    assert_close(cast.double(), double, 0.05)


def test_training_under_autocast():
    model = SAT(SMALL)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = (model(torch.rand(2, 3, 9, 11)) - 0.5).abs().mean()
    loss.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_attention_types_alternate():
    model = SAT(SMALL.replace(groups=(2, 1)))
    for group, pairs in zip(model.groups, (2, 1), strict=True):
        kinds = [type(block.attention) for block in group.blocks]
        assert kinds == [RectangleWindowAttention, SelectiveAggregationAttention] * pairs
