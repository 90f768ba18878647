"""The pictures of chapter 2 show the samples, gaps and missed clusters that they are given."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from satlib import dta
from satlib.analysis import sample_quality
from satlib.analysis.patch_features import patch_features
from satlib.dta.sampling import cell_labels, draw_sample
from satlib.figures.chapters import sampling as pictures
from satlib.figures.kit.style import VERMILLION

GRID = (30, 26)
N = GRID[0] * GRID[1]


@pytest.fixture(scope="module")
def image():
    return torch.rand(3, *GRID, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def drawn():
    random = torch.Generator().manual_seed(1)
    return {way: draw_sample(GRID, 60, sampling=way, generator=random)[0] for way in ("stratified", "random")}


def test_pixels_of_missed_clusters_are_orange(image, drawn):
    everything = dta.aggregate(patch_features(image.unsqueeze(0)), 40, sample=torch.arange(N))
    shown = pictures.missed(image, everything, drawn)
    orange = [round(255 * part) for part in to_rgb(VERMILLION)]
    clusters = everything.assignment[0]
    for ax, (way, sample) in zip(shown.figure.axes, drawn.items(), strict=True):
        painted = (np.asarray(ax.images[0].get_array()) == orange).all(-1).ravel()
        lost = [int(cluster) not in clusters[sample].tolist() for cluster in clusters]
        assert painted.tolist() == lost
        n_missed = round((1 - sample_quality.coverage(sample, clusters)) * len(clusters.unique()))
        title = f"{way}: {n_missed} of {len(clusters.unique())} clusters missed"
        assert ax.get_title(loc="left") == title
        dots = np.asarray(ax.collections[0].get_offsets())
        assert sorted((dots[:, 1] * GRID[1] + dots[:, 0]).astype(int)) == sample.tolist()
        assert f"{way}, {n_missed} of" in shown.alt


def test_four_ways_have_a_panel_each(image, drawn):
    cells = cell_labels(GRID, 60)
    shown = pictures.four_ways(image, {"stratified": (cells, drawn["stratified"]), "random": (None, drawn["random"])})
    assert [ax.get_title(loc="left") for ax in shown.figure.axes] == ["stratified", "random"]
    assert [len(ax.collections) for ax in shown.figure.axes] == [2, 1]


def test_the_slider_tells_the_gaps_of_each_way(image, drawn):
    shown = pictures.gaps(image, drawn)
    far = sample_quality.distance_to_nearest(drawn["random"], GRID)
    assert [frame.name for frame in shown.figure.frames] == ["stratified", "random"]
    frame = shown.figure.frames[1]
    assert frame.layout.title.text == (
        f"To the nearest sampled pixel: {far.mean():.2f} pixels in the mean, {far.max():.1f} at most."
    )
    assert (np.asarray(frame.data[0].y, dtype=int) * GRID[1] + frame.data[0].x).tolist() == drawn["random"].tolist()
    assert f"random: {frame.layout.title.text}" in shown.alt


def test_squares_are_drawn_by_their_number_of_tokens_beside_scattered_ones():
    missed = {2: {"stratified": [0.9, 0.6, 0.2], "random": [0.9, 0.7, 0.4]}}
    missed[4] = {"stratified": [0.8, 0.3, 0.05], "random": [0.8, 0.4, 0.1]}
    shown = pictures.squares(missed, N, {2: 60, 4: 120})
    stratified, random, scattered = shown.figure.data
    assert (list(stratified.x), list(stratified.y)) == ([1, 4, 9], [0.8, 0.3, 0.05])
    assert list(random.y) == [0.8, 0.4, 0.1]
    expected = [sample_quality.missed_scattered(N, 120, n) for n in (1, 4, 9)]
    assert list(scattered.y) == pytest.approx(expected, rel=1e-4)
    assert shown.figure.layout.title.text == (
        "Of all squares of 3 × 3 tokens, 5% are missed by a stratified sample and 10% by a random one."
    )
    assert "β = 2: Of all squares of 3 × 3 tokens, 20%" in shown.alt
