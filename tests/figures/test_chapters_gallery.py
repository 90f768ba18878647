"""The picture of chapter 19 shows one panel for each explorer, with what it is given."""

import numpy as np
import pytest
import torch

from satlib import dta, explore
from satlib.figures.chapters import gallery as pictures
from satlib.figures.explorers.theorem import arrange

TOKEN = 37


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand(3, 12, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def seen(image: torch.Tensor) -> pictures.Seen:
    made = dta.aggregate(image.flatten(1).mT[None], 8, grid=(12, 16), generator=torch.Generator().manual_seed(0))
    members = (made.assignment[0] == made.assignment[0, TOKEN]).nonzero().flatten()
    weights = torch.full((len(members),), 1 / len(members))
    toy = arrange(np.array([0, 0, 1, 1, 1]), np.array([3]))
    pair = (torch.zeros(3, 24, 32), torch.ones(3, 24, 32))
    near = torch.zeros(2, 192, dtype=torch.bool)
    near[0, TOKEN : TOKEN + 4] = near[1, TOKEN : TOKEN + 34 : 16] = True
    window = near, torch.zeros_like(near)
    owed = torch.linspace(-1, 1, 48).view(6, 8)
    return pictures.Seen(made.sample[0, :5], made, members, weights, torch.full((8,), 1 / 8), owed, toy, pair, window)


def test_each_explorer_has_a_panel(image: torch.Tensor, seen: pictures.Seen) -> None:
    shown = pictures.sheet(image, TOKEN, seen)
    titles = [ax.get_title(loc="left") for ax in shown.figure.axes[:8]]
    assert [title.split()[0] for title in titles] == [str(i) for i in range(1, 9)]
    assert sorted(title.split()[1] for title in titles) == explore.__all__


def test_panels_show_the_divider_the_map_and_the_columns(image: torch.Tensor, seen: pictures.Seen) -> None:
    axes = pictures.sheet(image, TOKEN, seen).figure.axes
    compared = np.asarray(axes[4].images[0].get_array()).astype(float)
    half = compared.shape[1] // 2
    assert compared[:, : half - 8].max() < 5
    assert compared[:, half + 8 :].min() > 250
    owed = np.asarray(axes[5].images[0].get_array())
    assert owed.shape == (6, 8)
    assert owed[0, 0] == owed.max() == owed[-1, -1]
    assert sum(len(dots.get_offsets()) for dots in axes[6].collections) == 5


def test_the_text_counts_what_is_drawn(image: torch.Tensor, seen: pictures.Seen) -> None:
    alt = pictures.sheet(image, TOKEN, seen).alt
    assert "dots on its 5 nearest neighbours" in alt
    assert f"{seen.made.sample.shape[1]} sampled tokens and 8 centres" in alt
    assert f"the {len(seen.members)} members" in alt
    assert "62% of the weight" in alt
    assert "without a sampled token: 1." in alt
    assert alt.endswith("in which it reads 6 pixels.")
