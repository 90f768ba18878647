"""The pictures and tables of chapter 6 show what the chapter computed."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from satlib import dta
from satlib.analysis.attention_maps import merging_weights
from satlib.analysis.patch_features import patch_features
from satlib.figures.chapters import aggregation as pictures
from satlib.figures.dta.merging import repaint
from satlib.figures.explorers.aggregation import LIGHT, painted_center, painted_members
from satlib.figures.kit.style import BLUE, VERMILLION, pixels

GRID = (20, 18)


@pytest.fixture(scope="module")
def image():
    return torch.rand(3, *GRID, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def x(image):
    return patch_features(image[None])


@pytest.fixture(scope="module")
def made(x):
    return dta.aggregate(x, 12, grid=GRID, generator=torch.Generator().manual_seed(1))


def test_tokens_are_painted_in_each_way_to_restore_the_norm(image, x, made):
    shown = pictures.painted(image, x, made, temperature=0.1)
    drawn = [ax.images[0].get_array() for ax in shown.figure.axes]
    titles = [ax.get_title(loc="left") for ax in shown.figure.axes]
    assert titles == ["360 tokens", *(f"12 tokens, norm restoration: {way}" for way in ("none", "mean", "max"))]
    np.testing.assert_array_equal(drawn[0], pixels(image))
    np.testing.assert_array_equal(drawn[3], pixels(repaint(made.tokens[0], made.assignment[0], image)))
    assert (drawn[1] != drawn[2]).any()
    assert "12 merged tokens" in shown.alt


def test_members_are_darker_with_more_weight_and_the_center_is_a_cross(image):
    painted = painted_members(image, torch.tensor([0, 5]), torch.tensor([0.0, 0.5])).flatten(1)
    for place, color in ((0, LIGHT), (5, VERMILLION)):
        torch.testing.assert_close(painted[:, place], torch.tensor(to_rgb(color)))
    assert painted[:, 1].std() < 1e-6  # grey
    blue = torch.tensor(to_rgb(BLUE)).view(3, 1, 1)
    for token, pixels_inside in ((0, 3), (18, 4), (19, 5), (359, 3)):
        assert (painted_center(image, token) == blue).all(0).sum() == pixels_inside


def test_clusters_come_by_size_with_the_members_that_count(image, x, made):
    shown = pictures.clusters(image, x, made, temperature=0.1)
    assert [frame.name for frame in shown.figure.frames] == ["1", "2", "3", "5", "10"]
    largest = int(made.counts[0].argmax())
    weights = merging_weights(x[0], made)[made.assignment[0] == largest]
    count = 1 / float((weights**2).sum())
    title = shown.figure.frames[0].layout.title.text
    assert title.startswith(f"{int(made.counts.max()):,} members") and f"as if {count:,.0f} had" in title
    assert title in shown.alt


def test_weights_are_averaged_over_clusters_of_a_least_size():
    counts = torch.tensor([[1, 2, 30]])
    counting = [torch.tensor([[1.0, 0.5, 0.7]]), torch.tensor([[1.0, 0.9, 0.9]])]
    shown = pictures.weighing((0.01, 0.1), counting, counting[::-1], counts)
    assert [frame.name for frame in shown.figure.frames] == ["2", "5", "20"]
    of_two = shown.figure.frames[0].data
    assert list(of_two[0].y) == pytest.approx([0.6, 0.9])
    assert list(of_two[1].y) == pytest.approx([0.9, 0.6])
    assert "2 clusters of 2 tokens or more. At τ = 0.1, 90% of the members count; cosine 0.6000." in shown.alt


def test_lengths_and_what_averaging_took_are_drawn_by_size():
    unit = torch.ones(3, 1)
    restored = {"none": unit * torch.tensor([[0.5], [1.0], [0.0]]), "mean": unit, "max": 4 * unit}
    shown = pictures.lengths(torch.tensor([3, 1, 0]), restored)
    left, right = shown.figure.axes
    offsets = [np.asarray(c.get_offsets()).tolist() for c in (*left.collections, *right.collections)]
    assert offsets == [[[3, 0.5], [1, 1]], [[3, 4], [1, 4]], [[3, 0.5], [1, 0]]]
    assert "from 0.50 to 1.00" in shown.alt and "from 0% to 50%" in shown.alt


def rows_of(text):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]


def test_changes_say_which_photograph_and_how_many_are_worse():
    text = pictures.changes_table({"mean": np.array([0.1, -0.3, -0.1])}, ["a", "b", "c"])
    assert rows_of(text) == [["mean", "-0.100", "-0.300 (b)", "+0.100 (a)", "2"]]


def test_lengths_leave_out_empty_clusters(made):
    tokens = torch.tensor([[[1.0], [2.0], [4.0], [100.0]]])
    text = pictures.length_table({"merged": made._replace(tokens=tokens, counts=torch.tensor([[1, 1, 1, 0]]))})
    assert rows_of(text) == [["merged", "1.00", "2.00", "4.00"]]
