"""`satlib.figures`: what is drawn is what was computed, and every figure reaches the page with its description."""

import base64
import io
import json
import math
import re
from typing import Any

import matplotlib
import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image
from slowness import slow_but

from satlib import figures
from satlib.analysis.patch_features import patch_features
from satlib.dta import Aggregation, aggregate
from satlib.figures.dta.centers import nearest_sampled
from satlib.figures.dta.clusters import LARGEST, largest_clusters, mean_colors
from satlib.figures.kit.show import PLOTLY_MIME, plotly_html, png, quick_png
from satlib.figures.kit.style import pixels

SHAPES = [(12, 17), (1, 1), (1, 40), (40, 1)]


def example(
    height: int = 12, width: int = 17, *, seed: int = 0, subsample: float = 4
) -> tuple[torch.Tensor, Aggregation]:
    """Return a random image (3, H, W) and what DTA makes of its patches."""
    random = torch.Generator().manual_seed(seed)
    image = torch.rand(3, height, width, generator=random)
    n_centers = max(1, height * width // 20)
    tokens = patch_features(image.unsqueeze(0))
    return image, aggregate(tokens, n_centers, grid=(height, width), subsample=subsample, generator=random)


def every_figure(image: torch.Tensor, result: Aggregation) -> list[Figure]:
    """Return one of each matplotlib figure."""
    return [
        figures.centers_on_image(image, result),
        figures.score_maps(image, result),
        figures.cluster_maps(image, result),
        figures.decision_graph(result),
        figures.layer_centers(image, {str(i): result for i in range(5)}),
        figures.samplings(image, dict.fromkeys("abcd", result)),
    ]


def dots(figure: Figure, panel: int) -> list[set[tuple[int, int]]]:
    """Return (row, column) of the dots of each collection of a panel."""
    collections = [c for c in figure.axes[panel].collections if isinstance(c, EllipseCollection)]
    return [{(int(y), int(x)) for x, y in np.asarray(c.get_offsets())} for c in collections]


def places(tokens: torch.Tensor, width: int) -> set[tuple[int, int]]:
    return {divmod(int(token), width) for token in tokens}


@pytest.mark.parametrize("shape", slow_but(SHAPES[:2], SHAPES), ids=str)
def test_every_figure_is_a_small_png_at_any_image_size(shape: tuple[int, int]) -> None:
    height, width = shape
    image, result = example(height, width)
    for figure in every_figure(image, result):
        picture = Image.open(io.BytesIO(png(figure)))
        assert 300 <= picture.width <= 1400
        assert 40 <= picture.height <= 4500


@pytest.mark.slow
@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_a_quick_png_shows_all_that_matplotlib_would_keep(height: int, width: int) -> None:
    image, result = example(height, width)
    for figure in every_figure(image, result):
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=100, bbox_inches="tight", pad_inches=0.05, facecolor="white")
        kept, quick = (np.asarray(Image.open(f).convert("RGB")) for f in (stream, io.BytesIO(quick_png(figure))))
        assert all(b <= a + 12 for a, b in zip(kept.shape, quick.shape, strict=True))  # no more of the margins
        ink = [(picture < 250).any(2).mean() * picture[..., 0].size for picture in (kept, quick)]
        assert ink[1] == pytest.approx(ink[0], rel=0.08)


def test_colours_beside_a_colour_bar_are_kept() -> None:
    figure = Figure(figsize=(4, 2))
    ax = figure.subplots()
    drawn = ax.imshow(np.linspace(0, 1, 5000).reshape(50, 100), cmap="viridis")
    few = Image.open(io.BytesIO(png(figure)))
    assert few.mode == "P"
    figure.colorbar(drawn)
    every = np.asarray(Image.open(io.BytesIO(png(figure)))).reshape(-1, 3)
    found = {tuple(color) for color in every.tolist()}
    assert found >= {tuple(color) for color in (255 * matplotlib.colormaps["viridis"](range(256))[:, :3]).astype(int)}


def test_an_empty_figure_is_a_white_quick_png() -> None:
    blank = np.asarray(Image.open(io.BytesIO(quick_png(Figure(figsize=(2, 1))))))
    assert blank.shape == (100, 200, 3) and (blank == 255).all()


