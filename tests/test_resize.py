"""imresize against exact fractions, hand-derived weights and its own invariants.

The bicubic tables of the field, the outside check of the same function, are in metrics/test_fidelity.py.
"""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from satlib.resize import imresize

GOLDEN = Path(__file__).parent / "golden" / "bicubic_weights.txt"
HALF = Fraction(1, 2)
SCALES = st.builds(Fraction, st.integers(1, 5), st.integers(1, 5))


def cubic(x):
    x = abs(x)
    if x <= 1:
        return Fraction(3, 2) * x**3 - Fraction(5, 2) * x**2 + 1
    return -HALF * x**3 + Fraction(5, 2) * x**2 - 4 * x + 2 if x <= 2 else Fraction(0)


def mirrored(position, length):
    while not 0 <= position < length:
        position = -1 - position if position < 0 else 2 * length - 1 - position
    return position


def reference_line(line, scale, new_length):
    stretch = min(scale, Fraction(1))
    out = []
    for j in range(new_length):
        center = (j + HALF) / scale - HALF
        total = weights = Fraction(0)
        for position in range(math.floor(center - 2 / stretch), math.ceil(center + 2 / stretch) + 1):
            weight = cubic(stretch * (center - position))
            weights += weight
            total += weight * line[mirrored(position, len(line))]
        out.append(total / weights)
    return out


def reference(image, scale):
    """The definition, pixel by pixel in exact fractions: rows of an (H, W) image, then its columns."""
    height, width = (math.ceil(n * scale) for n in image.shape)
    exact = [[Fraction(v) for v in row] for row in image.tolist()]
    wide = [reference_line(row, scale, width) for row in exact]
    columns = [reference_line(column, scale, height) for column in zip(*wide, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


def golden_rows():
    for line in GOLDEN.read_text().splitlines():
        if not line.startswith("#"):
            scale, phase, first, denominator, *weights = line.split()
            yield pytest.param(
                Fraction(scale),
                int(phase),
                int(first),
                [int(w) / int(denominator) for w in weights],
                id=f"{scale}-{phase}",
            )


@pytest.mark.parametrize(("scale", "phase", "first", "weights"), list(golden_rows()))
def test_weights_are_the_hand_derived_ones(scale, phase, first, weights):
    length, i = 60, 7
    matrix = imresize(np.eye(length), size=(int(length * scale), length))  # rows: the weights of each sample
    expected = np.zeros(length)
    start = scale.denominator * i + first
    expected[start : start + len(weights)] = weights
    np.testing.assert_allclose(matrix[scale.numerator * i + phase], expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("line", "scale", "expected"),
    [
        ((0, 128), 2, (-12, 26, 102, 140)),
        ((256, 0, 0), 0.5, (140, -24)),
        ((0, 256, 0), 0.5, (99, 58)),
        ((0, 0, 256), 0.5, (17, 222)),
    ],
)
def test_edges_are_mirrored(line, scale, expected):
    column = np.array(line, dtype=np.float64)[:, None]
    np.testing.assert_allclose(imresize(column, scale)[:, 0], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(imresize(column.T, scale)[0], expected, rtol=0, atol=1e-12)


@settings(max_examples=80, deadline=None)
@given(st.data(), SCALES)
def test_float_images_against_exact_fractions(data, scale):
    shape = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    image = data.draw(hnp.arrays(np.float64, shape, elements=st.integers(-1000, 1000).map(float)))
    expected = np.array(reference(image, scale), dtype=np.float64)
    out = imresize(image, float(scale))
    assert out.dtype == np.float64
    assert out.shape == expected.shape
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-10)


@settings(max_examples=80, deadline=None)
@given(st.data(), SCALES)
def test_integers_are_rounded_once_halves_up_and_clipped(data, scale):
    dtype = data.draw(st.sampled_from((np.uint8, np.uint16)))
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    top = np.iinfo(dtype).max
    image = data.draw(hnp.arrays(dtype, shape, elements=st.sampled_from((0, 1, 2, 100, top - 1, top))))
    out = imresize(image, float(scale))
    assert out.dtype == dtype
    dyadic = {scale.numerator, scale.denominator} <= {1, 2, 4}  # then float64 is exact, ties included
    for row, exact_row in zip(out.tolist(), reference(image, scale), strict=True):
        for value, exact in zip(row, exact_row, strict=True):
            tie = abs((exact - HALF) - round(exact - HALF)) < Fraction(1, 10**9)
            slack = 1 if tie and not dyadic else 0
            assert abs(value - min(max(math.floor(exact + HALF), 0), top)) <= slack


def test_halves_go_up_not_to_even():
    for a in range(5):
        assert imresize(np.array([[a, a + 1]], dtype=np.uint8), size=(1, 1)).tolist() == [[a + 1]]


def test_integers_are_clipped_and_floats_are_not():
    edge = np.zeros((8, 8))
    edge[:, 4:] = 255
    bare = imresize(edge, 2)
    assert bare.min() < -5
    assert bare.max() > 260
    assert (imresize(edge.astype(np.uint8), 2) == np.clip(np.floor(bare + 0.5), 0, 255)).all()


@pytest.mark.parametrize("factor", range(1, 12))
def test_reciprocal_scales_give_whole_sizes(factor):
    for pixels in range(1, 60):
        line = np.zeros((1, factor * pixels), dtype=np.float32)
        assert imresize(line, 1 / factor).shape == (1, pixels)
        assert imresize(line[:, :pixels], factor).shape == (factor, factor * pixels)


@pytest.mark.parametrize(
    ("length", "scale", "expected"),
    [
        (30, 0.1, 3),  # 0.1 * 30 = 3.0000000000000004
        (10, 1.1, 11),  # 11.000000000000002
        (10, 1 / 3, 4),
        (5, 0.5, 3),
        (7, 1.5, 11),
        (3, 1e-3, 1),
        (300, Fraction(1, 3), 100),
        (300, np.float64(1 / 3), 100),
        (4, 1.001, 5),
    ],
)
def test_output_size_is_the_ceiling(length, scale, expected):
    assert imresize(np.zeros((length, 1)), scale).shape[0] == expected


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.05, 5), st.floats(-9, 9))
def test_constant_images_stay_constant(height, width, scale, value):
    out = imresize(np.full((height, width, 2), value), scale)
    assert out.shape[2] == 2
    np.testing.assert_allclose(out, value, rtol=0, atol=1e-12)


