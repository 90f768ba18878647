"""The cost by formula, held against operations and tensors that are counted while the networks run."""

import json

import pytest
import torch
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import geometry
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from typer.testing import CliRunner

from satlib import SAT, SATConfig, plain
from satlib.commands.complexity import complexity as command
from satlib.complexity import QUADRATIC, WINDOW_PRODUCTS, complexity, largest_square, low_resolution
from satlib.complexity.layer_costs import LAYERS, NORM_OPERATIONS
from satlib.complexity.measured import multiply_adds, operations, peak_bytes
from satlib.dta import BLOCK_ELEMENTS
from satlib.network.attention import RectangleWindowAttention, SelectiveAggregationAttention
from satlib.network.blocks import GatedMLP
from satlib.results import paper

SMALL = {"channels": 32, "heads": 4, "groups": (1, 2), "window": (4, 8), "upsampler_channels": 16}
CLASSIC = [SATConfig(scale=scale, **SMALL) for scale in (1, 2, 3, 4, 8)]
ONESTEP = [SATConfig(scale=scale, upsampler="onestep", qkv_bias=False, **SMALL) for scale in (2, 3, 4)]

each_network = pytest.mark.parametrize("config", CLASSIC + ONESTEP, ids=lambda c: f"{c.upsampler}-x{c.scale}")


def cost_of(config, grid):
    """Return the complexity for an input of exactly ``grid`` = (H, W)."""
    cost = complexity(config, (grid[1] * config.scale, grid[0] * config.scale))
    assert cost.grid == grid
    return cost


def image(grid):
    return torch.rand(1, 3, *grid)


# The paper's numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "grid", "published", "total"),
    [(2, (320, 640), 3.638e12, 28.1e12), (3, (213, 427), 1.633e12, 6.6e12), (4, (160, 320), 0.941e12, 2.6e12)],
)
def test_sat_costs_what_is_published_and_much_more(scale, grid, published, total):
    cost = complexity(SATConfig.preset("sat", scale))
    assert cost.grid == grid
    assert cost.published == pytest.approx(published, rel=0.002)
    assert cost.total == pytest.approx(total, rel=0.03)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_sat_rounds_to_table_a(scale):
    cost = complexity(SATConfig.preset("sat", scale))
    row = {"method": "SAT", "scale": scale}
    assert round(cost.published / 1e12, 2) == paper.table("A").number(row, "FLOPs (T)")
    assert round(cost.params["total"] / 1e6, 1) == paper.table("A").number(row, "params (M)")


def test_what_is_left_out_at_x2_and_x4():
    expected = {  # tera multiply-adds, as recomputed independently
        "density S x S": (2.89, 0.18),
        "assignment N x K": (6.02, 0.38),
        "merge K x N": (6.02, 0.38),
        "SAA QK^T": (3.01, 0.19),
        "SAA AV": (6.02, 0.38),
    }
    for column, scale in enumerate((2, 4)):
        macs = complexity(SATConfig.preset("sat", scale)).macs
        for stage, values in expected.items():
            assert macs[stage] / 1e12 == pytest.approx(values[column], abs=0.006), stage
        window = sum(macs[stage] for stage in WINDOW_PRODUCTS)
        assert window / 1e12 == pytest.approx((0.50, 0.13)[column], abs=0.006)


def test_the_light_network_fits_table_d_in_all_parameters_and_in_its_own_flops():
    for r_c in (1.0, 0.8, 0.5, 0.3):
        cost = complexity(SATConfig.preset("sat-light", qk_ratio=r_c))
        published = paper.table("D").number({"r_c": r_c}, "params (K)")
        assert cost.params["total"] / 1e3 == pytest.approx(published, abs=0.7)
    own = complexity(SATConfig.preset("sat-light"))
    assert own.published / 1e9 == pytest.approx(paper.table("D").number({"r_c": 0.5}, "FLOPs (G)"), abs=0.05)


def test_four_times_the_pixels_cost_about_nine_times_at_light_size():
    config = SATConfig.preset("sat-light")
    costs = [complexity(config, (side * 4, side * 4)) for side in (64, 128, 256)]
    assert 7 < costs[1].total / costs[0].total < 12
    assert costs[2].quadratic / costs[1].quadratic == pytest.approx(16, rel=0.02)
    assert costs[2].published / costs[1].published == pytest.approx(4, rel=0.001)


# Parameters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["sat", "sat-light", "sat-released", "sat-tiny"])
def test_the_parts_hold_every_parameter_once(preset):
    config = SATConfig.preset(preset)
    params = dict(complexity(config).params)
    with torch.device("meta"):
        total = sum(p.numel() for p in SAT(config).parameters())
    assert params.pop("total") == total == sum(params.values())


# Multiply-adds -------------------------------------------------------------------------------------------------------


