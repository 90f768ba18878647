"""Whole aggregations and an SAA layer by kernels and by torch, and the switch between both."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from kernels_device import DEVICE, exact_tokens, random_tokens
from sizes import geometry

from satlib import SATConfig, dta
from satlib.dta import kernels
from satlib.dta.kernels import largest
from satlib.dta.options import AGGREGATIONS, NORM_RESTORATIONS, SAMPLINGS
from satlib.network.attention import SelectiveAggregationAttention

KINDS = [(a, n) for a in AGGREGATIONS for n in NORM_RESTORATIONS]
CHOSEN = ("sample", "centers", "assignment", "counts")


@pytest.fixture(autouse=True)
def many_rows_together(monkeypatch):
    """What the interpreter needs to be quick."""
    monkeypatch.setattr(largest, "TOGETHER", 64)


def both(x, n_centers, **options):
    """Aggregate by torch and by kernels, and return results and gradients."""
    results = []
    for choice in ("torch", "triton"):
        leaf = x.clone().requires_grad_()
        with kernels.use(choice):
            got = dta.aggregate(leaf, n_centers, generator=torch.Generator().manual_seed(0), **options)
            (got.tokens * torch.linspace(-1, 1, got.tokens.numel()).to(x).view_as(got.tokens)).sum().backward()
        results.append((got, leaf.grad))
    return results


def assert_close(a, b, tolerance=1e-5):
    """Equal up to a share of the largest number."""
    assert (a - b).abs().max() <= tolerance * b.abs().max()


@pytest.mark.slow
@pytest.mark.parametrize(("aggregation", "norm_restoration"), KINDS)
@pytest.mark.parametrize(("grid", "n_centers"), [((1, 1), 1), ((1, 2), 1), ((7, 9), 6), ((5, 5), 25)])
def test_without_rounding_the_same_is_chosen(grid, n_centers, aggregation, norm_restoration):
    """Tokens full of ties, duplicates and zeros; (5, 5) has S = K = N."""
    x = exact_tokens(2, grid[0] * grid[1], 20)
    sampling = SAMPLINGS[len(aggregation) % len(SAMPLINGS)]
    (expected, expected_grad), (got, grad) = both(
        x,
        n_centers,
        grid=grid,
        aggregation=aggregation,
        norm_restoration=norm_restoration,
        sampling=sampling,
        neighbors=0.7,
    )
    assert all(torch.equal(getattr(got, name), getattr(expected, name)) for name in CHOSEN)
    for name in ("density", "separation", "score"):
        torch.testing.assert_close(getattr(got, name), getattr(expected, name), rtol=0, atol=1e-6)
    assert_close(got.tokens, expected.tokens)
    assert_close(grad, expected_grad)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_all_samplings(sampling):
    (expected, _), (got, _) = both(exact_tokens(1, 48, 20), 5, grid=(6, 8), sampling=sampling, neighbors=1)
    assert all(torch.equal(getattr(got, name), getattr(expected, name)) for name in CHOSEN)


def decided(x, got, m):
    """Return whether more than rounding decides about density, centres and assignment: gaps in float64 above 4e-6."""
    unit = dta.normalize(dta.take(x, got.sample).double())
    rho = dta.density(unit, m)
    score = rho * dta.separation(unit, rho)
    k = got.centers.shape[1]
    similarity = dta.normalize(x.double()) @ dta.normalize(dta.take(x, got.centers).double()).mT
    gaps = (
        rho.sort().values.diff(),
        score.sort(descending=True).values[:, : k + 1].diff(),
        similarity.topk(2).values.diff(),
    )
    return all(gap.abs().min() > 4e-6 for gap in gaps)


def test_random_tokens_where_rounding_does_not_decide():
    compared = 0
    for seed in range(8):
        x = random_tokens(1, 60, 10, seed)
        (expected, expected_grad), (got, grad) = both(x, 5, neighbors=3)
        if decided(x, expected, 3):
            assert all(torch.equal(getattr(got, name), getattr(expected, name)) for name in CHOSEN)
            assert_close(got.tokens, expected.tokens)
            assert_close(grad, expected_grad)
            compared += 1
    assert compared >= 7


def test_half_precision_tokens_are_ranked_in_float32():
    x = random_tokens(2, 60, 16).bfloat16()
    with kernels.use("triton"):
        half, single = (dta.aggregate(t, 6, sample=torch.arange(0, 60, 2)) for t in (x, x.float()))
    assert half.tokens.dtype == torch.bfloat16 and half.density.dtype == torch.float32
    assert torch.equal(half.tokens, single.tokens.bfloat16()) and torch.equal(half.centers, single.centers)


def test_an_image_alone_or_in_a_batch():
    x, sample = random_tokens(3, 60, 10), torch.arange(0, 60, 2)
    with kernels.use("triton"):
        together, alone = dta.aggregate(x, 6, sample=sample), dta.aggregate(x[1:2], 6, sample=sample)
    assert all(torch.equal(a[1:2], b) for a, b in zip(together, alone, strict=True))


@pytest.mark.parametrize("training", [False, True])
def test_an_saa_layer(training):
    torch.manual_seed(0)
    # Without biases: the gradient of the keys' is nothing but rounding, since a softmax ignores a constant.
    config = SATConfig(scale=2, channels=16, heads=2, window=(2, 4), keep_ratio=0.1, size_bias=True, qkv_bias=False)
    layer = SelectiveAggregationAttention.from_config(config, layer=1).to(DEVICE).train(training)
    x, results = random_tokens(2, 63, 16), []
    for choice in ("torch", "triton"):
        torch.manual_seed(1)
        leaf = x.clone().requires_grad_()
        with kernels.use(choice):
            out, aggregation = layer(leaf, geometry(config, (7, 9), layer))
            grads = torch.autograd.grad(out.square().sum(), (leaf, *layer.parameters()))
        results.append((aggregation.centers, aggregation.assignment, out, *grads))
    for i, (got, expected) in enumerate(zip(*results[::-1], strict=True)):
        assert torch.equal(got, expected) if i < 2 else True
        assert_close(got.double(), expected.double())


# The switch ----------------------------------------------------------------------------------------------------------


def test_the_choice_ends_with_its_block_whatever_happens():
    x = random_tokens(1, 3, 2)
    assert not kernels.chosen(x)
    with kernels.use("triton"):
        with kernels.use("torch"):
            assert not kernels.chosen(x)
        with pytest.raises(KeyError), kernels.use("auto"):
            assert kernels.chosen(x) == (DEVICE == "cuda")
            raise KeyError
        assert kernels.chosen(x)
    assert not kernels.chosen(x)


@pytest.mark.parametrize("choice", kernels.CHOICES)
def test_the_choice_decides_what_runs(choice, monkeypatch):
    calls = []
    for name in ("density", "separation", "assign", "merge_by_similarity"):
        function = getattr(kernels, name)
        monkeypatch.setattr(kernels, name, lambda *args, f=function, n=name: calls.append(n) or f(*args))
    with kernels.use(choice):
        dta.aggregate(random_tokens(1, 9, 2), 2)
    runs = choice == "triton" or (choice == "auto" and DEVICE == "cuda")
    assert calls == (["density", "separation", "assign", "merge_by_similarity"] if runs else [])


def test_auto_takes_float32_on_a_gpu_where_triton_is_installed(monkeypatch):
    for on_gpu, dtype, installed, expected in (
        (True, torch.float32, True, True),
        (False, torch.float32, True, False),
        (True, torch.float64, True, False),
        (True, torch.float32, False, False),
    ):
        monkeypatch.setattr(kernels, "INSTALLED", installed)
        tokens = SimpleNamespace(is_cuda=on_gpu, dtype=dtype)
        assert kernels.chosen(tokens) is False, "the default is torch"
        with kernels.use("auto"):
            assert kernels.chosen(tokens) is expected


def enter(choice):
    with kernels.use(choice):
        pass


def test_a_choice_that_cannot_be_had_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="unknown kernels 'cuda'; choose auto, torch or triton"):
        enter("cuda")
    monkeypatch.setattr(kernels, "_compiled", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="need a CUDA device, or Triton's interpreter: set TRITON_INTERPRET=1 before"):
        enter("triton")
    monkeypatch.setattr(kernels, "INSTALLED", False)
    with pytest.raises(ValueError, match="need the package triton: pip install"):
        enter("triton")
    assert not kernels.chosen(torch.ones(1, 2, 3))


def test_tokens_that_the_kernels_cannot_take_are_refused(monkeypatch):
    with kernels.use("triton"):
        with pytest.raises(ValueError, match="take float32 tensors on a CUDA device, got torch.float64 on"):
            dta.aggregate(random_tokens(1, 9, 2).double(), 2)
        monkeypatch.setattr(kernels, "_compiled", lambda: True)
        with pytest.raises(ValueError, match="got torch.float32 on cpu"):
            dta.aggregate(torch.ones(1, 9, 2), 2)


@pytest.mark.slow
@pytest.mark.parametrize("installed", [True, False])
def test_satlib_does_not_import_triton_and_works_without_it(installed):
    script = f"""
import sys, torch
if not {installed}:
    sys.modules["triton"] = None
import satlib
from satlib import dta
from satlib.dta import kernels
dta.aggregate(torch.rand(1, 9, 2), 2)
assert kernels.INSTALLED is {installed}
assert sys.modules.get("triton") is None
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr.strip()) == (0, "")
