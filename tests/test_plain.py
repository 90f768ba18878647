"""The page is the network: `satlib.plain` against the fast code, over all options and sizes; what the page may hold.

In float64 both agree to rounding. Exact ties are made of tokens whose similarities have no rounding error at all.
"""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
import reference
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from satlib import SAT, SATConfig, dta, load, plain, samples, trace
from satlib.config import SCALES, UPSAMPLERS
from satlib.dta.options import AGGREGATIONS, NORM_RESTORATIONS, SAMPLINGS

SMALL = SATConfig(
    scale=2,
    channels=16,
    heads=2,
    groups=(1, 2),
    window=(2, 4),
    position_channels=4,
    gate_kernel=3,
    keep_ratio=0.1,
    neighbors=0.4,
    upsampler_channels=8,
)
KINDS = [(a, n) for a in AGGREGATIONS for n in NORM_RESTORATIONS]
CHOICES = [  # weights are the same in all of them
    *({"aggregation": a, "norm_restoration": n} for a, n in KINDS[1:]),
    *({"sampling": s} for s in SAMPLINGS if s != SMALL.sampling),
    {"neighbors": 1},
    {"neighbors": 3},
    {"neighbors": 0.9},
    {"neighbors": 1000},
    {"subsample": 1},
    {"subsample": 2.5},
    {"subsample": 1e9},
    {"keep_ratio": 0.03},
    {"keep_ratio": 1.0},
    {"temperature": 0.02},
    {"seed": 7},
    {"size_bias": True},
    {"mask_padding": False},
    {"selective": "exact"},
]
SHAPES = [  # weights are different
    {},
    {"qk_ratio": 1.0},
    {"qk_ratio": 0.25},
    {"qkv_bias": False},
    {"heads": 4},
    {"mlp_ratio": 1.5},
    {"gate_kernel": 7},
    {"gate_kernel": 1},
    {"window": (4, 2)},
    {"window": (3, 3)},
    {"window": (1, 6)},
    {"position_channels": None},
    {"groups": (3,)},
    {"groups": (1, 1, 3)},
    {"selective": "none"},
    {"selective": "exact", "size_bias": True},
    {"upsampler_channels": 3},
    *({"scale": s, "upsampler": u} for s in SCALES for u in UPSAMPLERS),
    *({"in_channels": n, "upsampler": u} for n in (1, 2, 16) for u in UPSAMPLERS),
]
GRIDS = [(1, 1), (1, 2), (3, 1), (5, 7), (8, 8), (1, 40), (13, 10)]


def lively(config):
    """A network whose every part matters, in float64 and eval mode."""
    torch.manual_seed(0)
    model = SAT(config).double().eval()
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            parameter.data.normal_(std=1 if "biases" in name else 0.2)
        else:
            parameter.data.add_(0.1 * torch.randn_like(parameter))
    return model


def run(model, image):
    with torch.no_grad():
        return plain.sat(image, model.state_dict(), model.config)


def assert_same(model, image, tolerance=1e-10):
    with torch.no_grad():
        expected = model(image)
    got = run(model, image)
    assert got.shape == expected.shape
    torch.testing.assert_close(got, expected, rtol=tolerance, atol=tolerance * float(expected.abs().max()))


def images(n_images, height, width, channels=3):
    return torch.rand(n_images, channels, height, width, dtype=torch.float64)


# The network --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grids", [GRIDS[:4], pytest.param(GRIDS[4:], marks=pytest.mark.slow)], ids=["small", "larger"])
@pytest.mark.parametrize("options", [*SHAPES, *CHOICES], ids=str)
def test_every_option_at_sizes_from_1x1(options, grids):
    model = lively(SMALL.replace(**options))
    for grid in grids:
        assert_same(model, images(2, *grid, model.in_channels))


@given(
    grid=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    n_images=st.integers(1, 3),
    choice=st.sampled_from(CHOICES),
    shape=st.sampled_from(SHAPES[:16]),
)
@settings(max_examples=20)
def test_any_size_any_pair_of_options(grid, n_images, choice, shape):
    assert_same(lively(SMALL.replace(**{**choice, **shape})), images(n_images, *grid))


@pytest.mark.parametrize("options", CHOICES, ids=str)
def test_every_option_matters(options):
    """Or the tests above would not notice a page that leaves one out."""
    model, image = lively(SMALL), images(1, 13, 10)
    other = plain.sat(image, model.state_dict(), SMALL.replace(**options))
    assert (other - run(model, image)).abs().max() > 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "overrides"),
    [
        *(("sat-tiny", {"scale": scale}) for scale in SCALES),
        ("sat", {"channels": 36, "groups": (1, 2), "upsampler_channels": 8}),
        ("sat-released", {"channels": 36, "groups": (1, 2), "upsampler_channels": 8}),
        ("sat-light", {"groups": (1, 2)}),
    ],
)
def test_presets(preset, overrides):
    model = lively(SATConfig.preset(preset, **overrides))
    for grid in ((9, 6), (35, 40)):
        assert_same(model, images(1, *grid))


