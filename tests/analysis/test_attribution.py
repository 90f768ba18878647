"""Attribution maps against closed forms of linear networks, slow loops, and occlusion; at sizes from 1x1 up."""

import math

import numpy as np
import pytest
import torch
from listening import listener
from scipy.ndimage import gaussian_filter
from torch import nn

from satlib import samples
from satlib.analysis.attribution import Attribution, Square, attribution, blurred, measured
from satlib.analysis.occlusion import occlusion
from satlib.analysis.statistics import gini
from satlib.analysis.swapping import Swapped, swapped
from satlib.images.degradation import low_resolution
from satlib.upscaling.models import Bicubic
from tests.small_upscalers import IMAGE, Net, tiny

SQUARE = Square(9, 20, 6)


@pytest.mark.parametrize("model", [Bicubic(2), Bicubic(3), Net(nn.Identity())], ids=["x2", "x3", "convolutions"])
def test_of_a_linear_network_it_is_gradient_times_what_was_blurred(model: Bicubic | Net) -> None:
    x = IMAGE.clone().requires_grad_()
    (slope,) = torch.autograd.grad(measured(model(x[None]), SQUARE, "brightness").sum(), x)
    expected = (slope * (IMAGE - blurred(IMAGE, 1.2))).sum(0)
    for steps, batch in ((1, 1), (7, 3)):
        found = attribution(model, IMAGE, SQUARE, objective="brightness", steps=steps, batch=batch)
        torch.testing.assert_close(found.map, expected, rtol=0, atol=1e-6 if isinstance(model, Bicubic) else 1e-12)
        assert found.missing < (1e-4 if isinstance(model, Bicubic) else 1e-12)  # an empty weight is float32


def test_it_gets_complete_as_the_square_of_the_steps() -> None:
    model = Net(nn.Softplus(beta=20))
    errors = [attribution(model, IMAGE, SQUARE, objective="brightness", steps=n).missing for n in (8, 16, 32, 64)]
    assert all(3 < a / b < 5 for a, b in zip(errors, errors[1:], strict=False))
    assert attribution(model, IMAGE, SQUARE, steps=200).missing < 1e-3


def test_nothing_beyond_the_receptive_field_is_owed_anything() -> None:
    found = attribution(Net(nn.ReLU()), IMAGE, SQUARE, steps=3).map != 0
    first, last = (
        (SQUARE.row // 2 - 2, SQUARE.column // 2 - 2),
        ((SQUARE.row + 5) // 2 + 2, (SQUARE.column + 5) // 2 + 2),
    )
    inside = torch.zeros_like(found)
    inside[first[0] : last[0] + 1, first[1] : last[1] + 1] = True
    assert torch.equal(found & inside, found) and found.sum() > 0.9 * inside.sum()


def test_occlusion_of_a_linear_network_is_the_attribution_of_the_part() -> None:
    model = Net(nn.Identity())
    owed = attribution(model, IMAGE, SQUARE, objective="brightness", steps=1).map
    lost = occlusion(model, IMAGE, SQUARE, part=5, objective="brightness", batch=4)
    for y in range(0, 16, 5):
        for x in range(0, 24, 5):
            part = (slice(y, y + 5), slice(x, x + 5))
            assert float(lost[part].sum()) == pytest.approx(float(owed[part].sum()), abs=1e-12)
            assert lost[part].unique().numel() == 1


def test_the_detail_of_a_square_by_loops() -> None:
    out = torch.rand(2, 3, 12, 14, dtype=torch.float64)
    row, column, side = 3, 5, 4
    for image, found in zip(out, measured(out, Square(row, column, side), "detail"), strict=True):
        total = 0.0
        for color in image.tolist():
            for i in range(row, row + side - 1):
                for j in range(column, column + side - 1):
                    total += math.hypot(color[i + 1][j] - color[i][j], color[i][j + 1] - color[i][j])
        assert float(found) == pytest.approx(total, rel=1e-12)


def test_a_flat_image_owes_nothing_and_has_a_slope() -> None:
    flat = torch.full((3, 8, 9), 0.4, dtype=torch.float64)
    found = attribution(Bicubic(2), flat, Square(0, 0, 16), steps=2)
    assert found.map.isfinite().all() and found.gained == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (9, 16)])
