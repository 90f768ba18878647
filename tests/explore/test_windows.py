"""The explorer of local windows, held against the network's own masks and biases."""

import pytest
import torch
from explorers import PHOTO, tiny

from satlib import SATConfig, explore
from satlib.analysis.position_bias import bias_map, position_tables
from satlib.analysis.receptive_field import in_windows, readable
from satlib.network.attention import PositionBias

GRID = (24, 32)


def by_hand(window: tuple[int, int], token: int, shifted: bool) -> tuple[set[int], set[int]]:
    """Return what a token reads in its window of an image whose sides fit, and what the mask hides, by a slow loop."""
    shift = (window[0] // 2, window[1] // 2) if shifted else (0, 0)

    def place(token: int) -> tuple[tuple[int, ...], tuple[bool, ...]]:
        at = divmod(token, GRID[1])
        rolled = [(one - by) % side for one, by, side in zip(at, shift, GRID, strict=True)]
        window_of = tuple(one // side for one, side in zip(rolled, window, strict=True))
        return window_of, tuple(one < by for one, by in zip(at, shift, strict=True))

    own = place(token)
    together = {other for other in range(GRID[0] * GRID[1]) if place(other)[0] == own[0]}
    read = {other for other in together if place(other)[1] == own[1]}
    return read, together - read


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("token", [0, 31, 12 * 32 + 16, 24 * 32 - 1])
def test_what_is_read_and_what_is_hidden_equal_a_slow_loop(token: int, shifted: bool) -> None:
    config = SATConfig.preset("sat-tiny", 2, window=(4, 8))
    found = in_windows(GRID, config, token, shifted=shifted)
    for number, window in enumerate(((4, 8), (8, 4))):
        read, hidden = by_hand(window, token, shifted)
        assert set(found.read[number].nonzero().flatten().tolist()) == read
        assert set(found.hidden[number].nonzero().flatten().tolist()) == hidden
    assert torch.equal(found.read, readable(GRID, config, token, shifted=shifted))
    assert bool(found.hidden.any()) == (shifted and token != 12 * 32 + 16)


def test_a_token_outside_of_the_image_is_named() -> None:
    with pytest.raises(ValueError, match=r"token must lie in 0\.\.767, got 768"):
        in_windows(GRID, SATConfig.preset("sat-tiny", 2), 768, shifted=False)


def test_the_map_has_the_bias_that_attention_adds() -> None:
    model = tiny()
    table = position_tables(model, 1)[1][0]  # (2 * 8 - 1, 2 * 4 - 1)
    token = 9 * 32 + 6  # in the high window of rows 8 to 15 and columns 4 to 7
    read = in_windows(GRID, model.config, token, shifted=False).read[1]
    drawn = bias_map(table, read, token, GRID)
    bias = [module for module in model.modules() if isinstance(module, PositionBias)][3]
    with torch.inference_mode():
        expected = bias()[0]  # (n, n) of the first head
    torch.testing.assert_close(drawn[8:16, 4:8].flatten(), expected[1 * 4 + 2])
    assert int(drawn.isnan().sum()) == 24 * 32 - 32


def test_knobs_choose_block_head_and_pixel() -> None:
    explorer = explore.windows(tiny(), PHOTO)
    assert [label for label, _ in explorer.block.options] == ["block 1", "block 2, shifted", "block 3"]
    assert [label for label, _ in explorer.head.options] == ["head 1, 4 × 8", "head 2, 8 × 4"]
    assert "windows in place: 32 pixels are read in the wide window, 32 in the high one, 48 in both" in (
        explorer.numbers.value
    )
    assert "nothing is masked" in explorer.numbers.value
    pictures = [picture.value for picture in explorer.pictures]
    explorer.photo.clicked = (0.001, 0.001)
    explorer.block.value = 1
    assert explorer.token == 0
    assert "windows shifted: 8 pixels are read in the wide window, 8 in the high one" in explorer.numbers.value
    assert f"the mask hides {int(explorer.found.hidden.any(0).sum())}" in explorer.numbers.value
    wide = explorer.bias
    explorer.head.value = 1
    assert not torch.equal(wide.isnan(), explorer.bias.isnan()), "the other orientation"
    assert all(old != new.value for old, new in zip(pictures, explorer.pictures, strict=True))


def test_patches_have_no_windows() -> None:
    with pytest.raises(ValueError, match="got None: patches have no windows"):
        explore.windows(None, PHOTO)
