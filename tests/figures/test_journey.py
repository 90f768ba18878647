"""The pictures of the journey show the token where it is, and what it meets."""

import numpy as np
import pytest
import torch

from satlib.figures.chapters.journey import scene, weights

TOKEN = 5 * 16 + 3  # row 5, column 3


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand(3, 12, 16, generator=torch.Generator().manual_seed(0))


def points(figure) -> list[tuple[float, float]]:
    """Return (column, row) of everything that is drawn as points."""
    return [tuple(place) for line in figure.axes[0].lines for place in np.transpose(line.get_data())]


def test_the_token_its_sample_and_its_centre_are_where_they_are(image: torch.Tensor) -> None:
    shown = scene(image, TOKEN, "title", alt="a  picture", dots=torch.tensor([0, 17]), goal=2 * 16 + 9)
    assert shown.alt == "a picture"
    assert points(shown.figure) == [(0, 0), (1, 1), (9, 2), (3, 5)]
    assert shown.figure.axes[0].get_title(loc="left") == "title"


def test_what_takes_no_part_is_pale(image: torch.Tensor) -> None:
    lit = torch.arange(192) == TOKEN
    drawn = scene(image, TOKEN, "title", alt="a picture", lit=lit).figure.axes[0].images[0].get_array()
    bright = np.asarray(drawn, dtype=float).reshape(192, 3) / 255
    np.testing.assert_allclose(bright[TOKEN], image.flatten(1)[:, TOKEN], atol=1 / 255)
    assert bright[~lit.numpy()].min() >= 0.7 - 1 / 255


def test_a_part_of_the_picture_has_the_token_in_its_middle(image: torch.Tensor) -> None:
    ax = scene(image, TOKEN, "title", alt="a picture", reach=2).figure.axes[0]
    assert (ax.get_xlim(), ax.get_ylim()) == ((0.5, 5.5), (7.5, 2.5))


def test_weights_are_drawn_over_three_decades(image: torch.Tensor) -> None:
    values = torch.linspace(0, 2, 192)
    figure = weights(image, TOKEN, values, "title", label="weight", alt="a map").figure
    drawn = figure.axes[0].images[0]
    assert (drawn.norm.vmin, drawn.norm.vmax) == (pytest.approx(0.002), 2)
    np.testing.assert_allclose(drawn.get_array()[1:], values.view(12, 16)[1:])
    assert figure.axes[1].get_xlabel() == "weight"
    assert points(figure) == [(3, 5)]


def test_what_does_not_fit_is_refused(image: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"lit must be \(192,\), got \(7,\)"):
        scene(image, TOKEN, "title", alt="a picture", lit=torch.ones(7, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"values must be \(192,\), got \(7,\)"):
        weights(image, TOKEN, torch.ones(7), "title", label="weight", alt="a map")
    with pytest.raises(ValueError, match=r"a value must be positive, got at most 0.0"):
        weights(image, TOKEN, torch.zeros(192), "title", label="weight", alt="a map")