@each_network
@pytest.mark.parametrize("grid", [(16, 8), (13, 21)], ids=str)
def test_layers_equal_counted_layers(config, grid):
    macs = cost_of(config, grid).macs
    counted = operations(SAT(config).eval(), image(grid))
    upsampling = operations(SAT(config).upsampler, torch.rand(1, config.upsampler_channels, *grid)).convolution
    linear = ("local linear", "position bias", "SAA linear", "MLP linear")
    assert counted.linear == sum(macs[stage] for stage in linear)
    assert counted.convolution == sum(
        macs[s] for s in ("convolutions", "local depthwise", "MLP depthwise", "upsampler")
    )
    assert counted.normalised * NORM_OPERATIONS == macs["norms"]
    assert macs["upsampler"] == upsampling + grid[0] * grid[1] * 9 * config.channels * config.upsampler_channels


@each_network
@pytest.mark.parametrize("grid", [(16, 8), (13, 21), (3, 5)], ids=str)
def test_the_total_equals_the_counted_total_of_the_plain_network(config, grid):
    model, cost = SAT(config).eval(), cost_of(config, grid)
    counted = multiply_adds(lambda: plain.sat(image(grid), model.state_dict(), model.config))
    assert counted == cost.total - cost.macs["norms"]


def test_local_attention_equals_its_counted_operations():
    # The grid fills its windows exactly, and heads of 16 channels are not filled up for the fused kernel.
    config, grid = SATConfig(scale=2, **{**SMALL, "groups": (1,), "heads": 2}), (16, 24)
    macs = cost_of(config, grid).macs
    with sdpa_kernel(SDPBackend.MATH):
        counted = operations(
            RectangleWindowAttention(config, shifted=False), torch.rand(1, 384, 32), geometry(config, grid)
        )
    assert counted.linear == macs["local linear"] + macs["position bias"]
    assert counted.convolution == macs["local depthwise"]
    assert counted.products == macs["window QK^T"] + macs["window AV"] == 2 * 384 * 32 * 32


def test_windows_are_counted_with_their_padding_to_the_longer_side():
    config = SATConfig(scale=2, **{**SMALL, "groups": (1,)})
    assert {cost_of(config, grid).macs["window AV"] for grid in [(9, 17), (16, 24)]} == {16 * 24 * 32 * 32}


def test_the_gated_mlp_equals_its_counted_operations():
    config, grid = SATConfig(scale=2, **{**SMALL, "groups": (1,)}), (5, 7)
    macs = cost_of(config, grid).macs
    counted = operations(GatedMLP(config), torch.rand(1, 35, 32), grid)
    assert 2 * counted.linear == macs["MLP linear"]  # the group has a local and an SAA block
    assert 2 * counted.convolution == macs["MLP depthwise"]