def test_a_constant_image_can_be_drawn() -> None:
    image = torch.full((3, 8, 9), 0.5)
    result = aggregate(patch_features(image.unsqueeze(0)), 4, grid=(8, 9), sampling="grid")
    for figure in every_figure(image, result):
        drawn = np.asarray(Image.open(io.BytesIO(png(figure))).convert("RGB"))
        assert drawn.min() < drawn.max()
        for ax in figure.axes:
            assert all(np.isfinite(shown.get_clim()).all() for shown in ax.get_images())
            assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


def test_figures_touch_no_global_state() -> None:
    before = dict(matplotlib.rcParams)
    png(every_figure(*example())[0])
    assert dict(matplotlib.rcParams) == before


def test_dots_lie_on_the_sampled_tokens_and_on_the_centres() -> None:
    image, result = example()
    sampled, centers = places(result.sample[0], 17), places(result.centers[0], 17)
    assert dots(figures.centers_on_image(image, result), 1) == [sampled]
    assert dots(figures.centers_on_image(image, result), 2) == [centers]
    assert dots(figures.samplings(image, {"way": result}), 0) == [sampled, centers]
    other = example(seed=1)[1]
    layers = figures.layer_centers(image, {"first": result, "second": other})
    assert [dots(layers, i) for i in (0, 1)] == [[centers], [places(other.centers[0], 17)]]
    assert [ax.get_title(loc="left") for ax in layers.axes[:2]] == ["first", "second"]


def test_maps_show_the_nearest_sampled_token() -> None:
    sample = example(5, 7)[1].sample[0].tolist()
    found = nearest_sampled(torch.tensor(sample), (5, 7))
    for y in range(5):
        for x in range(7):
            distance = [math.dist(divmod(token, 7), (y, x)) for token in sample]
            assert distance[found[y, x]] == pytest.approx(min(distance))


def test_score_maps_have_the_values_of_the_aggregation() -> None:
    image, result = example()
    drawn = [ax.images[0].get_array() for ax in figures.score_maps(image, result).axes if ax.images][:3]
    for array, values in zip(drawn, (result.density, result.separation, result.score), strict=True):
        assert array is not None
        assert set(np.asarray(array).ravel().tolist()) == set(values[0].tolist())


def test_decision_graph_separates_the_centres_by_the_curve() -> None:
    _, result = example()
    ax = figures.decision_graph(result).axes[0]
    other, chosen = (np.asarray(c.get_offsets()) for c in ax.collections)
    assert len(chosen) == result.centers.shape[1]
    assert len(other) + len(chosen) == result.sample.shape[1]
    assert chosen.prod(1).min() >= other.prod(1).max()
    curve = np.asarray(ax.lines[0].get_xydata())
    np.testing.assert_allclose(curve.prod(1), chosen.prod(1).min(), rtol=1e-6)


def test_cluster_pictures_equal_slow_loops() -> None:
    image, result = example()
    assignment = result.assignment[0]
    means = mean_colors(image, assignment).flatten(1)
    for cluster in assignment.unique():
        members = assignment == cluster
        expected = image.flatten(1)[:, members].mean(1, keepdim=True).expand(3, int(members.sum()))
        torch.testing.assert_close(means[:, members], expected)
    painted = largest_clusters(image, result).flatten(1).T
    by_size = result.counts[0].argsort(descending=True)[: len(LARGEST)].tolist()
    for token, cluster in enumerate(assignment.tolist()):
        gray = painted[token].max() - painted[token].min() < 1e-6
        assert gray != (cluster in by_size)
        if cluster in by_size:
            assert painted[token].tolist() == pytest.approx(to_rgb(LARGEST[by_size.index(cluster)]))


def test_results_that_do_not_fit_the_image_are_named() -> None:
    image, result = example(12, 17)
    with pytest.raises(ValueError, match=r"\(3, 5, 5\) does not fit tokens assigned as \(1, 204\)"):
        figures.centers_on_image(torch.zeros(3, 5, 5), result)
    with pytest.raises(ValueError, match=r"got \(1, 3, 12, 17\)"):
        pixels(image.unsqueeze(0))


