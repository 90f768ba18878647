"""`satlib.explore`: knobs are turned as the reader turns them, and the outcome is looked at."""

import io

import pytest
import torch
from ipywidgets.widgets.widget import _instances
from PIL import Image

from satlib import SAT, SATConfig, explore, samples, trace
from satlib.dta import aggregate
from satlib.figures.centers import centers_on_image
from satlib.figures.show import png
from satlib.patches import low_resolution, patch_features

PHOTO = samples.load("coffee").resize((32, 24))


def tiny() -> SAT:
    torch.manual_seed(0)
    return SAT(SATConfig.preset("sat-tiny", scale=2, channels=8, heads=2, groups=(1, 2), window=(4, 8))).eval()


def test_it_starts_with_what_the_library_gives() -> None:
    explorer = explore.centers(PHOTO)
    image = low_resolution(PHOTO)
    expected = aggregate(
        patch_features(image.unsqueeze(0)), 23, grid=(24, 32), generator=torch.Generator().manual_seed(0)
    )
    for found, wanted in zip(explorer.result, expected, strict=True):
        assert torch.equal(found, wanted)
    assert explorer.picture.value == png(centers_on_image(image, expected), density=1, palette=False)
    assert explorer.numbers.value.startswith("768 tokens, 92 sampled, 23 centres; largest cluster ")


def test_every_knob_changes_the_outcome() -> None:
    explorer = explore.centers(PHOTO)
    changes = {
        explorer.beta: 8, explorer.keep_ratio: 0.08, explorer.neighbors: 1.0, explorer.sampling: "grid",
        explorer.seed: 3,
    }  # fmt: skip
    for knob, value in changes.items():
        before, picture, start = explorer.result, explorer.picture.value, knob.value
        knob.value = value
        assert not torch.equal(explorer.result.score, before.score), knob.description
        assert explorer.picture.value != picture
        knob.value = start
        assert torch.equal(explorer.result.centers, before.centers), "going back gives the same again"


def test_views_draw_the_same_result() -> None:
    explorer = explore.centers(PHOTO)
    result, pictures = explorer.result, set()
    for view in explore.VIEWS:
        explorer.view.value = view
        assert torch.equal(explorer.result.centers, result.centers)
        pictures.add(explorer.picture.value)
    assert len(pictures) == len(explore.VIEWS)


def test_layers_of_a_network_are_what_trace_gives_with_the_same_settings() -> None:
    model = tiny()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    explorer = explore.centers(PHOTO, model)
    labels = [label for label, _ in explorer.layer.options]
    assert labels == [
        explore.PATCHES, "layer 1: group 1, pair 1", "layer 2: group 2, pair 1", "layer 3: group 2, pair 2",
    ]  # fmt: skip
    explorer.layer.value, explorer.seed.value, explorer.beta.value = 2, 5, 2
    other = SAT(model.config.replace(seed=5, subsample=2, keep_ratio=0.03, neighbors=0.1)).eval()
    other.load_state_dict(weights)
    expected = trace(other, low_resolution(PHOTO).unsqueeze(0))[2].aggregation
    assert torch.equal(explorer.result.centers, expected.centers)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())


def test_a_network_draws_nothing_from_the_global_generator() -> None:
    explorer = explore.centers(PHOTO, tiny())
    before = torch.get_rng_state()
    explorer.layer.value = 0
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (1, 1)), Image.new("L", (300, 2)), Image.new("RGBA", (2, 300), (9, 9, 9, 0)),
        Image.new("P", (7, 5)), torch.zeros(3, 4, 5), torch.full((3, 2, 2), 7.0), torch.full((3, 3, 3), float("nan")),
    ],
    ids=["pixel", "wide", "tall", "palette", "black", "out of range", "nan"],
)  # fmt: skip
def test_odd_images_raise_nothing(image: Image.Image | torch.Tensor) -> None:
    explorer = explore.centers(image)
    for view in explore.VIEWS:
        explorer.view.value = view
    explorer.keep_ratio.value = 0.12
    assert Image.open(io.BytesIO(explorer.picture.value)).format == "PNG"


def test_a_tensor_and_its_photograph_are_the_same_image() -> None:
    image = explore.small_image(PHOTO)
    assert torch.equal(explore.small_image(image), image)


@pytest.mark.parametrize("image", ["coffee.png", None, torch.zeros(1, 3, 4, 4), torch.zeros(3, 0, 4)])
def test_what_is_no_image_is_named(image: object) -> None:
    with pytest.raises(ValueError, match=r"image must be a PIL image or a tensor \(3, H, W\), got "):
        explore.centers(image)


def test_it_is_displayed_as_a_widget() -> None:
    explorer = explore.centers(PHOTO)
    data, _ = explorer._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.widget.model_id


def test_close_leaves_no_widget_and_no_callback() -> None:
    before = set(_instances)
    explorer = explore.centers(PHOTO)
    picture = explorer.picture.value
    assert set(_instances) > before
    explorer.close()
    assert set(_instances) == before
    explorer.beta.value = 16
    assert explorer.picture.value == picture
