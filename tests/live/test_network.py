"""The network of book/live against satlib: every option, every preset, the bundled weights, and what is refused.

Both compute in float32 and round in another order. A token between two centres that are equally similar to it may then
join another one; the tests look whether it was that close.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from javascript import CHROMIUM, NODE, Javascript, ThrownError, chromium, javascript
from safetensors.torch import save_file
from test_plain import CHOICES, SHAPES, SMALL, lively
from torch import Tensor
from wasm_kernels import COMMITTED, compiled

from satlib import SAT, SATConfig, load, samples, save
from satlib.dta import normalize, separation, take
from satlib.network.blocks import Layer
from satlib.weights import bundled, bundled_names

RUNS = "tests/live/network_runs.mjs"
NEAR = 8 * 2.0**-20
"""Similarities this close are a near-tie: some steps of what similarities are compared in."""
GRIDS = [(1, 1), (1, 2), (5, 7), (13, 10)]
RANDOM = {"tolerance": 1e-5, "after_tie": np.inf}
"""What random networks may differ by: they amplify, and a token that joins another of few clusters changes much."""
Image = dict[str, Any]


@pytest.fixture(scope="module")
def engine() -> Iterator[Javascript]:
    with javascript() as engine:
        yield engine


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compiled(tmp_path_factory.mktemp("live"), checked=True).read_bytes()


def picture(height: int, width: int, channels: int = 3) -> Tensor:
    """A cut of a photograph, (1, channels, H, W), whose channels are red, green and blue over and over."""
    photo = np.array(samples.load("chelsea").convert("RGB"))[40:, 60:]
    tiled = np.tile(photo, (1 + height // len(photo), 1 + width // photo.shape[1], 1))[:height, :width]
    return torch.from_numpy(tiled).permute(2, 0, 1)[None, torch.arange(channels) % 3] / 255


def given(x: Tensor, **more: Any) -> Image:
    """An image as the network of the page takes it."""
    return {"image": x[0].permute(1, 2, 0).numpy(), "height": x.shape[2], "width": x.shape[3], **more}


def bytes_of(model: SAT, folder: Path) -> bytes:
    save(model, folder / "network.safetensors")
    return (folder / "network.safetensors").read_bytes()


def run(model: SAT, x: Tensor) -> tuple[np.ndarray, list[Layer]]:
    kept: list[Layer] = []
    with torch.no_grad():
        out = model(x, kept=kept)
    return out[0].permute(1, 2, 0).numpy(), kept


def assert_swapped(found: dict[str, np.ndarray], layer: Layer) -> None:
    """Check that other centres come from nearly equal scores, or from the order of nearly equal densities."""
    sample, rho = layer.aggregation.sample, torch.from_numpy(found["density"].copy())[None]
    torch.testing.assert_close(rho, layer.aggregation.density, rtol=0, atol=NEAR)
    score = (rho * separation(normalize(take(layer.tokens, sample)), rho))[0]
    lowest = score.sort(descending=True).values[len(found["centers"]) - 1]
    chosen = torch.isin(sample[0], torch.from_numpy(found["centers"].copy()))
    assert (score[chosen] >= lowest - NEAR).all() and (score[~chosen] <= lowest + NEAR).all()


def tied(found: dict[str, np.ndarray], layer: Layer) -> bool:
    """Return whether a layer has chosen otherwise than satlib; what it has chosen then lies near a tie."""
    made = layer.aggregation
    theirs, ours = torch.from_numpy(found["centers"].copy()).long(), made.centers[0]
    if set(theirs.tolist()) != set(ours.tolist()):
        assert_swapped(found, layer)
        return True
    theirs, ours = theirs[torch.from_numpy(found["assignment"].copy()).long()], ours[made.assignment[0]]
    moved = (theirs != ours).nonzero()[:, 0]
    token, one, other = (normalize(take(layer.tokens, t[None]))[0] for t in (moved, theirs[moved], ours[moved]))
    assert (((token * one).sum(-1) - (token * other).sum(-1)).abs() <= NEAR).all()
    return len(moved) > 0


def assert_same(found: dict[str, Any], model: SAT, x: Tensor, tolerance: float = 2e-6, after_tie: float = 2e-5) -> None:
    """Compare a result with satlib's: up to the first near-tie each choice, and the picture."""
    wanted, layers = run(model, x)
    assert (found["height"], found["width"]) == wanted.shape[:2]
    assert len(found["layers"]) == len(layers)
    near_tie = False
    for theirs, layer in zip(found["layers"], layers, strict=True):
        assert theirs["sample"].tolist() == layer.aggregation.sample[0].tolist()
        near_tie = near_tie or tied(theirs, layer)  # what comes after one is another network's work
    difference = float(np.abs(found["upscaled"].reshape(wanted.shape) - wanted).max())
    assert difference <= (after_tie if near_tie else tolerance * max(1.0, float(np.abs(wanted).max())))


