"""Explorers of one pixel: `density`, `aggregation`, `attention`, held against the library and slow loops."""

import math

import pytest
import torch
from explorers import PHOTO, content, tiny

from satlib import dta, explore
from satlib.analysis.attention_maps import attended, merging_weights
from satlib.analysis.layer_tokens import Features
from satlib.analysis.patch_features import patch_features
from satlib.images.inputs import small_image

IMAGE = small_image(PHOTO)  # (3, 24, 32)


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


def test_a_pixel_is_typed_or_clicked() -> None:
    explorer = explore.density(None, PHOTO)
    assert (explorer.row.value, explorer.column.value) == (12, 16)
    explorer.photo.clicked = (0.999, 0.5 / 24)
    assert (explorer.row.value, explorer.column.value, explorer.token) == (0, 31, 31)
    explorer.photo.clicked = (1.0, 1.0)
    assert explorer.token == 24 * 32 - 1
    explorer.photo.clicked = (-0.01, 5.5 / 24)
    assert (explorer.row.value, explorer.column.value) == (5, 0)
    explorer.column.value = 7
    assert explorer.token == 5 * 32 + 7
    assert "pixel 5, 7 " in explorer.numbers.value
    explorer.row.value = 99
    assert explorer.row.value == 23, "what is typed stays in the image"


def test_a_click_is_computed_once() -> None:
    explorer = explore.density(None, PHOTO)
    drawn: list[object] = []
    explorer.photo.observe(drawn.append, names="marked")
    explorer.photo.clicked = (0.1, 0.1)
    assert len(drawn) == 1


@pytest.mark.parametrize("layer", [None, 1])
def test_density_lights_up_the_most_similar_sampled_tokens(layer: int | None) -> None:
    explorer = explore.density(tiny(), PHOTO)
    explorer.layer.value = layer
    x = explorer.features.tokens(layer)[0]
    sample = explorer.result.sample[0]
    explorer.turn({explorer.row: 20, explorer.column: 3})
    by_similarity = sorted(
        (t for t in sample.tolist() if t != explorer.token), key=lambda t: -cosine(x[explorer.token], x[t])
    )
    found = explorer.neighborhood
    assert len(found.neighbors) == 2  # int(0.1 * 23)
    torch.testing.assert_close(
        found.similarity, torch.tensor([cosine(x[explorer.token], x[t]) for t in by_similarity[:2]]), rtol=0, atol=1e-6
    )


