"""Attention in blocks against `satlib.plain`, against torch's kernels, and by finite differences."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torchgen
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend

from satlib import plain
from satlib.complexity.measured import peak_bytes
from satlib.network import attend, query_blocks, torch_attention
from satlib.network.windows import plan_halves

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


def formula(q, k, v, bias):
    """The page's attention, for tokens with their channels by head."""
    heads = q.shape[2]
    return plain.attend(*(t.flatten(2) for t in (q, k, v)), heads, bias[:, None, None]).unflatten(2, (heads, -1))


def gradients(f, *inputs):
    """The result, and the gradients of a fixed weighting of it."""
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    out = f(*leaves)
    return out, *torch.autograd.grad((out * tensor(*out.shape, seed=9, dtype=out.dtype)).sum(), leaves)


def assert_same(a, b, tolerance=1e-12):
    for x, y in zip(a, b, strict=True):
        torch.testing.assert_close(x, y, rtol=tolerance, atol=tolerance)


@given(
    n_images=st.integers(1, 3),
    n_queries=st.integers(1, 9),
    n_keys=st.integers(1, 6),
    heads=st.integers(1, 3),
    d=st.integers(1, 4),
    e=st.integers(1, 4),
)
def test_attention_to_few_tokens_is_the_formula(n_images, n_queries, n_keys, heads, d, e):
    *qkv, bias = tokens(n_images, n_queries, n_keys, heads, d, e)
    assert_same(gradients(lambda *t: attend.attend(*t, bias), *qkv), gradients(lambda *t: formula(*t, bias), *qkv))


@pytest.mark.parametrize("block", [1, 2, 100])
@pytest.mark.parametrize("n_queries", [1, 2, 7, 150])
def test_attention_to_few_tokens_by_blocks_is_the_formula(monkeypatch, n_queries, block):
    monkeypatch.setattr(query_blocks, "BLOCK_QUERIES", block)
    *qkv, bias = tokens(n_queries=n_queries)
    found = gradients(lambda *t: attend.attend(*t, bias), *qkv)
    assert_same(found, gradients(lambda *t: formula(*t, bias), *qkv))
    assert_same([attend.attend(*qkv, bias)], found[:1])


def test_neither_batch_nor_threads_change_a_block(n_queries=5000):
    """Bit by bit, though the sums over queries are by blocks."""
    *qkv, bias = (t.float() for t in tokens(3, n_queries, 30, 4, 5, 10))
    assert n_queries > query_blocks.BLOCK_QUERIES
    weighting = tensor(3, n_queries, 4, 10, seed=9, dtype=torch.float32)

    def run(images):
        leaves = [t[images].clone().requires_grad_() for t in qkv]
        out = attend.attend(*leaves, bias[images])
        return out, *torch.autograd.grad(out, leaves, weighting[images])

    threads, together = torch.get_num_threads(), run(slice(3))
    try:
        torch.set_num_threads(threads + 1)
        assert_same(run(slice(3)), together, 0)
    finally:
        torch.set_num_threads(threads)
    for i in range(3):
        assert_same(run(slice(i, i + 1)), [t[i : i + 1] for t in together], 0)


def test_attention_of_a_large_image_fills_up_a_block_at_a_time(monkeypatch):
    """The widths of "sat-light": 5 channels and 10 would become 16."""
    q, k, v, bias = (t.float().requires_grad_(i < 3) for i, t in enumerate(tokens(1, 4096, 12, 4, 5, 10)))
    narrow = 4 * q.shape[1] * 4 * (5 + 10)  # bytes of the queries, and of the results

    def backward():
        with torch.enable_grad():
            torch.autograd.grad(attend.attend(q, k, v, bias), (q, k, v), v.new_ones(1, 4096, 4, 10))

    at_once = peak_bytes(backward)
    monkeypatch.setattr(query_blocks, "BLOCK_QUERIES", 128)
    assert peak_bytes(backward) < 2.5 * narrow < at_once


@pytest.mark.parametrize("mask_padding", [True, False])
@pytest.mark.parametrize("grid", [(1, 1), (5, 9), (8, 8), (3, 17)])
def test_window_attention_by_blocks_and_by_torch(monkeypatch, grid, mask_padding):
    qkv, bias, plan = windows(grid, mask_padding=mask_padding)
    by_blocks = gradients(lambda *t: attend.attend_in_windows(*t, plan), qkv, bias)
    without_gradient = attend.attend_in_windows(qkv, bias, plan)
    monkeypatch.setattr(attend, "_way", lambda *_: attend._windows_by_torch)
    by_torch = gradients(lambda *t: attend.attend_in_windows(*t, plan), qkv, bias)
    assert_same(by_blocks, by_torch)
    assert_same([without_gradient], by_torch[:1])


def test_windows_with_a_gradient_of_the_tokens_alone():
    qkv, bias, plan = windows()
    _, expected, _ = gradients(lambda *t: attend.attend_in_windows(*t, plan), qkv, bias)
    _, found = gradients(lambda x: attend.attend_in_windows(x, bias, plan), qkv)
    assert_same([found], [expected])


@pytest.mark.slow
def test_gradients_by_finite_differences():
    *qkv, bias = (t.requires_grad_(i < 3) for i, t in enumerate(tokens()))
    assert torch.autograd.gradcheck(lambda *t: attend.attend(*t, bias), qkv)
    x, position, plan = windows((3, 5))
    inputs = x.requires_grad_(), position.requires_grad_()
    assert torch.autograd.gradcheck(lambda *t: attend.attend_in_windows(*t, plan), inputs)


