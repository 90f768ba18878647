"""What an output pixel depends on, against networks whose receptive field is known."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from listening import listener
from torch import Tensor, nn

from satlib.analysis.attribution import Square, attribution
from satlib.analysis.influence import effective_receptive_field, influence, moved, share_side
from satlib.analysis.occlusion import occlusion
from satlib.network.model import SAT
from satlib.upscaling.models import Bicubic
from tests.small_upscalers import IMAGE, Net, tiny

PLACE = (7, 11)


def test_of_a_linear_network_every_image_has_one_field() -> None:
    model = Net(nn.Identity())
    field = influence(model, IMAGE, PLACE)
    images = torch.rand(3, 3, 16, 24, dtype=torch.float64)
    told: list[tuple[int, int]] = []
    found = effective_receptive_field(model, images, PLACE, progress=listener(told))
    torch.testing.assert_close(found, field)
    assert told == [(1, 3), (2, 3), (3, 3)]
    rows, columns = field.nonzero().unbind(1)
    assert (int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())) == (5, 9, 9, 13)
    assert share_side(field, PLACE, 1.0) == 5


def test_gradients_are_taken_in_inference_mode_too() -> None:
    model, square = tiny(), Square(4, 4, 6)
    field, shares = influence(model, IMAGE, PLACE), attribution(model, IMAGE, square, steps=2).map
    with torch.inference_mode():
        image = IMAGE.clone()
        assert torch.equal(influence(model, image, PLACE), field)
        assert torch.equal(attribution(model, image, square, steps=2).map, shares)


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda model: torch.compile(model, backend="eager")])
def test_networks_in_wrappers_names_and_others(wrap: Callable[[nn.Module], nn.Module]) -> None:
    square, image = Square(4, 4, 6), IMAGE.float()
    looks: list[Callable[[Any], Tensor]] = [
        lambda model: influence(model, image, PLACE),
        lambda model: effective_receptive_field(model, image[None], PLACE),
        lambda model: moved(model, image, PLACE),
        lambda model: attribution(model, image, square, steps=1).map,
        lambda model: occlusion(model, image, square, part=12),
    ]
    for look in looks:
        assert torch.equal(look(wrap(tiny())), look(tiny()))
        assert torch.equal(look("bicubic-x2"), look(Bicubic(2)))
        with pytest.raises(ValueError, match="model must be a SAT .*, got Linear"):
            look(nn.Linear(2, 2))


def test_the_field_is_the_mean_over_images() -> None:
    model, images = Net(nn.ReLU()), torch.rand(2, 3, 16, 24, dtype=torch.float64)
    each = torch.stack([influence(model, image, PLACE) for image in images])
    torch.testing.assert_close(effective_receptive_field(model, images, PLACE), each.mean(0))


@pytest.mark.parametrize("scale", [2, 3])
def test_bicubic_depends_on_four_pixels_in_each_direction(scale: int) -> None:
    field = influence(Bicubic(scale), IMAGE, PLACE)
    weights = Bicubic(scale)(torch.eye(24)[:, None, None].expand(-1, 3, 16, -1))[:, 0, 0, PLACE[1] * scale]
    rows = Bicubic(scale)(torch.eye(16)[:, None, :, None].expand(-1, 3, -1, 24))[:, 0, PLACE[0] * scale, 0]
    expected = torch.outer(rows, weights).abs() * 3**0.5
    torch.testing.assert_close(field, expected.to(field), rtol=1e-5, atol=1e-7)
    assert int((field > 1e-9).sum()) == 16


def test_what_a_pixel_moves_is_the_other_way_round() -> None:
    model = Net(nn.Identity())
    found = moved(model, IMAGE, PLACE, step=1e-3)
    rows, columns = found.nonzero().unbind(1)
    assert (int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())) == (10, 19, 18, 27)

    slopes = [influence_of_colors(model, y, x) for y, x in ((10, 18), (14, 22), (15, 24))]
    for (y, x), slope in zip(((10, 18), (14, 22), (15, 24)), slopes, strict=True):
        assert float(found[y, x]) == pytest.approx(slope, rel=1e-9)


def influence_of_colors(model: Net, y: int, x: int) -> float:
    """Return how fast the three colours of an output pixel move when an input pixel brightens, by gradients."""
    image = IMAGE.clone().requires_grad_()
    out = model(image[None])[0, :, y, x]
    rates = [torch.autograd.grad(color, image, retain_graph=True)[0][:, PLACE[0], PLACE[1]].sum() for color in out]
    return float(torch.stack(rates).norm())


def test_a_pixel_stays_in_range() -> None:
    seen: list[Tensor] = []

    class Watch(SAT):
        def forward(self, x: Tensor, *rest: object, **named: object) -> Tensor:
            seen.append(x)
            return x.repeat_interleave(2, 2).repeat_interleave(2, 3)

    white = torch.ones(3, 8, 8)
    white[:, 0, 0] = 0.5
    found = moved(Watch(tiny().config), white, (3, 3))
    assert float(seen[0].max()) == 1 and torch.allclose(found[6:8, 6:8], torch.full((2, 2), 3**0.5))
    moved(Watch(tiny().config), white, (0, 0))
    assert float(seen[1][1, 0, 0, 0]) == pytest.approx(0.5 + 1 / 255)


def test_the_side_of_a_share_by_loops() -> None:
    field = torch.rand(9, 13, dtype=torch.float64)
    for place in ((4, 6), (0, 0), (8, 3)):
        for share in (0.01, 0.3, 0.5, 0.9, 1.0):
            side = share_side(field, place, share)

            def inside(side: int, place: tuple[int, int] = place) -> float:
                r = side // 2
                rows = slice(max(0, place[0] - r), place[0] + r + 1)
                return float(field[rows, max(0, place[1] - r) : place[1] + r + 1].sum() / field.sum())

            assert side % 2 == 1 and inside(side) >= share - 1e-9
            assert side == 1 or inside(side - 2) < share


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(ValueError, match=r"place must be in an image of 16 x 24, got \(16, 0\)"):
        moved(Bicubic(2), IMAGE, (16, 0))
    with pytest.raises(ValueError, match="step must be another number than 0, got 0"):
        moved(Bicubic(2), IMAGE, PLACE, step=0)
    with pytest.raises(ValueError, match="place must be an integer, got 2.5"):
        influence(Bicubic(2), IMAGE, (2.5, 0))
    with pytest.raises(ValueError, match=r"images must be \(n, 3, H, W\), got \(3, 16, 24\)"):
        effective_receptive_field(Bicubic(2), IMAGE, PLACE)
    with pytest.raises(ValueError, match=r"share must be in \(0, 1\], got 0"):
        share_side(torch.ones(3, 3), (1, 1), 0)
    with pytest.raises(ValueError, match=r"the map must be of at least 1 x 1, got \(0, 3\)"):
        share_side(torch.ones(0, 3), (0, 0), 0.5)
    for empty in (torch.zeros(3, 3), -torch.ones(3, 3)):
        with pytest.raises(ValueError, match="the map's extremes must be 0 or more, not both 0"):
            share_side(empty, (1, 1), 0.5)