@pytest.mark.slow
@pytest.mark.parametrize("options", [*SHAPES, *CHOICES], ids=str)
def test_every_option_at_sizes_from_1x1(options, engine: Javascript, checked: bytes, tmp_path: Path) -> None:
    model = lively(SMALL.replace(**options)).float()
    pictures = [picture(*grid, model.in_channels) for grid in GRIDS]
    results = engine(RUNS, "upscale", checked, bytes_of(model, tmp_path), [given(x) for x in pictures])
    for found, x in zip(results, pictures, strict=True):
        assert_same(found, model, x, **RANDOM)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "overrides"),
    [
        *(("sat-light", {"groups": (1, 2), "scale": scale}) for scale in (2, 3, 4)),
        *(("sat-tiny", {"scale": scale}) for scale in (2, 3, 4)),
        ("sat", {"channels": 36, "groups": (1, 2), "upsampler_channels": 8}),
        ("sat-released", {"channels": 36, "groups": (1, 2), "upsampler_channels": 8}),
    ],
)
def test_presets(preset, overrides, engine: Javascript, checked: bytes, tmp_path: Path) -> None:
    model = lively(SATConfig.preset(preset, **overrides)).float()
    pictures = [picture(9, 6), picture(20, 33)]
    results = engine(RUNS, "upscale", checked, bytes_of(model, tmp_path), [given(x) for x in pictures])
    for found, x in zip(results, pictures, strict=True):
        assert_same(found, model, x, **RANDOM)


@pytest.mark.slow
@pytest.mark.parametrize("name", bundled_names())
def test_bundled_networks(name: str, engine: Javascript) -> None:
    model, weights = load(name), bundled(name).read_bytes()
    pictures = [picture(*grid) for grid in ((1, 1), (2, 2), (17, 9), (50, 71), (96, 96))]
    results = engine(RUNS, "upscale", COMMITTED.read_bytes(), weights, [given(x) for x in pictures])
    for found, x in zip(results, pictures, strict=True):
        assert_same(found, model, x)
        assert found["progress"][-1] == 1 and found["progress"] == sorted(found["progress"])
        assert found["bytes"] <= 32 * 2**20


@pytest.mark.slow
@pytest.mark.parametrize("name", bundled_names())
def test_bundled_networks_at_128_pixels(name: str, engine: Javascript) -> None:
    x = picture(128, 128)
    (found,) = engine(RUNS, "upscale", COMMITTED.read_bytes(), bundled(name).read_bytes(), [given(x)])
    assert_same(found, load(name), x)
    assert found["bytes"] <= 40 * 2**20


def test_what_a_query_reads_is_satlibs(engine: Javascript) -> None:
    name, x, query = bundled_names()[0], picture(17, 9), 77
    model = load(name)
    (found,) = engine(RUNS, "upscale", COMMITTED.read_bytes(), bundled(name).read_bytes(), [given(x, query=query)])
    _, layers = run(model, x)
    for theirs, layer, attention in zip(found["layers"], layers, model.saa_layers(), strict=True):
        with torch.no_grad():
            weights = attention.weights(layer.tokens[:, [query]], layer.aggregation)[0, :, 0]
        np.testing.assert_allclose(theirs["reading"].reshape(weights.shape), weights, atol=1e-5)
        np.testing.assert_allclose(theirs["density"], layer.aggregation.density[0], atol=1e-5)
        np.testing.assert_allclose(theirs["score"], layer.aggregation.score[0], atol=1e-5)


def test_knobs_are_the_options_of_satlib(engine: Javascript) -> None:
    name, x = bundled_names()[0], picture(24, 30)
    knobs = [
        {"keep_ratio": 0.1},
        {"subsample": 8},
        {"temperature": 0.02},
        {"size_bias": True},
        {"sampling": "strips"},
        {"aggregation": "mean"},
        {"norm_restoration": "none"},
    ]
    images = [given(x, options=options) for options in knobs]
    images += [given(x, options={"neighbors": {"value": 0.5, "share": True}})]
    images += [given(x, options={"neighbors": {"value": 3, "share": False}})]
    results = engine(RUNS, "upscale", COMMITTED.read_bytes(), bundled(name).read_bytes(), images)
    for found, options in zip(results, [*knobs, {"neighbors": 0.5}, {"neighbors": 3}], strict=True):
        assert_same(found, load(name, **options), x)


def test_another_pictures_tokens_can_be_read(engine: Javascript) -> None:
    name, x, other = bundled_names()[0], picture(16, 16), picture(20, 12).flip(2)
    found = engine(RUNS, "swapped", COMMITTED.read_bytes(), bundled(name).read_bytes(), given(x), given(other))
    model = load(name)
    with torch.no_grad():
        read = [layer.aggregation for layer in run(model, other)[1]]
        wanted = model(x, read=read)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found["upscaled"].reshape(wanted.shape), wanted, atol=2e-6)


def test_defaults_are_those_of_satlib(engine: Javascript) -> None:
    wanted = SATConfig(scale=2).to_dict()
    del wanted["scale"]
    assert engine(RUNS, "defaults") == wanted


