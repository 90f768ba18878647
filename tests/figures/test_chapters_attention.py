"""The pictures of chapter 8 draw what the layers gave, and say it."""

import re

import numpy as np
import pytest
import torch

from satlib import SAT, SATConfig
from satlib.analysis.attention_maps import attended
from satlib.complexity import complexity
from satlib.figures.chapters import attention as pictures

GRID = (16, 20)
CONFIG = SATConfig.preset("sat-tiny", 2, groups=(2,), keep_ratio=0.05)


@pytest.fixture(scope="module")
def image():
    return torch.rand(3, *GRID, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return SAT(CONFIG).eval()


@pytest.fixture(scope="module")
def seen(model, image):
    return attended(model, image, torch.tensor([30, 200]))


@pytest.fixture(scope="module")
def many(model, image):
    return attended(model, image, torch.arange(0, 320, 5))


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]


def test_a_query_is_drawn_against_the_mean_query(image, seen, many) -> None:
    shown = pictures.queries(image, seen[0], many[0])
    ratio = seen[0].weights.mean(0)[1] / many[0].weights.mean((0, 1))
    expected = ratio[seen[0].layer.aggregation.assignment[0]].view(GRID)
    assert np.allclose(shown.figure.axes[2].images[0].get_array(), expected.log2(), atol=1e-6)
    assert f"query 2 from {expected.min():.2f} to {expected.max():.2f} times" in shown.alt
    pair = seen[0].weights.mean(0).corrcoef()[0, 1]
    assert shown.alt.endswith(f"is {pair:.2f}.")


def test_one_query_alone_and_the_mean_query_are_drawn_too(model, image, seen, many) -> None:
    one = attended(model, image, torch.tensor([7]))[0]
    assert "1 numbered stars" in pictures.queries(image, one, many[0]).alt
    mean = seen[0]._replace(weights=many[0].weights.mean((0, 1)).expand_as(seen[0].weights))
    assert "query 1 from 1.00 to 1.00 times" in pictures.queries(image, mean, many[0]).alt


def test_the_members_of_the_tokens_that_are_read_most_are_told(image, seen) -> None:
    shown = pictures.most_read(image, seen[1], head=1)
    top = seen[1].weights[1, 0].argsort(descending=True)[:5]
    counts = seen[1].layer.aggregation.counts[0, top].tolist()
    assert [int(n) for n in numbers(shown.alt)] == counts


def test_the_slider_has_all_layers_and_says_what_the_map_has(seen) -> None:
    shown = pictures.layers(seen, start=1)
    assert [frame.name for frame in shown.figure.frames] == ["1", "2"]
    weight = seen[1].pixels()[:, 0].mean(0)
    assert f"{weight.topk(32).values.sum():.0%} of the weight" in shown.figure.layout.title.text
    expected = (weight * 320).log2().clamp(-12).view(GRID)
    assert np.allclose(shown.figure.data[0].z / 10, expected, atol=0.051)
    assert (shown.figure.data[1].y[0], shown.figure.data[1].x[0]) == (1, 10)


def test_boxes_have_every_head_of_every_layer(many) -> None:
    shown = pictures.choosiness(many)
    names = [label.get_text() for label in shown.figure.axes[0].get_yticklabels()]
    assert names == [f"layer {i}, head {h}" for i in (1, 2) for h in (1, 2)]
    first = sorted(many[0].read()[0].tolist())
    assert f"layer 1, head 1 {first[len(first) // 2]:.0f};" in shown.alt


def test_the_size_bias_gives_large_clusters_more(image, model, seen) -> None:
    biased = attended(model.with_config(CONFIG.replace(size_bias=True)), image, torch.tensor([30, 200]))
    shown = pictures.size_bias(seen[0], biased[0])
    assert [frame.name for frame in shown.figure.frames] == ["as trained", "with size bias"]
    pixels, trained, *_, with_bias = numbers(shown.alt)
    assert with_bias > trained
    largest = seen[0].layer.aggregation.counts[0].topk(5)
    assert pixels == pytest.approx(100 * float(largest.values.sum()) / 320, abs=0.5)
    assert trained == pytest.approx(100 * float(seen[0].weights[:, 0, largest.indices].sum(-1).mean()), abs=0.05)


def test_the_table_of_r_c_halves_one_product_and_leaves_the_other() -> None:
    light = SATConfig.preset("sat-light")
    text = pictures.ratio_table({r_c: complexity(light.replace(qk_ratio=r_c)) for r_c in (1.0, 0.5)})
    whole, half = ([cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:])
    assert (whole[0], half[0]) == ("1.0", "0.5")
    assert float(half[3]) == pytest.approx(float(whole[3]) / 2, abs=0.1)
    assert half[4] == whole[4]