def test_pixels_are_clipped_and_rounded() -> None:
    image = torch.tensor([-1.0, 0.0, 0.5, 2.0]).expand(3, 1, 4)
    assert pixels(image)[0, :, 0].tolist() == [0, 0, 128, 255]


# How a figure reaches the reader


def test_a_figure_needs_a_description() -> None:
    figure = figures.decision_graph(example()[1])
    for alt in ("", "  \n "):
        with pytest.raises(ValueError, match="alt must describe the figure"):
            figures.show(figure, alt=alt)


def test_matplotlib_figures_become_a_picture_with_its_description() -> None:
    shown = figures.show(figures.decision_graph(example()[1]), alt="A scatter\n  plot.")
    data, metadata = shown._repr_mimebundle_()
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.format == "PNG"
    assert metadata["image/png"]["width"] == round(picture.width / 1.8)
    assert data["text/plain"] == repr(shown) == "A scatter plot."


def slider() -> tuple[torch.Tensor, dict[str, Aggregation], go.Figure]:
    image = example()[0]
    results = {f"{beta:g}": example(subsample=beta)[1] for beta in (2, 3, 4)}
    notes = {label: f"note {label}" for label in results}
    return image, results, figures.selection_slider(image, results, name="β", start="3", notes=notes)


def decoded(values: dict[str, str] | list[float]) -> list[float]:
    """Return the numbers of a plotly array, which may be base64."""
    if isinstance(values, list):
        return values
    return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"]).tolist()


def test_slider_frames_hold_each_choice() -> None:
    image, results, figure = slider()
    content: dict[str, Any] = json.loads(figure.to_json())
    frames = {frame["name"]: frame for frame in content["frames"]}
    assert list(frames) == ["2", "3", "4"]
    assert content["layout"]["sliders"][0]["active"] == 1
    for label, result in results.items():
        assert frames[label]["layout"]["title"]["text"] == f"note {label}"
        for trace, tokens in zip(frames[label]["data"], (result.sample[0], result.centers[0]), strict=True):
            assert set(zip(decoded(trace["y"]), decoded(trace["x"]), strict=True)) == places(tokens, 17)
    assert content["data"] == frames["3"]["data"]
    backdrop = content["layout"]["images"][0]["source"]
    stored = Image.open(io.BytesIO(base64.b64decode(backdrop.partition(",")[2])))
    assert np.array_equal(np.asarray(stored), pixels(image))


def test_slider_labels_must_fit() -> None:
    image, results, _ = slider()
    notes = dict.fromkeys(results, "")
    with pytest.raises(ValueError, match="start '5' and the notes"):
        figures.selection_slider(image, results, name="β", start="5", notes=notes)
    with pytest.raises(ValueError, match="must fit the labels"):
        figures.selection_slider(image, results, name="β", start="3", notes={"3": ""})


def test_plotly_figures_come_as_mime_type_and_as_html() -> None:
    figure = slider()[2]
    data, _ = figures.show(figure, alt='Dots & "more"')._repr_mimebundle_()
    html = data["text/html"]
    stored = re.search(r'<script type="application/json">(.*)</script>', html)
    assert stored is not None
    assert json.loads(stored[1]) == data[PLOTLY_MIME] == json.loads(figure.to_json())
    assert html.count("Dots &amp; &quot;more&quot;") == 2  # the label, and the sentence for readers without scripts
    assert "//" not in re.sub(r'"source":"[^"]*"|"bdata":"[^"]*"', "", html), "an address"


def test_plotly_html_keeps_markup_in_texts_from_ending_the_script() -> None:
    content = {"data": [], "layout": {"width": 300, "height": 200, "title": {"text": "</script><b>"}}}
    html = plotly_html(content, "x")
    assert html.count("</script>") == 1
    assert "<b>" not in html


def test_plotly_figures_need_a_size() -> None:
    with pytest.raises(ValueError, match="needs a width and a height"):
        figures.show(go.Figure(), alt="Nothing.")
