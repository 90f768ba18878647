"""BT.601 luma against its definition in exact integers and the published values of the primaries."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from satlib.metrics.luma import luma

# 8-bit colours and their Y, from the definition 16 + 65.481 R + 128.553 G + 24.966 B with R, G, B in [0, 1].
PRIMARIES = {
    (0, 0, 0): 16.0,
    (255, 255, 255): 235.0,
    (255, 0, 0): 81.481,
    (0, 255, 0): 144.553,
    (0, 0, 255): 40.966,
    (255, 255, 0): 210.034,
    (51, 51, 51): 59.8,
}


def exact_rounded(red, green, blue):
    """16 + floor((65.481 R + 128.553 G + 24.966 B) / 255 + 1/2), without floating point."""
    return 16 + (65481 * red + 128553 * green + 24966 * blue + 127500) // 255000


@pytest.mark.parametrize(("color", "y"), PRIMARIES.items())
def test_primaries(color, y):
    image = np.array([[color]], dtype=np.uint8)
    assert luma(image) == pytest.approx(y, abs=1e-12)
    assert luma(image, rounded=True).tolist() == [[round(y)]]
    assert luma(image / 255) == pytest.approx(y / 255, abs=1e-15)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_rounding_is_exact(color):
    image = np.array([[color]], dtype=np.uint8)
    y = luma(image, rounded=True)
    assert y.dtype == np.uint8
    assert y[0, 0] == exact_rounded(*color)


def test_rounding_at_every_exact_half():
    red, green, blue = np.meshgrid(*[np.arange(256)] * 3, indexing="ij", sparse=True)
    sums = 65481 * red + 128553 * green + 24966 * blue
    ties = np.argwhere(sums % 255000 == 127500)
    assert len(ties) == 194
    expected = [[exact_rounded(*map(int, color)) for color in ties]]
    assert luma(ties[None].astype(np.uint8), rounded=True).tolist() == expected


@pytest.mark.parametrize("rounded", [False, True])
def test_uint8_and_unit_range_agree(rounded):
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    eight_bit, unit = luma(image, rounded=rounded), luma(image / 255, rounded=rounded)
    assert eight_bit.shape == unit.shape == (9, 7)
    assert eight_bit.dtype == (np.uint8 if rounded else np.float64)
    np.testing.assert_allclose(unit * 255, eight_bit, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rounded", [False, True])
def test_tensors_and_arrays_agree(rounded):
    image = np.random.default_rng(1).random((5, 6, 3))
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    expected = luma(image, rounded=rounded)
    assert luma(tensor, rounded=rounded).shape == (1, 5, 6)
    batch = luma(tensor.expand(4, 3, 5, 6), rounded=rounded)
    assert batch.shape == (4, 1, 5, 6)
    assert (batch.numpy() == expected).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_floating_tensors_keep_their_dtype(dtype):
    y = luma(torch.ones(3, 2, 2, dtype=dtype))
    assert y.dtype == dtype
    np.testing.assert_allclose(y.double(), 235 / 255, rtol=torch.finfo(dtype).eps)


def test_float32_arrays_stay_float32():
    assert luma(np.ones((2, 2, 3), dtype=np.float32)).dtype == np.float32


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1)])
def test_grey_is_its_own_luma(shape):
    gray = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    assert (luma(gray) == gray.reshape(4, 5)).all()
    assert luma(gray).dtype == np.float64
    assert (luma(gray, rounded=True) == gray.reshape(4, 5)).all()
    assert luma(gray, rounded=True).dtype == np.uint8
    unit = np.random.default_rng(3).random(shape)
    assert (luma(unit) == unit.reshape(4, 5)).all()
    np.testing.assert_allclose(luma(unit, rounded=True) * 255, np.rint(unit * 255).reshape(4, 5), atol=1e-12)
    tensor = torch.rand(2, 1, 4, 5)
    assert (luma(tensor) == tensor).all()


def test_gradient_is_the_weights():
    image = torch.rand(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    luma(image).sum().backward()
    weights = torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64) / 255
    torch.testing.assert_close(image.grad, weights.view(3, 1, 1).expand(2, 3, 4, 4), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 2)), r"\(H, W, 3\), got \(4, 4, 2\)$"),
        (np.zeros((4, 4, 4)), r"got \(4, 4, 4\)$"),
        (np.zeros(3), r"got \(3,\)$"),
        (np.zeros((4, 4, 3), dtype=np.int64), "float64, got int64$"),
        (np.zeros((4, 4, 3), dtype=np.uint16), "got uint16$"),
        (torch.zeros(4, 4), r"\(..., 1 or 3, H, W\), got \(4, 4\)$"),
        (torch.zeros(4, 4, 3), r"got \(4, 4, 3\)$"),
        (torch.zeros(3, 4, 4, dtype=torch.int32), "floating dtype, got torch.int32$"),
        ("image.png", "numpy array or a torch tensor, got str$"),
    ],
)
def test_bad_input_is_named(image, message):
    with pytest.raises(ValueError, match=message):
        luma(image)