def test_the_size_of_the_blocks_changes_nothing(monkeypatch):
    *qkv, bias = tokens(n_queries=150)
    x, position, plan = windows((11, 13))
    runs = (lambda *t: attend.attend(*t, bias), qkv), (lambda *t: attend.attend_in_windows(*t, plan), (x, position))
    whole = [gradients(f, *inputs) for f, inputs in runs]
    monkeypatch.setattr(attend, "BLOCK_WEIGHTS", 300)
    monkeypatch.setattr(attend, "BLOCK_NUMBERS", 300)
    monkeypatch.setattr(query_blocks, "BLOCK_QUERIES", 40)
    for expected, (f, inputs) in zip(whole, runs, strict=True):
        assert_same(gradients(f, *inputs), expected)
        assert_same([f(*inputs)], expected[:1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_lower_precision_is_close_to_double(dtype):
    tolerance = 1e-5 if dtype == torch.float32 else 0.03
    *qkv, bias = tokens(d=5, e=10)
    expected = attend.attend(*qkv, bias)
    assert_same([attend.attend(*(t.to(dtype) for t in qkv), bias).double()], [expected], tolerance)
    x, position, plan = windows()
    expected = attend.attend_in_windows(x, position, plan)
    assert_same([attend.attend_in_windows(x.to(dtype), position, plan).double()], [expected], tolerance)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_computes_the_same():
    *qkv, bias = (t.float() for t in tokens(d=5, e=10))
    expected = gradients(lambda *t: attend.attend(*t, bias), *qkv)
    found = gradients(lambda *t: attend.attend(*t, bias.cuda()).cpu(), *(t.cuda() for t in qkv))
    assert_same([t.cpu() for t in found], expected, 1e-4)


def on_cuda(d=19, e=38, dtype=torch.bfloat16):
    """Queries and values that say they are on a GPU, which is all that the choice of a kernel looks at."""
    return tuple(SimpleNamespace(shape=(1, 6, 8, n), dtype=dtype, device=torch.device("cuda")) for n in (d, e))


@pytest.mark.parametrize(
    ("dtype", "masked", "first"),
    [
        (torch.bfloat16, False, SDPBackend.FLASH_ATTENTION),
        (torch.float16, True, SDPBackend.EFFICIENT_ATTENTION),
        (torch.float32, False, SDPBackend.EFFICIENT_ATTENTION),
        (torch.float64, False, SDPBackend.MATH),
    ],
)
def test_the_first_kernel_by_dtype_and_mask(dtype, masked, first):
    assert torch_attention.kernels(dtype, masked=masked)[0] == first
    assert SDPBackend.CUDNN_ATTENTION not in torch_attention.kernels(dtype, masked=masked)


def test_widths_are_what_the_kernels_take():
    assert torch_attention.widths(*on_cuda()) == (40, 40)  # flash: all equal
    assert torch_attention.widths(*on_cuda(dtype=torch.float32)) == (24, 40)  # memory-efficient: values may be wider
    assert torch_attention.widths(*tokens(d=5, e=10)[:3:2]) == (16, 16)
    assert torch_attention.widths(*on_cuda(8, 16)) == (16, 16)


def test_torch_says_which_kernels_give_a_bias_its_gradient():
    """What `satlib.network.torch_attention` says of gradients is what the installed torch was built from."""
    text = (Path(torchgen.__file__).parent / "packaged/autograd/derivatives.yaml").read_text()
    for kernel, gives in (("efficient", True), ("cudnn", False)):
        rule = text[text.index(f"- name: _scaled_dot_product_{kernel}_attention(") :]
        (inputs,) = (x for x in rule.split("\n\n")[0].splitlines() if x.strip().startswith("query, key, value"))
        assert ("attn_bias" in inputs.split(":")[0]) == gives
    assert "_flash_attention(Tensor query, Tensor key, Tensor value, float dropout_p" in text  # no bias at all


@pytest.mark.parametrize("dtype", [DOUBLE, torch.float32, torch.bfloat16, torch.float16])
def test_a_bias_in_channels_is_the_bias(dtype):
    q, k, _, _ = (t.to(dtype) for t in tokens(n_keys=6, d=4))
    bias = torch.tensor(
        [[0.0, 1.0, -torch.inf, 7.123, -3.3, 0.001]] * 2, dtype=torch.promote_types(dtype, torch.float32)
    )
    wide_q, wide_k = torch_attention.with_bias(q, k, bias)
    logits = torch.einsum("bnhd,bkhd->bhnk", wide_q.double(), wide_k.double())
    plain_logits = torch.einsum("bnhd,bkhd->bhnk", q.double(), k.double())
    added = (logits - plain_logits)[0, 0, 0]
    hidden = bias[0].isinf()
    torch.testing.assert_close(added[~hidden], bias[0, ~hidden].double(), rtol=0, atol=1e-4)
    assert (added[hidden].to(torch.float32) - added[~hidden].max()).exp().sum() == 0
    assert wide_q.isfinite().all() and wide_k.isfinite().all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_on_a_gpu_a_fused_kernel_takes_what_it_is_given(monkeypatch, dtype):
    every = torch_attention.kernels
    monkeypatch.setattr(
        torch_attention, "kernels", lambda d, masked: [k for k in every(d, masked=masked) if k != SDPBackend.MATH]
    )
    *qkv, bias = tokens(d=19, e=38)
    leaves = [t.to("cuda", dtype).requires_grad_() for t in qkv]
    attend.attend(*leaves, bias.cuda()).sum().backward()
    x, position, plan = windows((33, 40), (8, 32), heads=3, d=38)
    x, position = (t.to("cuda", dtype).requires_grad_() for t in (x, position))
    plan = plan_halves((33, 40), (8, 32), shifted=True, mask_padding=True, device="cuda")
    attend.attend_in_windows(x, position, plan).sum().backward()
    assert all(t.grad.isfinite().all() for t in (*leaves, x, position))
