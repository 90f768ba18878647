"""`satlib.explore`: what all explorers share, and `centers`. Knobs are turned, and the outcome is looked at."""

import asyncio
from collections.abc import Callable
from typing import Any

import ipywidgets
import pytest
import torch
from explorers import EXPLORERS, PHOTO, check_shown, content, tiny
from ipywidgets.widgets.widget import _instances
from PIL import Image

from satlib import SAT, explore, trace
from satlib.analysis.layer_tokens import PATCHES
from satlib.analysis.patch_features import patch_features
from satlib.dta import aggregate
from satlib.explore import explorer as base
from satlib.explore.centers_explorer import VIEWS
from satlib.explore.layer_picture import DTYPES
from satlib.figures.dta.centers import decision_graph
from satlib.figures.kit.show import quick_png
from satlib.images.degradation import low_resolution

each = pytest.mark.parametrize("make", EXPLORERS.values(), ids=EXPLORERS)
each_of_an_image = pytest.mark.parametrize("make", list(EXPLORERS.values())[:7], ids=list(EXPLORERS)[:7])


def test_the_package_has_eight_explorers() -> None:
    assert sorted(EXPLORERS) == explore.__all__


@each
def test_it_is_a_widget_that_displays_itself(make: Callable[[Any], Any]) -> None:
    explorer = make(PHOTO)
    assert isinstance(explorer, ipywidgets.Widget)
    data = explorer._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.model_id
    assert data["text/plain"] == f"<{type(explorer).__name__}, a widget for JupyterLab>"


@each
def test_every_picture_shows_something_and_has_alternative_text(make: Callable[[Any], Any]) -> None:
    explorer = make(PHOTO)
    assert explorer.pictures
    for picture in explorer.pictures:
        check_shown(picture)
    assert len({picture.alt for picture in explorer.pictures}) == len(explorer.pictures)


@each
def test_close_leaves_no_widget_and_no_callback(make: Callable[[Any], Any]) -> None:
    before = set(_instances)
    explorer = make(PHOTO)
    pictures = [content(picture) for picture in explorer.pictures]
    knob = next(knob for knob in explorer.knobs if isinstance(knob, ipywidgets.Dropdown))
    assert len(set(_instances) - before) > 10
    explorer.close()
    explorer.close()
    assert set(_instances) == before
    knob.value = knob.options[-1] if isinstance(knob.options[-1], str) else knob.options[-1][1]
    assert [content(picture) for picture in explorer.pictures] == pictures


@each_of_an_image
def test_what_is_no_image_is_named_and_leaves_no_widget(make: Callable[[Any], Any]) -> None:
    before = set(_instances)
    with pytest.raises(ValueError, match=r"image must be a path, a PIL image, an array or a tensor \(3, H, W\), got "):
        make(None)
    with pytest.raises(FileNotFoundError, match="no_such_photograph.png"):
        make("no_such_photograph.png")
    assert set(_instances) == before


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (7, ValueError, "model must be a SAT, a name such as 'sat-tiny-x2', a file of weights or None, got int"),
        (PHOTO, ValueError, "model must be a SAT, .* got Image"),
        ("sat-giant-x2", ValueError, "unknown model 'sat-giant-x2'"),
        ("sat-light-x8", FileNotFoundError, "no trained weights are bundled for 'sat-light-x8'"),
    ],
)
def test_what_is_no_network_is_named(model: object, error: type[Exception], message: str) -> None:
    for make in (explore.centers, explore.aggregation, explore.attention, explore.windows):
        with pytest.raises(error, match=message):
            make(model, PHOTO)


def test_an_error_inside_an_update_is_shown_and_keeps_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    explorer = explore.centers(None, PHOTO)
    pictures, result = [content(picture) for picture in explorer.pictures], explorer.result

    def fail(*settings: object) -> None:
        raise RuntimeError("no <memory> left")

    with monkeypatch.context() as patch:
        patch.setattr("satlib.explore.centers_explorer.quick_png", fail)
        explorer.beta.value = 8
    assert "RuntimeError: no &lt;memory&gt; left" in explorer.numbers.value
    assert [content(picture) for picture in explorer.pictures] == pictures
    assert explorer.result is result
    explorer.beta.value = 12
    assert all(content(picture) != before for picture, before in zip(explorer.pictures, pictures, strict=True))
    assert "768 tokens" in explorer.numbers.value


def test_an_error_in_the_first_picture_is_raised_and_leaves_no_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*settings: object) -> None:
        raise RuntimeError("no font")

    before = set(_instances)
    monkeypatch.setattr("satlib.explore.centers_explorer.quick_png", fail)
    with pytest.raises(RuntimeError, match="no font"):
        explore.centers(None, PHOTO)
    assert set(_instances) == before


def test_heavy_work_waits_for_the_knobs_to_rest_and_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "DELAY", 0.01)
    drawn = []

    async def turn_knobs() -> None:
        explorer = explore.centers(None, PHOTO)
        explorer.picture.observe(lambda change: drawn.append(change["new"]), names="layer")
        explorer.seconds = 10.0  # as if the last change had taken so long
        before = explorer.numbers.value
        for beta in (8, 12, 16):
            explorer.beta.value = beta
        assert drawn == []
        assert base.COMPUTING in explorer.numbers.value
        await asyncio.sleep(0.2)
        assert len(drawn) == 1, "three changes are computed once"
        assert "92 sampled" in before
        assert "368 sampled" in explorer.numbers.value
        explorer.seconds = 10.0
        explorer.beta.value = 2
        explorer.settle()
        assert len(drawn) == 2
        await asyncio.sleep(0.05)
        assert len(drawn) == 2, "what is settled is not computed again"
        explorer.seconds = 10.0
        explorer.beta.value = 4
        explorer.close()
        await asyncio.sleep(0.05)
        assert len(drawn) == 2, "a closed explorer computes nothing"

    asyncio.run(turn_knobs())


