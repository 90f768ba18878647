"""The operations of sat.c and attention.c in book/live against torch, checked, at widths that fill no block."""

from collections.abc import Iterator
from hashlib import sha256
from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional
from wasm_kernels import COMMITTED, Kernels, Trap, compiled

from book.live.build import OPERATIONS
from satlib.network.attend import attend, attend_in_windows
from satlib.network.windows import plan_halves

SIZES = st.integers(1, 21)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernels]:
    yield Kernels(compiled(tmp_path_factory.mktemp("live"), checked=True))


def numbers(*shape: int) -> np.ndarray:
    return torch.randn(*shape).numpy()


def empty(*shape: int) -> np.ndarray:
    return np.full(shape, np.nan, np.float32)


def close(found: np.ndarray, wanted: Tensor, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(found, wanted.numpy(), rtol=tolerance, atol=tolerance)


def test_the_committed_module_is_what_the_sources_give(tmp_path: Path) -> None:
    made, committed = (sha256(path.read_bytes()).digest() for path in (compiled(tmp_path, checked=False), COMMITTED))
    assert made == committed, "run `make live`, with the version of ziglang that constraints.txt names"


def test_a_warning_is_an_error_and_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*OPERATIONS, "checks.c", "simd.h"):
        (tmp_path / name).write_text((COMMITTED.parent / name).read_text())
    (tmp_path / "dta.c").write_text('#include "simd.h"\nvoid highest(void);\nvoid highest(void) { int unused; }\n')
    monkeypatch.setattr("book.live.build.HERE", tmp_path)
    with pytest.raises(pytest.fail.Exception, match="unused variable"):
        compiled(tmp_path, checked=False)


@pytest.mark.parametrize("beyond", [1, -1])
def test_the_checked_build_stops_at_what_lies_beyond_an_array(beyond: int, kernels: Kernels) -> None:
    call, store = kernels.exports, kernels.store
    place = call["alloc"](store, 4 * 5)
    call["gelu"](store, 5, place)
    with pytest.raises(Trap):
        call["gelu"](store, 5, place + 4 * beyond)
    call["release"](store, place)
    with pytest.raises(Trap):
        call["gelu"](store, 5, place)


def test_memory_is_bounded_and_says_so(tmp_path: Path) -> None:
    kernels = Kernels(COMMITTED)
    call, store = kernels.exports, kernels.store
    assert call["memory"].type(store).limits.max == 512 * 2**20 // 2**16
    assert call["alloc"](store, 2**28) > 0
    assert call["full"](store) == 0
    for size in (2**28, 2**32 - 1):
        with pytest.raises(Trap):
            call["alloc"](store, size)
        assert call["full"](store) == 1


@given(rows=SIZES, columns=SIZES, inner=SIZES, biased=st.booleans(), adds=st.booleans())
@settings(max_examples=40)
def test_product(rows: int, columns: int, inner: int, biased: bool, adds: bool, kernels: Kernels) -> None:
    a, b, out, bias = (
        numbers(rows, inner + 2),
        numbers(inner, columns + 1),
        numbers(rows, columns + 3),
        numbers(columns),
    )
    wanted = torch.from_numpy(a[:, :inner]) @ torch.from_numpy(b[:, :columns])
    wanted += torch.from_numpy(out[:, :columns] if adds else bias if biased else 0 * bias)
    kernels(
        "product", rows, columns, inner, a, inner + 2, b, columns + 1, out, columns + 3, bias if biased else None, adds
    )
    close(out[:, :columns], wanted)


def test_a_product_leaves_what_stands_beside_it(kernels: Kernels) -> None:
    out = np.zeros((5, 16), np.float32)
    kernels("product", 5, 11, 3, numbers(5, 3), 3, numbers(3, 11), 11, out, 16, None, 0)
    assert (out[:, 11:] == 0).all() and (out[:, :11] != 0).all()


@given(tokens=SIZES, width=SIZES, beside=st.integers(0, 3))
def test_layer_norm(tokens: int, width: int, beside: int, kernels: Kernels) -> None:
    x, y, gain, shift = numbers(tokens, width + beside), empty(tokens, width), numbers(width), numbers(width)
    kernels("layer_norm", tokens, width, x, width + beside, y, width, gain, shift)
    wanted = functional.layer_norm(torch.from_numpy(x[:, :width]), (width,), *map(torch.from_numpy, (gain, shift)))
    close(y, wanted, 1e-4)  # two channels that are almost equal are spread by the epsilon's inverse root


def test_gelu_is_torchs_to_a_millionth(kernels: Kernels) -> None:
    x = np.concatenate([np.linspace(-12, 12, 20011, dtype=np.float32), np.float32([0, -0.0, 1e-30, -1e30, 1e30])])
    wanted = functional.gelu(torch.from_numpy(x))
    kernels("gelu", len(x), x)
    np.testing.assert_allclose(x, wanted.numpy(), rtol=1e-6, atol=1e-6)