@pytest.mark.parametrize("name", ["sat-tiny-x2", "sat-tiny-x4"])
def test_bundled_weights_in_single_precision(name):
    """Rounding may let a token choose another centre; in images of this size no two are that close."""
    photos = [np.array(samples.load(photo).convert("RGB"))[60:84, 40:72] for photo in samples.names()]
    batch = torch.tensor(np.stack(photos)).permute(0, 3, 1, 2) / 255
    assert_same(load(name), batch, tolerance=2e-5)


def test_an_image_of_one_colour_has_empty_clusters_and_both_leave_them_out():
    model, image = lively(SMALL.replace(keep_ratio=1.0)), torch.full((1, 3, 12, 12), 0.25, dtype=torch.float64)
    assert (trace(model, image)[0].aggregation.counts == 0).any()
    assert_same(model, image)


def test_each_layer_draws_the_sample_of_the_fast_network():
    for sampling in SAMPLINGS:
        model = lively(SMALL.replace(sampling=sampling, seed=5))
        layers = trace(model, images(1, 13, 10))
        drawn = [plain.draw((13, 10), 13, model.config, layer) for layer in range(len(layers))]
        assert len(drawn) == 3
        assert all(torch.equal(a, b.aggregation.sample[0]) for a, b in zip(drawn, layers, strict=True))


@pytest.mark.parametrize(("aggregation", "norm_restoration"), KINDS)
def test_gradients_are_the_same_in_the_image_and_in_all_weights(aggregation, norm_restoration):
    model = lively(SMALL.replace(aggregation=aggregation, norm_restoration=norm_restoration, size_bias=True))
    image, weights = images(2, 9, 11).requires_grad_(), dict(model.named_parameters())
    fast, slow = model(image), plain.sat(image, weights, model.config)
    direction = torch.randn_like(fast)
    wanted, got = (torch.autograd.grad((y * direction).sum(), [image, *weights.values()]) for y in (fast, slow))
    for name, a, b in zip(["image", *weights], wanted, got, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-9, atol=1e-10 * float(a.abs().max() + 1), msg=lambda m, n=name: n + m)