@pytest.mark.parametrize(("neighbors", "share"), [(1, False), (1.0, True), (0.1, True), (7, False)])
def test_a_share_is_told_from_a_number(neighbors: float, share: bool, engine: Javascript) -> None:
    config = SATConfig(scale=2, neighbors=neighbors, seed=2**63 - 1)
    found = engine(RUNS, "configuration", json.dumps(config.to_dict()))
    assert found["neighbors"] == {"value": neighbors, "share": share}
    assert found["seed"] == str(2**63 - 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sampling": "hexagons"}, 'sampling "hexagons" is not known here; stratified, strips, grid, random are'),
        ({"aggregation": "median"}, 'aggregation "median" is not known here'),
        ({"upsampler": "nearest"}, 'upsampler "nearest" is not known here'),
        ({"scale": 5}, "scale 5 is not known here; 1, 2, 3, 4, 8 are"),
        ({"rotary": True}, "the option rotary is not known here"),
        ({"keep_ratio": 2}, "keep_ratio must be in 1e-9..1 here, got 2"),
        ({"temperature": 0}, "temperature must be in 0.000001..1000000000 here, got 0"),
        ({"neighbors": {"value": 0}}, "neighbors must be positive, got 0"),
    ],
)
def test_what_is_not_there_is_refused_by_name(change: Image, message: str, engine: Javascript) -> None:
    config = SATConfig(scale=2).to_dict() | {"neighbors": {"value": 0.1, "share": True}}
    engine(RUNS, "check", config)
    with pytest.raises(ThrownError) as thrown:
        engine(RUNS, "check", config | change)
    assert message in str(thrown.value)


def test_files_that_are_not_ours_are_refused(engine: Javascript, tmp_path: Path) -> None:
    model = SAT(SMALL)
    state, config = model.state_dict(), json.dumps(SMALL.to_dict())
    ours = {"format": "satlib", "config": config}
    short = {name: tensor for name, tensor in state.items() if name != "groups.0.blocks.1.mlp.gate.bias"}
    files = [
        ("the file was not written by satlib", state, {"format": "pt"}),
        ("has the type BF16, which is not known here; F16 and F32 are", model.bfloat16().state_dict(), ours),
        ("the weights lack groups.0.blocks.1.mlp.gate.bias", short, ours),
        ("head.weight has 1 numbers, not 432", {**state, "head.weight": torch.zeros(1)}, ours),
    ]
    contents = [("the file is no safetensors file", b"nothing")]
    contents += [("the file is cut off", bytes_of(SAT(SMALL), tmp_path)[:-8])]
    for message, tensors, header in files:
        save_file(tensors, tmp_path / "file.safetensors", metadata=header)
        contents.append((message, (tmp_path / "file.safetensors").read_bytes()))
    for message, content in contents:
        with pytest.raises(ThrownError) as thrown:
            engine(RUNS, "upscale", COMMITTED.read_bytes(), content, [given(picture(3, 2))])
        assert message in str(thrown.value)


@pytest.mark.parametrize("size", [(0, 4), (257, 4)])
def test_sizes_have_a_limit(size: tuple[int, int], engine: Javascript) -> None:
    height, width = size
    image = {"image": np.zeros(3 * height * width, np.float32), "height": height, "width": width}
    weights = bundled(bundled_names()[0]).read_bytes()
    with pytest.raises(ThrownError, match=f"a picture has 1 to 256 pixels on a side, got {width} x {height}"):
        engine(RUNS, "upscale", COMMITTED.read_bytes(), weights, [image])


def test_a_picture_of_other_channels_is_refused(engine: Javascript, tmp_path: Path) -> None:
    weights = bytes_of(SAT(SMALL.replace(in_channels=1)), tmp_path)
    with pytest.raises(ThrownError, match="a picture of 4 x 3 pixels has 12 numbers here, got 36"):
        engine(RUNS, "upscale", COMMITTED.read_bytes(), weights, [given(picture(3, 4))])


def test_a_picture_that_does_not_fit_is_said_not_to(engine: Javascript) -> None:
    name, x = bundled_names()[0], picture(24, 20)
    found = engine(RUNS, "crowded", COMMITTED.read_bytes(), bundled(name).read_bytes(), 2**18, given(x))
    assert found["words"] == "RangeError: the picture needs more than 512 MiB, the most that this page takes"
    assert_same(found, load(name), x)


@pytest.mark.slow
@pytest.mark.skipif(NODE is None or CHROMIUM is None, reason="node and Chromium are not both on the path")
def test_a_browser_gives_the_same_numbers(engine: Javascript) -> None:
    given_all = COMMITTED.read_bytes(), bundled(bundled_names()[0]).read_bytes(), [given(picture(17, 9))]
    with chromium() as browser:
        (theirs,) = browser(RUNS, "upscale", *given_all)
    (ours,) = engine(RUNS, "upscale", *given_all)
    np.testing.assert_array_equal(theirs["upscaled"], ours["upscaled"])