@given(tokens=SIZES, width=SIZES)
def test_elementwise(tokens: int, width: int, kernels: Kernels) -> None:
    x, y, gain = numbers(tokens, width), numbers(tokens, width), numbers(width)
    for name, arguments, wanted in (
        ("multiply", lambda z: (tokens, width, z, width, y, width), x * y),
        ("add", lambda z: (tokens, width, z, y, None), x + y),
        ("add", lambda z: (tokens, width, z, y, gain), x + y * gain),
        ("leaky_relu", lambda z: (tokens * width, z), functional.leaky_relu(torch.from_numpy(x), 0.01).numpy()),
    ):
        z = x.copy()
        kernels(name, *arguments(z))
        np.testing.assert_array_equal(z, wanted)


@given(height=SIZES, width=SIZES, channels=st.integers(1, 7), out_channels=st.integers(1, 28))
@settings(max_examples=15)
def test_convolve(height: int, width: int, channels: int, out_channels: int, kernels: Kernels) -> None:
    x, weight, bias = numbers(height, width, channels), numbers(3, 3, channels, out_channels), numbers(out_channels)
    out = empty(height, width, out_channels)
    kernels("convolve", height, width, channels, out_channels, x, out, weight, bias)
    kernel = torch.from_numpy(weight).permute(3, 2, 0, 1)
    wanted = functional.conv2d(torch.from_numpy(x).permute(2, 0, 1), kernel, torch.from_numpy(bias), padding=1)
    close(out, wanted.permute(1, 2, 0))


@given(height=SIZES, width=SIZES, channels=st.integers(1, 9), side=st.sampled_from([1, 3, 5, 7]), beside=SIZES)
@settings(max_examples=15)
def test_depthwise(height: int, width: int, channels: int, side: int, beside: int, kernels: Kernels) -> None:
    x, weight, bias = numbers(height, width, channels + beside), numbers(side, side, channels), numbers(channels)
    out = empty(height, width, channels)
    kernels("depthwise", height, width, channels, side, x, channels + beside, out, weight, bias)
    image, kernel = torch.from_numpy(x[..., :channels]).permute(2, 0, 1), torch.from_numpy(weight).permute(2, 0, 1)
    wanted = functional.conv2d(image, kernel[:, None], torch.from_numpy(bias), padding=side // 2, groups=channels)
    close(out, wanted.permute(1, 2, 0))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_shuffle(scale: int, kernels: Kernels) -> None:
    x, out = numbers(3, 5, 3 * scale**2), empty(3 * scale, 5 * scale, 3)
    kernels("shuffle", 3, 5, 3, scale, x, out)
    wanted = functional.pixel_shuffle(torch.from_numpy(x).permute(2, 0, 1), scale).permute(1, 2, 0)
    np.testing.assert_array_equal(out, wanted.numpy())


@pytest.mark.parametrize("window", [(8, 16), (2, 6), (3, 3), (1, 5)], ids=str)
@pytest.mark.parametrize("grid", [(1, 1), (7, 5), (16, 16), (19, 33)], ids=str)
@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("mask_padding", [False, True])
def test_windows(window, grid, shifted: bool, mask_padding: bool, kernels: Kernels) -> None:
    heads, width, n_tokens, n = 2, 5, prod(grid), prod(window)
    channels = 2 * heads * width
    qkv, bias, out = numbers(n_tokens, 3 * channels), numbers(2, heads, n, n), empty(n_tokens, channels)
    for half, sides in enumerate((window, window[::-1])):
        kernels("windows", *grid, channels, heads, *sides, half, shifted, mask_padding, qkv, bias[half], out)
    plan = plan_halves(grid, window, shifted=shifted, mask_padding=mask_padding)
    close(out, attend_in_windows(torch.from_numpy(qkv)[None], torch.from_numpy(bias), plan)[0])


@pytest.mark.parametrize(("tokens", "keys"), [(1, 1), (5, 3), (70, 8), (150, 37)])
@pytest.mark.parametrize(("heads", "d", "e"), [(1, 1, 1), (4, 5, 10), (2, 8, 16)])
def test_attend(tokens: int, keys: int, heads: int, d: int, e: int, kernels: Kernels) -> None:
    q, k, v = numbers(tokens, heads * d), numbers(keys, heads * d), numbers(keys, heads * e)
    counts = torch.arange(keys) % 4 + (keys == 1)  # every fourth cluster is empty
    bias = counts.float().log()
    out, weights, query = empty(tokens, heads * e), empty(heads, keys), tokens // 2
    kernels("attend", tokens, keys, heads, d, e, q, k, v, bias.clamp(min=-1e9).numpy(), out, query, weights)
    q, k, v = (torch.from_numpy(t).unflatten(-1, (heads, -1))[None] for t in (q, k, v))
    close(out, attend(q, k, v, bias[None])[0].flatten(1))
    logits = torch.einsum("hd,khd->hk", q[0, query], k[0]) / d**0.5 + bias
    close(weights, logits.softmax(-1), 1e-6)
