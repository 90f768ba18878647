"""The pictures of chapter 3 show the tokens, neighbours and densities that they are given."""

import numpy as np
import pytest
import torch

from satlib import dta
from satlib.analysis import neighborhoods
from satlib.analysis.patch_features import patch_features
from satlib.figures.chapters import density as pictures

GRID = (30, 26)
M = 5


@pytest.fixture(scope="module")
def image():
    return torch.rand(3, *GRID, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def x(image):
    return patch_features(image.unsqueeze(0))


@pytest.fixture(scope="module")
def result(x):
    return dta.aggregate(x, 12, grid=GRID, neighbors=M, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def sorted_others(x, result):
    """Similarities of each sampled token to the others, largest first, and their places in the sample."""
    unit = dta.normalize(dta.take(x, result.sample))[0]
    similarity = (unit @ unit.T).fill_diagonal_(-torch.inf)
    return tuple(t[:, :-1] for t in similarity.sort(descending=True))


def at(points):
    """Tokens at points (x, y) of the image."""
    return [int(round(y) * GRID[1] + round(x)) for x, y in np.asarray(points)]


def test_tokens_are_taken_at_quantiles_of_the_density():
    density = torch.tensor([0.5, 0.1, 0.9, 0.3])
    assert pictures.quantile_tokens(density, {"low": 0.0, "third": 1 / 3, "high": 1.0}) == {
        "low": 1,
        "third": 3,
        "high": 2,
    }


def test_the_opening_marks_the_neighbours_of_the_densest_and_the_least_dense_token(image, x, result):
    shown = pictures.alone_and_one_of_many(image, x, result, M)
    photo, drawn_map, _ = shown.figure.axes
    unit = dta.normalize(dta.take(x, result.sample))[0]
    rho = result.density[0]
    for marks, place in zip(photo.collections, (int(rho.argmax()), int(rho.argmin())), strict=True):
        near = result.sample[0, neighborhoods.nearest(unit, place, M)]
        assert at(marks.get_offsets()) == near.tolist()
    stars = [(int(line.get_xdata()[0]), int(line.get_ydata()[0])) for line in photo.lines]
    assert at(stars) == [int(result.sample[0, rho.argmax()]), int(result.sample[0, rho.argmin()])]
    assert [text.get_text() for text in drawn_map.texts] == ["A", "B"]
    assert set(drawn_map.images[0].get_array().ravel().tolist()) == set(rho.tolist())
    assert f"has density {rho.max():.4f}" in shown.alt and f"has {rho.min():.2f}" in shown.alt


def test_the_slider_has_seven_tokens_from_the_lowest_density_to_the_highest(image, result, sorted_others):
    shown = pictures.neighbors(image, result, sorted_others[1][:, :M])
    assert [frame.name for frame in shown.figure.frames] == list(pictures.QUANTILES)
    lowest, highest = int(result.density[0].argmin()), int(result.density[0].argmax())
    for frame, place in ((shown.figure.frames[0], lowest), (shown.figure.frames[-1], highest)):
        dots, token = (list(zip(trace.x, trace.y, strict=True)) for trace in frame.data)
        assert at(token) == [int(result.sample[0, place])]
        assert at(dots) == result.sample[0, sorted_others[1][place, :M]].tolist()
    assert f"lowest {result.density.min():.3f}" in shown.alt


def test_lines_are_similarities_and_notes_compare_every_m_with_the_usual_one(x, result, sorted_others):
    runs = {k: dta.aggregate(x, 12, sample=result.sample, neighbors=k) for k in (1, M, 12)}
    shown = pictures.similarity_by_rank(sorted_others[0], runs, M)
    assert [trace.name for trace in shown.figure.data] == [*pictures.FOLLOWED, "m"]
    first = int(result.density[0].argmin())
    assert shown.figure.data[0].y[:3] == pytest.approx(sorted_others[0][first, :3].tolist(), rel=1e-4)
    assert list(shown.figure.data[-1].x) == [12, 12]
    usual = next(frame for frame in shown.figure.frames if frame.name == f"{M}")
    assert usual.layout.title.text == f"m = {M}: rank correlation with m = {M} is 1.000; 100% of the centres stay."
    assert usual.layout.title.text in shown.alt


def test_the_layers_share_one_scale(image, x, result):
    found = {f"layer {i}": dta.aggregate(x, 12, sample=result.sample, neighbors=i) for i in range(1, 6)}
    shown = pictures.layers(image, found)
    maps = [ax for ax in shown.figure.axes if ax.images]
    titles = [ax.get_title(loc="left") for ax in maps if ax.get_title(loc="left")]
    assert titles == ["density ρ, layer 1", "density ρ, layer 3", "density ρ, layer 5"]
    lowest = min(float(found[name].density.min()) for name in ("layer 1", "layer 3", "layer 5"))
    assert [ax.images[0].get_clim() for ax in maps[:3]] == [(lowest, 1)] * 3
    assert f"{found['layer 5'].density.median():.3f} in layer 5" in shown.alt
