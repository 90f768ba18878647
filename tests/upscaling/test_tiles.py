"""Tiles cover an image evenly, their weights add up to one, and blending gives back what does not depend on tiles."""

import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from satlib.upscaling.tiles import run_tiles, tile_starts, tile_weights


def nothing(done: int, total: int) -> None:
    """Report nowhere."""


@given(st.integers(1, 400), st.integers(16, 200), st.integers(0, 60))
def test_tiles_cover_an_axis_with_at_least_the_overlap(length, tile, overlap):
    assume(tile > 2 * overlap)
    starts = tile_starts(length, tile, overlap)
    if tile >= length:
        assert starts == [0]
        return
    assert starts[0] == 0
    assert starts[-1] == length - tile
    assert all(later - earlier <= tile - overlap for earlier, later in zip(starts, starts[1:], strict=False))
    fewer = len(starts) - 1
    assert fewer * tile - (fewer - 1) * overlap < length  # one tile less would not reach


@given(st.integers(1, 200), st.integers(16, 64), st.integers(0, 31), st.integers(1, 4))
def test_weights_are_a_smooth_partition_of_one(length, tile, overlap, scale):
    assume(tile > 2 * overlap)
    tile = min(tile, length)
    starts = [scale * start for start in tile_starts(length, tile, overlap)]
    weights = tile_weights(length * scale, starts, tile * scale, overlap * scale)
    total = torch.zeros(length * scale, dtype=torch.float64)
    for start, weight in zip(starts, weights, strict=True):
        total[start : start + tile * scale] += weight
    assert (weights > 0).all()
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-12)
    if overlap * scale >= 16:
        assert weights.diff(dim=1).abs().max() < 0.25  # no step from one pixel to the next
        assert all(weight[0] < 0.02 for weight in weights[1:])  # a tile fades in from nothing


def test_known_weights_of_two_tiles():
    weights = tile_weights(12, [0, 4], 8, 4)
    rise = torch.sin(torch.pi / 2 * torch.tensor([0.5, 1.5, 2.5, 3.5], dtype=torch.float64) / 4).square()
    ones = torch.ones(4, dtype=torch.float64)
    torch.testing.assert_close(weights[0], torch.cat((ones, rise.flip(0))))
    torch.testing.assert_close(weights[1], torch.cat((rise, ones)))


@given(st.integers(1, 70), st.integers(1, 70), st.integers(16, 40), st.integers(0, 7), st.sampled_from([1, 2, 3]))
def test_what_works_on_each_pixel_alone_does_not_notice_the_tiles(height, width, tile, overlap, scale):
    image = torch.rand(3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    shapes = set()

    def repeat(x: torch.Tensor) -> torch.Tensor:
        shapes.add(x.shape)
        return x.repeat_interleave(scale, 1).repeat_interleave(scale, 2)

    tiled = run_tiles(image, repeat, scale=scale, tile=tile, overlap=overlap, report=nothing)
    torch.testing.assert_close(tiled, image.repeat_interleave(scale, 1).repeat_interleave(scale, 2), rtol=0, atol=1e-12)
    assert len(shapes) == 1  # all tiles have one size


def test_one_tile_is_the_function_itself_bit_for_bit():
    image = torch.rand(3, 20, 30)
    out = run_tiles(image, lambda x: x * 0.1 + 0.7, scale=1, tile=30, overlap=8, report=nothing)
    assert torch.equal(out, image * 0.1 + 0.7)


def test_every_tile_is_reported():
    calls = []
    run_tiles(torch.rand(3, 40, 30), lambda x: x, scale=1, tile=16, overlap=2, report=lambda *call: calls.append(call))
    total = 3 * 2
    assert calls == [(done, total) for done in range(total + 1)]