def test_light_work_is_done_at_once_also_in_a_notebook() -> None:
    async def turn_knob() -> None:
        explorer = explore.centers(None, PHOTO)
        before, explorer.seconds = content(explorer.picture), 0.0
        explorer.beta.value = 8
        assert content(explorer.picture) != before

    asyncio.run(turn_knob())


def test_several_knobs_are_turned_at_once() -> None:
    explorer = explore.centers(None, PHOTO)
    drawn: list[object] = []
    explorer.picture.observe(drawn.append, names="layer")
    explorer.turn({explorer.beta: 8, explorer.seed: 3})
    assert len(drawn) == 1
    explorer.turn({explorer.beta: 8, explorer.seed: 3})
    assert len(drawn) == 1, "nothing changed"


def test_centers_start_with_what_the_library_gives() -> None:
    explorer = explore.centers(None, PHOTO)
    image = low_resolution(PHOTO)
    expected = aggregate(
        patch_features(image.unsqueeze(0)), 23, grid=(24, 32), generator=torch.Generator().manual_seed(0)
    )
    for found, wanted in zip(explorer.result, expected, strict=True):
        assert torch.equal(found, wanted)
    assert explorer.picture.drawings == ["sample", "centers"]
    assert set(explorer.picture.layer) == {"sample", "centers"}
    for name, sent in explorer.picture.layer.items():
        assert sent == {"dtype": DTYPES[name], "bytes": getattr(expected, name)[0].int().numpy().tobytes()}
    assert explorer.pictures[1].value == quick_png(decision_graph(expected))
    assert "768 tokens, 92 sampled, 23 centres; largest cluster " in explorer.numbers.value


def test_every_knob_of_centers_changes_the_outcome() -> None:
    explorer = explore.centers(None, PHOTO)
    changes = {
        explorer.beta: 8,
        explorer.keep_ratio: 0.08,
        explorer.neighbors: 1.0,
        explorer.sampling: "grid",
        explorer.seed: 3,
    }
    for knob, value in changes.items():
        before, pictures, start = explorer.result, [content(p) for p in explorer.pictures], knob.value
        knob.value = value
        assert not torch.equal(explorer.result.score, before.score), knob.description
        assert all(content(p) != was for p, was in zip(explorer.pictures, pictures, strict=True))
        knob.value = start
        assert torch.equal(explorer.result.centers, before.centers), "going back gives the same again"


def test_views_draw_the_same_result() -> None:
    explorer = explore.centers(None, PHOTO)
    result, drawn = explorer.result, set()
    for view in VIEWS:
        explorer.view.value = view
        assert torch.equal(explorer.result.centers, result.centers)
        drawn.add((*explorer.picture.drawings, explorer.picture.alt))
    assert len(drawn) == len(VIEWS)


def test_layers_of_a_network_are_what_trace_gives_with_the_same_settings() -> None:
    model = tiny()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    config = model.config
    explorer = explore.centers(model, PHOTO)
    labels = [label for label, _ in explorer.layer.options]
    assert labels == [
        PATCHES,
        "layer 1: group 1, pair 1",
        "layer 2: group 2, pair 1",
        "layer 3: group 2, pair 2",
    ]
    explorer.layer.value, explorer.seed.value, explorer.beta.value = 2, 5, 2
    other = SAT(config.replace(seed=5, subsample=2, keep_ratio=0.03, neighbors=0.1)).eval()
    other.load_state_dict(weights)
    layers = trace(other, low_resolution(PHOTO).unsqueeze(0))
    for number in (2, 0, 1):  # the pass ends with the layer; an earlier one is already there
        explorer.layer.value = number
        assert torch.equal(explorer.result.centers, layers[number].aggregation.centers)
    explorer.turn({explorer.layer: 0, explorer.beta: 3})
    shallow = explorer.result
    explorer.layer.value = 1  # deeper than the last pass went
    assert shallow.sample.shape[1] == explorer.result.sample.shape[1] != layers[0].aggregation.sample.shape[1]
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert {module.config for module in model.modules() if hasattr(module, "config")} == {config}


def test_a_bundled_network_is_taken_by_name() -> None:
    explorer = explore.centers("sat-tiny-x2", Image.new("RGB", (9, 8), "teal"))
    assert len(explorer.layer.options) == 7
    explorer.layer.value = 5
    assert explorer.result.assignment.shape == (1, 72)


def test_explorers_draw_nothing_from_the_global_generator() -> None:
    state = torch.get_rng_state()
    explorer = explore.centers(tiny(), PHOTO)
    torch.set_rng_state(state)
    explorer.layer.value = 1
    explorer.layer.value = None
    explorer.beta.value = 6
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", ["centers", "density", "aggregation", "attention"])
def test_no_list_is_ever_empty(name: str) -> None:
    """Where the value of an option is None, too: at first, after a choice, and as the front end chooses, by index."""
    explorer = getattr(explore, name)(tiny(), PHOTO)
    knob = explorer.head if name == "attention" else explorer.layer
    label, value = knob.options[0]
    assert value is None
    assert (knob.index, knob.label) == (0, label)
    for attribute, first in (("value", None), ("index", 0), ("label", label)):
        knob.index = 1
        assert knob.value == 0
        setattr(knob, attribute, first)
        assert (knob.index, knob.label, knob.value) == (0, label, None)