def test_scale_one_changes_nothing():
    image = np.random.default_rng(0).integers(0, 65536, (9, 5, 3)).astype(np.uint16)
    assert (imresize(image, 1) == image).all()
    assert (imresize(image / 7, 1.0) == image / 7).all()


@pytest.mark.parametrize("scale", [3, 0.4, 1 / 3])
def test_transposed_and_flipped_images(scale):
    image = np.random.default_rng(1).random((14, 9))
    out = imresize(image, scale)
    np.testing.assert_allclose(imresize(image.T, scale), out.T, rtol=0, atol=1e-14)
    if (np.array(out.shape) == np.array(image.shape) * scale).all():
        np.testing.assert_allclose(imresize(image[::-1, ::-1], scale), out[::-1, ::-1], rtol=0, atol=1e-14)


@pytest.mark.parametrize("size", [(4, 30), (30, 4), (1, 1), (12, 20)])
def test_an_explicit_size_scales_each_axis_alone(size):
    image = np.random.default_rng(2).random((12, 20))
    out = imresize(image, size=size)
    assert out.shape == size
    columns = np.stack([imresize(c[:, None], size=(size[0], 1))[:, 0] for c in image.T], axis=1)
    rows = np.stack([imresize(r[None], size=(1, size[1]))[0] for r in columns])
    np.testing.assert_allclose(out, rows, rtol=0, atol=1e-13)


def test_channels_and_batches_are_resized_one_by_one():
    image = np.random.default_rng(3).random((10, 7, 4))
    out = imresize(image, 0.6)
    planes = np.stack([imresize(image[..., c], 0.6) for c in range(4)], axis=-1)
    assert (out == planes).all()
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    for layout in (tensor, tensor.view(2, 2, 10, 7)):
        resized = imresize(layout, 0.6)
        assert resized.shape[:-2] == layout.shape[:-2]
        assert (resized.reshape(4, 6, 5).permute(1, 2, 0).numpy() == out).all()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float16, 1e-3), (torch.bfloat16, 8e-3)])
def test_tensors_keep_their_dtype(dtype, tolerance):
    image = torch.rand(2, 3, 9, 8, generator=torch.Generator().manual_seed(0)).to(dtype)
    out = imresize(image, 1.7)
    assert out.dtype == dtype
    np.testing.assert_allclose(out.double(), imresize(image.double(), 1.7), rtol=0, atol=tolerance)