@given(
    grid=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    window=st.sampled_from([(2, 4), (4, 2), (3, 3), (1, 5)]),
    shifted=st.booleans(),
    mask_padding=st.booleans(),
)
def test_the_masks_of_the_page_agree_with_the_loops(grid, window, shifted, mask_padding):
    """Which pixels a pixel reads, padding among them, as the definition says of each alone."""
    side = max(window)
    height, width = (-(-length // side) * side for length in grid)
    shift = (window[0] // 2, window[1] // 2) if shifted else (0, 0)
    places = torch.arange(height * width).view(1, height, width, 1).roll((-shift[0], -shift[1]), (1, 2))
    places = plain.cut(places, window)[0, :, :, 0]  # (L, n)
    reads = plain.window_mask(grid, window, shift, mask_padding, torch.device("cpu"))[:, 0] == 0  # (L, n, n)
    for numbers, allowed in zip(places, reads, strict=True):
        for number, row in zip(numbers.tolist(), allowed, strict=True):
            pixel = divmod(number, width)
            if pixel[0] < grid[0] and pixel[1] < grid[1]:
                expected = reference.readable(pixel, grid, window, shifted, mask_padding)
                assert sorted(divmod(n, width) for n in numbers[row].tolist()) == sorted(expected)


# DTA alone ----------------------------------------------------------------------------------------------------------


def random_tokens(n_images, n_tokens, channels=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_images, n_tokens, channels, generator=generator, dtype=torch.float64)


def exact_tokens(n_images, n_tokens, seed=0):
    """Tokens of entries 0.5 or -0.5 times powers of two: similarities of whole halves, and no rounding.

    Of five tokens one is zero, and one has a norm of 2^-19 or 2^-20, on either side of the paper's epsilon.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 2, (n_images, n_tokens, 4), generator=generator).double() - 0.5
    power = torch.arange(n_tokens) % 7 - 3
    power[3::5] = -19 - power[3::5] % 2
    x[:, 1::5] = 0
    return x * 2.0 ** power.view(1, n_tokens, 1)


@st.composite
def cases(draw):
    n = draw(st.integers(1, 60))
    k = draw(st.integers(1, n))
    sample = torch.tensor(draw(st.permutations(range(n)))[: draw(st.integers(k, n))])
    aggregation, norm_restoration = draw(st.sampled_from(KINDS))
    neighbors = draw(st.one_of(st.integers(1, n + 3), st.floats(0.01, 2)))
    options = {"aggregation": aggregation, "norm_restoration": norm_restoration, "neighbors": neighbors}
    return n, k, sample, {**options, "temperature": draw(st.floats(0.01, 10))}


def assert_aggregates_alike(x, k, sample, **options):
    """All fields of :func:`dta.aggregate`, and the gradient of the tokens that attention may read."""
    x.requires_grad_()
    fast = dta.aggregate(x, k, sample=sample, **options)
    slow = plain.aggregate(x, k, sample, SATConfig(scale=2, **options))
    assert slow._fields == fast._fields
    for name, a, b in zip(fast._fields, slow, fast, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12, msg=lambda m, n=name: n + m)
    full = (fast.counts > 0)[..., None] * torch.randn_like(fast.tokens)
    wanted, got = (torch.autograd.grad((made.tokens * full).sum(), x)[0] for made in (fast, slow))
    torch.testing.assert_close(got, wanted, rtol=1e-8, atol=1e-9 * float(wanted.abs().max() + 1))
    assert not slow.density.requires_grad and not slow.separation.requires_grad
    return slow


@given(case=cases(), seed=st.integers(0, 99))
def test_random_tokens_are_aggregated_alike(case, seed):
    n, k, sample, options = case
    assert_aggregates_alike(random_tokens(2, n, seed=seed), k, sample, **options)


@given(case=cases(), seed=st.integers(0, 99))
def test_duplicates_opposites_and_zeros_are_aggregated_alike(case, seed):
    n, k, sample, options = case
    assert_aggregates_alike(exact_tokens(2, n, seed=seed), k, sample, **options)


@given(case=cases(), seed=st.integers(0, 99))
@settings(max_examples=10)
def test_the_page_agrees_with_the_loops(case, seed):
    """A third opinion, which shares no line with either."""
    n, k, sample, options = case
    x = exact_tokens(1, n, seed=seed)
    slow = plain.aggregate(x, k, sample, SATConfig(scale=2, **options))
    tokens, centers, assignment, counts, rho, delta, score = reference.aggregate(x[0], k, sample.tolist(), **options)
    assert (slow.centers[0].tolist(), slow.assignment[0].tolist()) == (centers, assignment)
    assert slow.counts[0].tolist() == counts
    for a, b in ((slow.tokens, tokens), (slow.density, rho), (slow.separation, delta), (slow.score, score)):
        torch.testing.assert_close(a[0], torch.as_tensor(b, dtype=a.dtype), rtol=1e-10, atol=1e-12)


def test_each_image_may_have_its_own_sample():
    x = random_tokens(3, 40)
    sample = torch.stack([torch.randperm(40)[:12] for _ in range(3)])
    slow = assert_aggregates_alike(x, 5, sample)
    assert torch.equal(slow.sample, sample)


def test_directions_that_only_rounding_tells_apart_are_the_same():
    for seed in range(5):
        which = torch.randint(0, 6, (30,), generator=torch.Generator().manual_seed(seed))
        x = random_tokens(1, 6, seed=seed)[:, which] * torch.linspace(0.1, 3, 30, dtype=torch.float64)[:, None]
        slow = assert_aggregates_alike(x, 30, torch.arange(30))
        assert (slow.counts > 0).sum() == len(which.unique())


@pytest.mark.parametrize("length", [0, 1e-7, 1])
def test_a_token_alone(length):
    slow = assert_aggregates_alike(torch.full((1, 1, 3), length, dtype=torch.float64), 1, torch.tensor([0]))
    assert (slow.density, slow.separation, slow.counts) == (0, 0, 1)


def test_an_empty_cluster_gets_a_zero_token():
    x = random_tokens(1, 6)[:, [0, 0, 1, 2, 0, 3]]
    slow = plain.aggregate(x, 6, torch.arange(6), SATConfig(scale=2))
    empty = slow.counts[0] == 0
    assert empty.sum() == 2
    assert (slow.tokens[0, empty] == 0).all() and (slow.tokens[0, ~empty] != 0).all()


# The page -----------------------------------------------------------------------------------------------------------

PAGE = Path(plain.__file__)
TREE = ast.parse(PAGE.read_text())


def test_the_page_is_a_page():
    """Lines of code, comments and docstrings; empty lines are ruff's matter."""
    assert 150 <= sum(bool(line.strip()) for line in PAGE.read_text().splitlines()) <= 200


def test_the_page_shares_nothing_with_the_fast_code_but_configuration_and_sampler():
    found = set()
    for node in ast.walk(TREE):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    ours = {name for name in found if name.split(".")[0] not in sys.stdlib_module_names | {"torch"}}
    assert ours == {"satlib.config", "satlib.dta.sampling"}


def test_the_page_has_no_tricks():
    """Nothing is changed in place, nothing is kept, no gradient is written by hand."""
    for node in ast.walk(TREE):
        if isinstance(node, ast.Attribute):
            assert not node.attr.endswith("_"), node.attr
        assert not isinstance(node, ast.Global | ast.AugAssign)
        for target in node.targets if isinstance(node, ast.Assign) else []:
            assert not isinstance(target, ast.Subscript | ast.Attribute), ast.unparse(node)
    names = {node.id for node in ast.walk(TREE) if isinstance(node, ast.Name)}
    assert names & {"lru_cache", "cache", "checkpoint", "autograd"} == set()