@pytest.mark.parametrize("sigma", [0.3, 1.2, 5.0])
def test_the_blur_is_scipys(size: tuple[int, int], sigma: float) -> None:
    image = torch.rand(3, *size, dtype=torch.float64)
    radius = math.ceil(4 * sigma)
    expected = [gaussian_filter(plane, sigma, mode="reflect", radius=radius) for plane in image.numpy()]
    np.testing.assert_allclose(blurred(image, sigma).numpy(), np.stack(expected), rtol=0, atol=1e-12)
    assert torch.equal(blurred(image, 0), image)


def test_the_gini_coefficient_by_loops() -> None:
    values = np.random.default_rng(0).random(23) ** 3
    n, mean = len(values), values.mean()
    slow = sum(abs(a - b) for a in values for b in values) / (2 * n * n * mean)
    assert gini(values) == pytest.approx(slow, rel=1e-12)
    assert gini([3, 3, 3]) == 0 == gini([0, 0]) and gini([0, 0, 0, 5]) == pytest.approx(0.75)
    for wrong in ([], [1, -1], [float("nan")]):
        with pytest.raises(ValueError, match="not negative"):
            gini(wrong)


def test_the_diffusion_index_is_that_of_the_paper() -> None:
    even, one = torch.ones(4, 5), torch.zeros(4, 5)
    one[2, 3] = -2
    assert Attribution(even, 20).diffusion_index == pytest.approx(100)
    assert Attribution(one, -2).diffusion_index == pytest.approx(5)
    assert Attribution(one, -2).missing == 0 and Attribution(one, -4).missing == 0.5


def test_a_network_with_saa_is_taken_in_any_mode_and_batch_and_left_as_it_was() -> None:
    model, image, told = tiny(), IMAGE.float(), []
    found = attribution(model, image, SQUARE, steps=5, batch=2, progress=listener(told))
    assert model.training and told == [(2, 5), (4, 5), (5, 5)]
    again = attribution(model.eval(), image, SQUARE, steps=5, batch=5)
    torch.testing.assert_close(found.map, again.map, rtol=1e-4, atol=1e-7)
    assert found.gained == again.gained and found.map.dtype == torch.float64
    assert all(p.grad is None for p in model.parameters())


def test_a_network_that_reads_another_images_tokens_is_one_like_others() -> None:
    model, image, other = tiny().eval(), IMAGE.float(), low_resolution(samples.load("brick"), side=20)
    foreign = Swapped(model, other)
    torch.testing.assert_close(foreign(image[None])[0], swapped(model, image, other))
    assert foreign.name == "SAT x2, another's tokens" and foreign.n_params == model.n_params
    assert attribution(foreign, image, SQUARE, steps=4, batch=3).map.shape == (16, 24)
    assert not torch.equal(foreign(image[None])[0], model(image[None])[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"square": Square(27, 0, 6)}, r"square must be in an output of 32 x 48 pixels, .* got \(27, 0, 6\)"),
        ({"square": Square(0, 0, 1)}, "at least 2 x 2"),
        ({"image": IMAGE[0]}, r"image must be \(3, H, W\), got \(16, 24\)"),
        ({"square": Square(1, 2.5, 6)}, "square must be an integer, got 2.5"),
        ({"sigma": 0.0}, "sigma must be positive, got 0.0"),
        ({"sigma": float("inf")}, "sigma must be positive, got inf"),
        ({"batch": 2.0}, "batch must be an integer, got 2.0"),
        ({"steps": 0}, r"steps and batch must be at least 1, got \(0, 10\)"),
        ({"objective": "sharpness"}, "objective must be one of detail, brightness, got 'sharpness'"),
    ],
)
def test_what_cannot_be_is_named(options: dict[str, object], message: str) -> None:
    given = {"image": IMAGE, "square": SQUARE, **options}
    with pytest.raises(ValueError, match=message):
        attribution(Bicubic(2), **given)
    if "steps" not in options:
        with pytest.raises(ValueError, match=message):
            occlusion(Bicubic(2), **given)


def test_parts_of_an_occlusion_are_checked() -> None:
    with pytest.raises(ValueError, match=r"part and batch must be at least 1, got \(0, 10\)"):
        occlusion(Bicubic(2), IMAGE, SQUARE, part=0)