class Products(TorchDispatchMode):
    """Collects the multiply-adds of every batched matrix product, in order."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.bmm.default:
            self.found.append(args[0].numel() * args[1].shape[-1])
        return func(*args, **(kwargs or {}))


@settings(max_examples=12)
@given(
    height=st.integers(3, 24), width=st.integers(3, 24), beta=st.integers(2, 9), r_c=st.sampled_from([0.25, 0.5, 1.0])
)
def test_each_quadratic_stage_equals_its_own_counted_product(height, width, beta, r_c):
    config = SATConfig(scale=2, subsample=beta, qk_ratio=r_c, **{**SMALL, "groups": (1,)})
    macs = cost_of(config, (height, width)).macs
    saa = SelectiveAggregationAttention.from_config(config, layer=0).eval()
    with torch.no_grad(), Products() as products:
        plain.selective_attention(torch.rand(1, height, width, 32), saa.state_dict(), config, layer=0)
    assert products.found == [macs[stage] for stage in QUADRATIC]


def test_only_the_merge_depends_on_the_aggregation():
    merged, centers = (
        complexity(SATConfig.preset("sat-tiny", aggregation=aggregation)).macs for aggregation in ("mean", "center")
    )
    assert {stage for stage in merged if merged[stage] != centers[stage]} == {"merge K x N"}
    assert centers["merge K x N"] == 0


# Memory --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [32, 64])
def test_dense_aggregation_holds_the_bytes_of_its_formula(side):
    config = SATConfig.preset("sat-light", aggregation="mean")
    x = torch.rand(1, side * side, config.channels)
    n_centers = int(config.keep_ratio * side * side)
    sample = torch.arange(0, side * side, 8)[: 4 * n_centers]
    peak = peak_bytes(lambda: plain.aggregate(x, n_centers, sample, config))
    expected = cost_of(config, (side, side)).memory["dense aggregation"]
    assert peak + 4 * x.numel() == pytest.approx(expected, rel=0.05)


def test_dense_attention_holds_the_bytes_of_its_formula():
    config = SATConfig.preset("sat-light")
    n_tokens, n_centers = 1024, int(0.03 * 1024)
    q, k = torch.rand(1, 4, n_tokens, 5), torch.rand(1, 4, n_centers, 5)
    peak = peak_bytes(lambda: (q @ k.mT * 5**-0.5).softmax(-1))
    assert peak == cost_of(config, (32, 32)).memory["dense attention"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "side"),
    [
        (SATConfig.preset("sat-light", groups=(1, 2)), 96),  # the local attention decides
        (SATConfig.preset("sat-light", groups=(1, 2)), 128),  # the aggregation
        (SATConfig.preset("sat", groups=(1,), window=(4, 16)), 48),
        (SATConfig.preset("sat-tiny", upsampler="classic", upsampler_channels=64), 64),  # the upsampler
    ],
    ids=["local", "aggregation", "wide", "upsampler"],
)
def test_our_network_holds_the_bytes_of_its_formula(config, side):
    model, x = SAT(config).eval(), image((side, side))
    peak_bytes(lambda: model(x))  # plans of windows and samples are made once and kept
    expected = cost_of(config, (side, side)).memory["satlib"]
    assert peak_bytes(lambda: model(x)) == pytest.approx(expected, rel=0.06)


def test_our_memory_is_linear_where_the_dense_form_is_quadratic():
    small, large = (complexity(SATConfig.preset("sat"), (side * 4, side * 4)).memory for side in (256, 512))
    assert large["dense attention"] / small["dense attention"] == pytest.approx(16, rel=0.001)
    assert large["satlib"] / small["satlib"] < 4.01
    assert small["satlib"] > 4 * BLOCK_ELEMENTS


@pytest.mark.parametrize("dense", [True, False])
def test_the_largest_square_fits_and_the_next_does_not(dense):
    config = SATConfig.preset("sat-tiny", 2)
    side = largest_square(config, 1e8, dense=dense)
    costs = [complexity(config, (2 * n, 2 * n)) for n in (side, side + 1)]
    fits, fails = (cost.dense_memory if dense else cost.memory["satlib"] for cost in costs)
    assert fits <= 1e8 < fails


# The function and the command ----------------------------------------------------------------------------------------


def test_no_random_state_is_touched():
    state = torch.get_rng_state()
    complexity(SATConfig.preset("sat-tiny", seed=1234))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("output", "scale", "grid"),
    [((1280, 640), 3, (213, 427)), ((4, 4), 4, (1, 1)), ((1280, 720), 2, (360, 640)), ((7, 9), 2, (5, 4))],
)
def test_the_input_is_the_nearest_size(output, scale, grid):
    assert low_resolution(output, scale) == grid


@pytest.mark.parametrize("output", [(3, 8), (8, 0), (-8, 8), (8.0, 8), (8, 8, 8)])
def test_an_output_that_no_image_gives_is_an_error(output):
    with pytest.raises(ValueError, match="output must be"):
        complexity(SATConfig.preset("sat-tiny"), output)


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(command)
    return lambda *words: CliRunner().invoke(app, words)


def test_the_command_prints_both_conventions_and_every_stage(run):
    result = run("sat", "--scale", "2")
    assert result.exit_code == 0
    cost = complexity(SATConfig.preset("sat", 2))
    for stage in LAYERS + WINDOW_PRODUCTS + QUADRATIC:
        line = next(line for line in result.output.splitlines() if line.split("  ")[1:2] == [stage])
        assert f"{cost.macs[stage] / 1e9:,.2f}" in line
        assert ("left out" in line) == (stage not in LAYERS)
    assert "19,356,833" in result.output
    assert "3,638.09" in result.output
    assert "28,118.44" in result.output


def test_the_command_prints_small_amounts_of_memory(run):
    output = run("sat-tiny", "--scale", "2", "--output", "64x64").output
    memory = complexity(SATConfig.preset("sat-tiny", 2), (64, 64)).memory
    assert min(memory.values()) < 5e6
    for form, n_bytes in memory.items():
        line = next(line for line in output.splitlines() if line.strip().startswith(form))
        assert line.split()[-1] == f"{n_bytes / 1e6:.1f}" != "0.0"


def test_the_command_prints_json(run):
    printed = json.loads(run("sat-tiny", "--scale", "3", "--output", "96x48", "--json").output)
    cost = complexity(SATConfig.preset("sat-tiny", 3), (96, 48))
    assert printed["grid"] == [16, 32]
    assert (printed["published"], printed["total"]) == (cost.published, cost.total)
    assert (printed["macs"], printed["params"], printed["memory"]) == (cost.macs, cost.params, cost.memory)


@pytest.mark.parametrize(
    "words", [("sat-huge",), ("sat", "--output", "1280"), ("sat", "--output", "ax4"), ("sat", "--scale", "5")]
)
def test_bad_input_is_one_line_that_names_it(run, words):
    result = run(*words)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert words[-1] in result.stderr