def test_float32_arrays_are_computed_in_float64():
    image = np.random.default_rng(4).random((16, 16)).astype(np.float32)
    out = imresize(image, 1 / 3)
    assert out.dtype == np.float32
    assert (out == imresize(image.astype(np.float64), 1 / 3).astype(np.float32)).all()


@pytest.mark.parametrize("scale", [2, 1 / 3, 0.7])
def test_gradient_is_the_adjoint(scale):
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(1, 2, 7, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: imresize(x, scale), (x,))


def test_output_is_on_the_device_of_the_input():
    out = imresize(torch.zeros(1, 3, 8, 6, device="meta"), 0.5)
    assert out.device.type == "meta"
    assert out.shape == (1, 3, 4, 3)


@pytest.mark.parametrize("scale", [2, 3, 1 / 2, 1 / 3, 1 / 4])
def test_interior_agrees_with_pillow(scale):
    """Pillow has the same kernel and antialiasing, but cuts the kernel at the edges instead of mirroring."""
    image = np.random.default_rng(7).random((48, 60)).astype(np.float32)
    out = imresize(image, scale)
    pillow = np.asarray(Image.fromarray(image).resize(out.shape[::-1], Image.Resampling.BICUBIC))
    rim = math.ceil(2 * max(scale, 1))
    keep = slice(rim, -rim), slice(rim, -rim)
    np.testing.assert_allclose(out[keep], pillow[keep], rtol=0, atol=1e-5)


def test_input_may_be_a_view_and_is_left_alone():
    image = np.random.default_rng(5).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    image.flags.writeable = False
    kept = image.copy()
    assert (imresize(image[::-1, ::2], 2) == imresize(np.ascontiguousarray(image[::-1, ::2]), 2)).all()
    tensor = torch.rand(3, 5, 5)
    before = tensor.clone()
    imresize(tensor, 1)[:] = 0
    assert (image == kept).all()
    assert (tensor == before).all()


def test_long_lines_need_no_dense_matrix():
    line = np.random.default_rng(6).integers(0, 256, (1, 200_000), dtype=np.uint8)
    out = imresize(line, size=(1, 100_000))  # a dense float64 matrix would take 160 GB
    part = imresize(line[:, :2000], size=(1, 1000))
    assert (out[0, :990] == part[0, :990]).all()


ARRAY = np.zeros((4, 4))


@pytest.mark.parametrize(
    ("image", "scale", "message"),
    [
        (ARRAY, 0, "scale must be .* got 0$"),
        (ARRAY, -2, "got -2$"),
        (ARRAY, float("nan"), "got nan$"),
        (ARRAY, float("inf"), "got inf$"),
        (ARRAY, 1e-6, "from 1e-05 to 100000, got 1e-06$"),
        (ARRAY, True, "got True$"),
        (ARRAY, "2", "got '2'$"),
        (ARRAY, None, "either scale or size, got scale=None and size=None$"),
        (np.zeros((0, 4)), 2, r"pixels, got shape \(0, 4\)$"),
        (torch.zeros(1, 3, 4, 0), 2, r"pixels, got shape \(1, 3, 4, 0\)$"),
        (np.zeros(4), 2, r"shape \(H, W\) or \(H, W, C\), got \(4,\)$"),
        (np.zeros((1, 4, 4, 3)), 2, r"got \(1, 4, 4, 3\)$"),
        (torch.zeros(4, 4), 2, r"shape \(C, H, W\) or \(B, C, H, W\), got \(4, 4\)$"),
        (ARRAY.astype(np.int32), 2, "float64, got int32$"),
        (ARRAY.astype(bool), 2, "got bool$"),
        (ARRAY.astype(complex), 2, "got complex128$"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), 2, "floating dtype, got torch.uint8$"),
        ([[1.0]], 2, "numpy array or a torch tensor, got list$"),
    ],
)
def test_bad_input_is_named(image, scale, message):
    with pytest.raises(ValueError, match=message):
        imresize(image, scale)


@pytest.mark.parametrize("size", [(0, 4), (4,), (4, 4, 3), (2.5, 4), (-1, 4), 4])
def test_bad_sizes_are_named(size):
    with pytest.raises(ValueError, match="size must be two positive integers .* got"):
        imresize(ARRAY, size=size)
    with pytest.raises(ValueError, match=r"give either scale or size, got scale=2 and size=\(8, 8\)$"):
        imresize(ARRAY, 2, size=(8, 8))
