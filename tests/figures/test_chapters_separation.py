"""The pictures of chapter 4 show the links, separations and scores that they are given."""

import numpy as np
import pytest
import torch

from satlib import dta
from satlib.analysis.links import find_links
from satlib.analysis.patch_features import patch_features
from satlib.figures.chapters import separation as pictures
from satlib.figures.dta.links import note, on_image

GRID = (30, 26)
N = GRID[0] * GRID[1]


@pytest.fixture(scope="module")
def image():
    return torch.rand(3, *GRID, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def x(image):
    return patch_features(image.unsqueeze(0))


@pytest.fixture(scope="module")
def result(x):
    return dta.aggregate(x, 12, grid=GRID, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def links(x):
    return find_links(x, dta.aggregate(x, 8, sample=torch.arange(40, 680, 80), neighbors=3))


def arrows(trace):
    """The two ends of each arrow of a trace, which a gap separates."""
    points = list(zip(trace.x, trace.y, strict=True))
    assert all(x is None for x, _ in points[2::3])
    return {(start, end) for start, end in zip(points[::3], points[1::3], strict=True)}


def linked(links, place, which):
    ends = [tuple(round(float(v), 3) for v in point) for point in place]
    return {(ends[i], ends[int(links.denser[i])]) for i in which if int(links.denser[i]) != i}


def test_the_first_k_tokens_are_centres_and_their_links_are_cut_in_both_panels(image, links):
    shown = pictures.dozen(image, links, start=3)
    assert [frame.name for frame in shown.figure.frames] == [f"{k}" for k in range(1, 9)]
    for data, k in ((shown.figure.data, 3), (shown.figure.frames[5].data, 6)):
        for part, place in ((data[:4], on_image(image, links)), (data[4:], links.plane)):
            kept, cut, others, centers = part
            assert arrows(kept) == linked(links, place, range(k, 8))
            assert arrows(cut) == linked(links, place, range(k))
            assert list(others.text) == [f"{i + 1}" for i in range(k, 8)]
            assert list(centers.text) == [f"{i + 1}" for i in range(k)]
            assert list(centers.x) == pytest.approx(place[:k, 0].tolist(), abs=1e-3)
    assert "the tokens 1 to 3 are centres" in shown.alt


def test_a_note_names_the_token_and_the_densest_has_no_link(links):
    root = int((links.denser == torch.arange(8)).nonzero())
    assert note(links, root + 1).endswith("It is the densest and has no link.")
    other = (root + 1) % 8
    rho, delta = float(links.density[other]), float(links.separation[other])
    assert note(links, other + 1) == (
        f"Token {other + 1} becomes a centre: ρ = {rho:.2f}, δ = {delta:.2f}, γ = {rho * delta:.2f}."
    )


def test_the_map_has_the_separations_and_the_photograph_its_centres(image, result):
    shown = pictures.separated(image, result)
    photo, drawn_map, _ = shown.figure.axes
    dots = np.asarray(photo.collections[0].get_offsets())
    assert sorted((dots[:, 1] * GRID[1] + dots[:, 0]).astype(int)) == sorted(result.centers[0].tolist())
    values = set(np.asarray(drawn_map.images[0].get_array()).ravel().tolist())
    assert values == set(result.separation[0].clamp_min(pictures.TWIN).tolist())
    share = float((result.separation <= pictures.TWIN).double().mean())
    assert f"{share:.0%} of the sampled tokens" in shown.alt


def test_the_line_of_scores_falls_and_k_moves_along_it(result):
    shown = pictures.scores(result.score[0], N, start=0.03)
    ordered = result.score[0].sort(descending=True).values
    score, mark = shown.figure.data
    assert score.y[:3] == pytest.approx(ordered[:3].tolist(), rel=1e-4)
    assert list(mark.x) == [dta.n_centers(N, 0.03)] * 2
    assert [frame.name for frame in shown.figure.frames] == ["0.5 %", "1 %", "2 %", "3 %", "5 %"]  # 8 % are too many
    assert shown.figure.layout.title.text in shown.alt
    with pytest.raises(ValueError, match="start '7 %'"):
        pictures.scores(result.score[0], N, start=0.07)
