"""The pictures and tables of chapter 5 show what the chapter computed."""

import numpy as np
import pytest
import torch
from matplotlib.collections import EllipseCollection

from satlib import dta
from satlib.analysis import edges, sample_quality
from satlib.analysis.patch_features import patch_features
from satlib.analysis.statistics import interval
from satlib.analysis.tracing import LayerTrace
from satlib.figures.chapters import centers as pictures
from satlib.figures.chapters import edges as studies
from satlib.figures.dta.centers import below_the_root

GRID = (24, 20)


def rows_of(text):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]


@pytest.fixture(scope="module")
def image():
    return torch.rand(3, *GRID, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def chosen(image):
    x = patch_features(image[None])

    def choose(seed, **options):
        generator = torch.Generator().manual_seed(seed)
        return dta.aggregate(x, 14, grid=GRID, generator=generator, **options)

    return choose


@pytest.fixture(scope="module")
def everything(image):
    return dta.aggregate(patch_features(image[None]), 14, sample=torch.arange(GRID[0] * GRID[1]))


def test_pictures_of_one_choice_name_its_sizes(image, chosen):
    made = chosen(1)
    assert "56 sampled tokens" in pictures.chosen(image, made).alt
    assert "14 centres, triangles" in pictures.graph(made).alt
    assert f"from {int(made.counts.max())} tokens to {int(made.counts[made.counts > 0].min())}" in (
        pictures.clusters(image, made).alt
    )


def test_score_maps_are_logarithmic_below_the_root_and_show_the_centres(image, chosen):
    made = chosen(1)
    shown = pictures.scores(image, made)
    maps = [ax for ax in shown.figure.axes if ax.images]
    second = made.separation[0].sort().values[-2]
    norm = maps[1].images[0].norm
    assert (norm.vmax, norm.clip) == (pytest.approx(float(second)), True)
    assert 0 < norm.vmin < norm.vmax
    root = divmod(int(made.sample[0, made.density[0].argmax()]), GRID[1])
    assert all((line.get_ydata()[0], line.get_xdata()[0]) == root for ax in maps[1:] for line in ax.lines)
    (dots,) = (c for c in maps[2].collections if isinstance(c, EllipseCollection))
    places = {int(y * GRID[1] + x) for x, y in np.asarray(dots.get_offsets())}
    assert places == set(made.centers[0].tolist())
    assert f"that of the next one {second:.2f}" in shown.alt


def test_values_without_a_range_have_no_scale():
    assert below_the_root(torch.zeros(5)) is None
    assert below_the_root(torch.ones(1)) is None
    norm = below_the_root(torch.tensor([0.0, 0.5, 2.0]))
    assert norm is not None and (norm.vmin, norm.vmax) == (pytest.approx(5e-2), 0.5)


def test_sliders_say_what_changes(image, chosen, everything):
    by_beta = {beta: chosen(1, subsample=beta) for beta in (2, 4)}
    shown = pictures.more_sampled(image, by_beta, everything)
    shared = sample_quality.overlap(by_beta[2].centers[0], everything.centers[0])
    note = f"28 tokens are sampled; of the 14 centres, {shared:.0%} are also chosen with S = N."
    assert shown.figure.frames[0].layout.title.text == note and f"β = 2: {note}" in shown.alt
    kept = pictures.more_kept(image, {0.03: by_beta[4], 0.1: by_beta[2]}).figure
    assert [frame.name for frame in kept.frames] == ["3 %", "10 %"]
    ways = {way: chosen(1, sampling=way) for way in ("grid", "random")}
    gap = sample_quality.distance_to_nearest(ways["grid"].sample[0], GRID).max()
    assert f"sampling = grid: Farthest pixel: {gap:.1f} from" in pictures.four_ways(image, ways, everything).alt


def test_pairs_of_draws_are_compared(chosen):
    same = chosen(1)
    text = pictures.shared_table({"twice": [same, same, same, same]})
    assert rows_of(text) == [["twice", "100.0%", "100.0% ± 0.0%"]]


@pytest.fixture(scope="module")
def photos(image):
    return [image, image.flip(2), image.flip(1)]


@pytest.fixture(scope="module")
def centers(photos):
    random = torch.Generator().manual_seed(3)
    return {
        kind: [torch.randint(480, (2, 3, 14), generator=random) for _ in photos] for kind in ("trained", "untrained")
    }


def test_layers_are_drawn_by_group_and_one_by_one(image, chosen):
    tokens = torch.zeros(1)
    places = [(0, 1), (0, 3), (1, 1)]
    layers = [LayerTrace(*place, GRID, chosen(seed), tokens, tokens, tokens) for seed, place in enumerate(places)]
    figure = studies.by_group(image, {"trained": layers, "untrained": layers[1:]}).figure
    titles = [ax.get_title(loc="left") for ax in figure.axes[:4]]
    assert titles == [f"group {g}, {kind}" for kind in ("trained", "untrained") for g in (1, 2)]
    shown = studies.by_layer(image, layers)
    share = (edges.gradient_rank(image) > 0.9)[layers[2].aggregation.centers[0]].double().mean()
    assert f"Layer 3: {share:.0%} of the centres" in shown.figure.frames[2].layout.title.text


def test_lines_have_the_measured_means_and_intervals(photos, centers):
    figure = studies.on_edges(centers, photos).figure
    found = interval(edges.edge_shares(centers["untrained"], photos, share=0.2) / 0.2)
    line = next(trace for trace in figure.frames[2].data if trace.name == "untrained")
    np.testing.assert_allclose(line.y, found.mean, rtol=1e-4)
    np.testing.assert_allclose(line.error_y.array, found.high - found.mean, rtol=1e-3, atol=1e-4)
    by_tenth = interval(edges.decile_shares(centers["trained"], photos)).mean
    figure = studies.tenths(centers, photos).figure
    np.testing.assert_allclose(figure.frames[1].data[0].y, by_tenth[:, 1], rtol=1e-4)
    assert f"{by_tenth[:5, 1].sum() / 10:.0%} of the centres lie in" in figure.frames[1].layout.title.text
    cover = interval(edges.cell_shares(centers["trained"], photos)).mean
    spread = studies.spread(centers, photos)
    np.testing.assert_allclose(spread.figure.data[0].y, cover, rtol=1e-4)
    assert spread.figure.data[-1].y[0] == pytest.approx(1 - (13 / 14) ** 14, rel=1e-4)
    assert f"{cover[-1]:.0%} in the last" in spread.alt


def test_changes_are_in_percentage_points():
    change = torch.tensor([[-0.1, -0.1], [-0.1, -0.1]])
    text = studies.change_table({"trained": change}, {"trained": -change})
    assert rows_of(text) == [["trained", "-10.0 (-10.0 to -10.0)", "2 of 2", "+10.0 (+10.0 to +10.0)"]]


def test_worth_of_layers_stands_beside_their_centres(photos, centers):
    text = studies.worth_table(torch.tensor([[0.1, 0.0], [-0.3, 0.2]]), torch.tensor([0.25, 0.5]))
    assert rows_of(text) == [["1", "-0.100", "0.200", "1 of 2", "25.0%"], ["2", "+0.100", "0.100", "1 of 2", "50.0%"]]
    found = interval(edges.edge_shares(centers["trained"], photos, reach=2) / 0.1)
    row = rows_of(studies.reach_table(centers["trained"], photos))[2]
    assert (row[0], row[1].split()[0]) == ("2", f"{found.mean[0]:.2f}")