def test_a_sampled_pixel_has_the_density_of_the_library() -> None:
    explorer = explore.density(None, PHOTO)
    for place in (0, 40, 91):
        token = int(explorer.result.sample[0, place])
        explorer.turn({explorer.row: token // 32, explorer.column: token % 32})
        assert explorer.neighborhood.sampled
        assert token not in explorer.neighborhood.neighbors
        assert explorer.neighborhood.density == pytest.approx(float(explorer.result.density[0, place]), abs=1e-6)
        assert f"has density {explorer.result.density[0, place]:.3f}" in explorer.numbers.value


def test_every_knob_of_density_changes_the_outcome() -> None:
    explorer = explore.density(tiny(), PHOTO)
    changes = {
        explorer.keep_ratio: 0.08,
        explorer.neighbors: 1.0,
        explorer.sampling: "grid",
        explorer.seed: 3,
        explorer.layer: 2,
    }
    for knob, value in changes.items():
        before, pictures, start = explorer.result, [content(p) for p in explorer.pictures], knob.value
        knob.value = value
        assert not torch.equal(explorer.result.density, before.density), knob.description
        assert all(content(p) != was for p, was in zip(explorer.pictures, pictures, strict=True))
        knob.value = start
        assert torch.equal(explorer.result.density, before.density)


def test_the_layers_of_density_see_what_the_network_does_there() -> None:
    model = tiny()
    model.train()
    features = Features(IMAGE, model)
    seen = attended(model, IMAGE, torch.tensor([0]))
    assert model.training
    for layer, one in enumerate(seen):
        made = features.aggregate(layer, model.config)
        for mine, theirs in zip(made, one.layer.aggregation, strict=True):
            torch.testing.assert_close(mine, theirs)


def test_aggregation_shows_the_cluster_of_the_pixel() -> None:
    explorer = explore.aggregation(None, PHOTO)
    explorer.turn({explorer.row: 3, explorer.column: 30})
    x = patch_features(IMAGE.unsqueeze(0))
    made = dta.aggregate(x, 23, grid=(24, 32), generator=torch.Generator().manual_seed(0))
    cluster = int(made.assignment[0, 3 * 32 + 30])
    members = [i for i, c in enumerate(made.assignment[0].tolist()) if c == cluster]
    merged = explorer.merged
    assert merged.members.tolist() == members
    assert merged.center == int(made.centers[0, cluster])
    similarity = [math.exp(cosine(x[0, i], x[0, merged.center]) / 0.1) for i in members]
    expected = torch.tensor([s / sum(similarity) for s in similarity])
    torch.testing.assert_close(merged.weights, expected, rtol=1e-4, atol=1e-6)
    token = sum(w * x[0, i] for w, i in zip(expected, members, strict=True))
    assert merged.before == pytest.approx(float(token.norm()), rel=1e-4)
    assert merged.after == pytest.approx(float(x.norm(dim=-1).max()), rel=1e-4)
    assert f"{len(members)} members" in explorer.numbers.value
    assert f"{merged.before:.3f} before and {merged.after:.3f} after" in explorer.numbers.value


def test_every_knob_of_aggregation_changes_the_outcome() -> None:
    explorer = explore.aggregation(tiny(), PHOTO)
    n = len(explorer.merged.members)
    assert n > 2
    explorer.aggregation.value = "mean"
    assert explorer.merged.weights.tolist() == pytest.approx([1 / n] * n)
    assert explorer.merged.counting == pytest.approx(n)
    explorer.aggregation.value = "center"
    assert explorer.merged.counting == pytest.approx(1)
    explorer.aggregation.value = "similarity"
    spread = explorer.merged.counting
    explorer.temperature.value = 0.003
    assert explorer.merged.counting < spread
    explorer.norm_restoration.value = "none"
    assert explorer.merged.after == pytest.approx(explorer.merged.before)
    explorer.norm_restoration.value = "mean"
    assert explorer.merged.after == pytest.approx(float(explorer.merged.norms.mean()), rel=1e-4)
    before = explorer.result
    explorer.layer.value = 2
    assert not torch.equal(explorer.result.tokens, before.tokens[..., :1])
    assert explorer.result.tokens.shape[2] == 8


@pytest.mark.slow
@pytest.mark.parametrize("size_bias", [False, True])
def test_attention_shows_what_the_layer_reads(size_bias: bool) -> None:
    model = tiny()
    model = model.with_config(model.config.replace(size_bias=size_bias))
    explorer = explore.attention(model, PHOTO)
    for row, column in ((23, 31), (11, 4)):
        explorer.turn({explorer.row: row, explorer.column: column})
        expected = attended(model, IMAGE, torch.tensor([row * 32 + column]))
        for layer, one in enumerate(expected):
            for head in (None, 1):
                explorer.turn({explorer.layer: layer, explorer.head: head})
                weights = one.weights[:, 0].mean(0) if head is None else one.weights[head, 0]
                pixels = one.pixels()[:, 0].mean(0) if head is None else one.pixels()[head, 0]
                torch.testing.assert_close(explorer.seen.weights, weights)
                torch.testing.assert_close(explorer.seen.pixels, pixels.view(24, 32))


def test_every_knob_of_attention_changes_the_picture() -> None:
    explorer = explore.attention(tiny(), PHOTO)
    seen = {explorer.pictures[1].value}
    for knob, value in {explorer.head: 1, explorer.layer: 2, explorer.row: 3, explorer.column: 30}.items():
        knob.value = value
        seen.add(explorer.pictures[1].value)
    assert len(seen) == 5
    assert f"of {explorer.seen.weights.numel()} aggregated tokens are read" in explorer.numbers.value
    assert float(explorer.seen.pixels.sum()) == pytest.approx(1, abs=1e-5)


def test_attention_needs_a_network() -> None:
    with pytest.raises(ValueError, match="model must be a network, its name or a file of weights, got None"):
        explore.attention(None, PHOTO)


def test_a_float64_network_is_taken() -> None:
    explorer = explore.attention(tiny().double(), PHOTO)
    assert explorer.seen.weights.dtype == torch.float64
    weights = merging_weights(explorer.features.tokens(0)[0], explorer.result)
    assert float(weights.sum()) == pytest.approx(int((explorer.result.counts > 0).sum()))
