"""Attention in blocks against the formula written out, against torch's kernels, and by finite differences."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from satlib import fused
from satlib.windows import plan_halves

DOUBLE = torch.float64


def tensor(*shape, seed=0, dtype=DOUBLE):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE).to(dtype)


def tokens(n_images=2, n_queries=7, n_keys=5, heads=2, d=3, e=4):
    """Queries, keys, values and a bias that hides the second key of the first image."""
    bias = tensor(n_images, n_keys, seed=3)
    bias[0, min(1, n_keys - 1) :: n_keys] = -torch.inf if n_keys > 1 else 0.0
    return (
        tensor(n_images, n_queries, heads, d),
        tensor(n_images, n_keys, heads, d, seed=1),
        tensor(n_images, n_keys, heads, e, seed=2),
        bias,
    )


def windows(grid=(5, 9), window=(2, 4), n_images=2, heads=2, d=3, *, mask_padding=True):
    """A shifted plan with gaps, projections and biases."""
    plan = plan_halves(grid, window, shifted=True, mask_padding=mask_padding)
    n = window[0] * window[1]
    return tensor(n_images, grid[0] * grid[1], 6 * heads * d), tensor(2, heads, n, n, seed=1), plan


def plain(q, k, v, bias):
    weight = (torch.einsum("bnhd,bkhd->bhnk", q, k) / q.shape[-1] ** 0.5 + bias[:, None, None]).softmax(-1)
    return torch.einsum("bhnk,bkhe->bnhe", weight, v)


def gradients(f, *inputs):
    """The result, and the gradients of a fixed weighting of it."""
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    out = f(*leaves)
    return out, *torch.autograd.grad((out * tensor(*out.shape, seed=9, dtype=out.dtype)).sum(), leaves)


def assert_same(a, b, tolerance=1e-12):
    for x, y in zip(a, b, strict=True):
        torch.testing.assert_close(x, y, rtol=tolerance, atol=tolerance)


@given(
    n_images=st.integers(1, 3), n_queries=st.integers(1, 9), n_keys=st.integers(1, 6), heads=st.integers(1, 3),
    d=st.integers(1, 4), e=st.integers(1, 4),
)  # fmt: skip
def test_attention_to_few_tokens_is_the_formula(n_images, n_queries, n_keys, heads, d, e):
    *qkv, bias = tokens(n_images, n_queries, n_keys, heads, d, e)
    assert_same(gradients(lambda *t: fused.attend(*t, bias), *qkv), gradients(lambda *t: plain(*t, bias), *qkv))


@pytest.mark.parametrize("mask_padding", [True, False])
@pytest.mark.parametrize("grid", [(1, 1), (5, 9), (8, 8), (3, 17)])
def test_window_attention_by_blocks_and_by_torch(monkeypatch, grid, mask_padding):
    qkv, bias, plan = windows(grid, mask_padding=mask_padding)
    by_blocks = gradients(lambda *t: fused.attend_in_windows(*t, plan), qkv, bias)
    monkeypatch.setattr(fused, "_in_blocks", lambda x: False)
    assert_same(by_blocks, gradients(lambda *t: fused.attend_in_windows(*t, plan), qkv, bias))


def test_attention_to_few_tokens_by_torch(monkeypatch):
    *qkv, bias = tokens()
    by_blocks = gradients(lambda *t: fused.attend(*t, bias), *qkv)
    monkeypatch.setattr(fused, "_in_blocks", lambda x: False)
    assert_same(by_blocks, gradients(lambda *t: fused.attend(*t, bias), *qkv))


def test_gradients_by_finite_differences():
    *qkv, bias = (t.requires_grad_(i < 3) for i, t in enumerate(tokens()))
    assert torch.autograd.gradcheck(lambda *t: fused.attend(*t, bias), qkv)
    x, position, plan = windows((3, 5))
    inputs = x.requires_grad_(), position.requires_grad_()
    assert torch.autograd.gradcheck(lambda *t: fused.attend_in_windows(*t, plan), inputs)


def test_the_size_of_the_blocks_changes_nothing(monkeypatch):
    *qkv, bias = tokens(n_queries=150)
    x, position, plan = windows((11, 13))
    runs = (lambda *t: fused.attend(*t, bias), qkv), (lambda *t: fused.attend_in_windows(*t, plan), (x, position))
    whole = [gradients(f, *inputs) for f, inputs in runs]
    monkeypatch.setattr(fused, "BLOCK_WEIGHTS", 300)
    for expected, (f, inputs) in zip(whole, runs, strict=True):
        assert_same(gradients(f, *inputs), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_lower_precision_is_close_to_double(dtype):
    tolerance = 1e-5 if dtype == torch.float32 else 0.03
    *qkv, bias = tokens(d=5, e=10)
    expected = fused.attend(*qkv, bias)
    assert_same([fused.attend(*(t.to(dtype) for t in qkv), bias).double()], [expected], tolerance)
    x, position, plan = windows()
    expected = fused.attend_in_windows(x, position, plan)
    assert_same([fused.attend_in_windows(x.to(dtype), position, plan).double()], [expected], tolerance)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_computes_the_same():
    *qkv, bias = (t.float() for t in tokens(d=5, e=10))
    expected = gradients(lambda *t: fused.attend(*t, bias), *qkv)
    found = gradients(lambda *t: fused.attend(*t, bias.cuda()).cpu(), *(t.cuda() for t in qkv))
    assert_same([t.cpu() for t in found], expected, 1e-4)
