"""Networks as ONNX files: the twin, the sampler, the file, and what an export refuses.

The exporter takes half a minute, so that one network of two pairs, of shifted windows and others, is exported for all.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper
from slowness import slow_but

from satlib import SAT, SATConfig
from satlib.network.geometry import eval_sample
from satlib.weights.portable import check, export, file, knobs
from satlib.weights.portable.check import TOLERANCE, compare, session
from satlib.weights.portable.graph import INPUTS, OUTPUTS, PICTURE, exploring_graph, in_float32, picture_graph
from satlib.weights.portable.network import Portable
from satlib.weights.portable.sampler import CELLS, sampler
from satlib.weights.portable.windows import roll

SMALL = SATConfig.preset("sat-tiny", 2).replace(
    groups=(2,), channels=8, heads=2, window=(4, 8), position_channels=4, gate_kernel=3, upsampler_channels=8
)
GRIDS = [(1, 1), (2, 1), (1, 2), (17, 9), (50, 71), (96, 96), (128, 128)]
OPTIONS = [
    {},
    {"aggregation": "mean"},
    {"aggregation": "center"},
    {"norm_restoration": "mean"},
    {"norm_restoration": "none"},
    {"size_bias": True},
    {"mask_padding": False},
    {"sampling": "grid"},
    {"sampling": "strips"},
    {"neighbors": 1},
    {"window": (8, 4)},
    {"window": (3, 3)},
    {"heads": 4, "qkv_bias": True},
    {"groups": (1, 2)},
    {"scale": 3},
    {"scale": 4, "upsampler": "classic"},
    {"scale": 1},
    {"scale": 1, "upsampler": "classic"},
    {"in_channels": 1},
    {"in_channels": 5, "upsampler": "classic"},
]


class Files(NamedTuple):
    """The network that was exported, with weights in float16, and its two graphs."""

    model: SAT
    exploring: onnx.ModelProto
    picture: onnx.ModelProto


def network(config: SATConfig) -> SAT:
    """A network whose parts all matter."""
    torch.manual_seed(0)
    model = SAT(config).eval()
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            parameter.data.normal_(std=0.5 if "biases" in name else 0.2)
    return model


def noise(grid: tuple[int, int], channels: int = 3) -> torch.Tensor:
    """An image without near ties, where engines that round differently may choose differently."""
    return torch.rand(1, channels, *grid, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def files() -> Files:
    model = in_float32(network(SMALL), half=True)
    exploring = exploring_graph(model)
    return Files(model, exploring, picture_graph(exploring, sampler(SMALL), SMALL))


def twin_of(model: SAT, image: torch.Tensor) -> check.Arrays:
    """What the twin makes of an image, as a file would give it."""
    given = knobs(model.config, (image.shape[2], image.shape[3]))
    with torch.no_grad():
        got = Portable(in_float32(model, half=False))(image, *(torch.from_numpy(given[x]) for x in INPUTS[1:]))
    return {"samples": given["samples"], **{x: y.numpy() for x, y in zip(OUTPUTS, got, strict=True)}}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("grid", slow_but([(13, 10)], [(1, 1), (1, 9), (13, 10), (24, 32)]))
def test_the_twin_is_the_network(options: dict[str, object], grid: tuple[int, int]) -> None:
    model = network(SMALL.replace(**options))
    image = noise(grid, model.in_channels)
    found = compare(model, image, twin_of(model, image))
    assert (found.difference < 2e-5, found.samples, found.centers) == (True, True, 1), found
    assert found.tokens > 0.99


@pytest.mark.parametrize("grid", [(1, 1), (13, 10), (24, 32)])
def test_what_the_twin_tells_is_what_the_network_chose(grid: tuple[int, int]) -> None:
    model, image = network(SMALL), noise(grid)
    got, layers = twin_of(model, image), model.layers(image)
    for i, own in enumerate(layer.aggregation for layer in layers):
        assert np.abs(got["density"][i] - own.density[0].numpy()).max() < 1e-5
        assert np.array_equal(np.sort(got["counts"][i]), np.sort(own.counts[0].numpy()))
        total = np.bincount(got["assignment"][i], got["merging"][i])
        assert np.allclose(total[total > 0], 1, atol=1e-5)
        assert np.abs(got["score"][i] - got["density"][i] * got["separation"][i]).max() < 1e-6


def test_a_near_tie_may_change_the_picture_a_little_and_nothing_else_may() -> None:
    limits = [(2e-6, False), (3e-6, False), (2e-5, True), (3e-5, True), (float("nan"), True)]
    kept = [check.Agreement((2, 2), difference, True, 1, 0.75, tied).good for difference, tied in limits]
    assert kept == [True, False, True, False, False]


def test_tokens_that_join_another_center_are_looked_at() -> None:
    tokens = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0 + 1e-6], [1.0, 0.5]])
    joined, moved = torch.tensor([0, 1, 0, 0]), torch.tensor([0, 1, 1, 0])
    assert check.largest_gap(tokens, joined, moved) < check.NEAR
    moved[3] = 1
    assert check.largest_gap(tokens, joined, moved) == pytest.approx(0.5 / 1.25**0.5, rel=1e-5)


@pytest.mark.parametrize("other", [0, 1])
def test_a_token_in_a_cluster_far_from_it_is_no_near_tie(other: int) -> None:
    model, image = network(SMALL), noise((13, 10))
    got = twin_of(model, image)
    before = compare(model, image, got)
    got["assignment"] = got["assignment"].copy()
    got["assignment"][0, 5] = (got["assignment"][0, 5] + 1 + other) % got["centers"].shape[1]
    found = compare(model, image, got)
    assert before.tokens == 1 and found.tokens < 1
    assert not found.tied and found.difference == before.difference


SAMPLINGS = [
    *({"sampling": name} for name in CELLS),
    {"neighbors": 3},
    {"neighbors": 0.9},
    {"subsample": 1},
    {"subsample": 1e9},
    {"keep_ratio": 0.3, "subsample": 2.5, "seed": 2**40 + 7},
    {"keep_ratio": 1.0},
    {"groups": (1, 2)},
    {"in_channels": 1},
]


@pytest.mark.parametrize("options", SAMPLINGS, ids=str)
def test_a_file_draws_the_networks_samples_bit_for_bit(options: dict[str, object]) -> None:
    config = SMALL.replace(**options)
    graph = sampler(config)
    onnx.checker.check_model(graph)
    run = session(graph)
    for grid in [*GRIDS, (1, 40), (313, 3)]:
        drawn, k, m = run.run(None, {"image": np.zeros((1, config.in_channels, *grid), np.float32)})
        wanted = knobs(config, grid)
        assert np.array_equal(drawn, wanted["samples"]), grid
        assert (k, m) == (wanted["n_centers"], wanted["n_neighbors"]), grid
    layers = [eval_sample(config, (313, 3), layer).tolist() for layer in range(sum(config.groups))]
    assert drawn.tolist() == layers


def test_slices_roll_as_torch_does() -> None:
    x = torch.arange(5 * 7).view(5, 7)
    for shifts in ((0, 0), (-2, 3), (1, 0), (0, -6)):
        assert torch.equal(roll(x, *shifts), x.roll(shifts, (0, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("grid", GRIDS)
def test_a_file_makes_the_networks_picture(files: Files, grid: tuple[int, int]) -> None:
    image = noise(grid)
    (picture,) = session(files.picture).run(None, {"image": image.numpy()})
    with torch.no_grad():
        wanted = files.model(image).numpy()
    assert picture.shape == wanted.shape
    assert np.abs(picture - wanted).max() <= TOLERANCE


MOVED = [
    {},
    {"keep_ratio": 0.01},
    {"keep_ratio": 0.5, "subsample": 2},
    {"subsample": 10},
    {"temperature": 0.02},
    {"temperature": 1.0},
    {"neighbors": 0.5},
    {"neighbors": 1},
    {"neighbors": 7},
    {"sampling": "grid"},
    {"seed": 5},
]


@pytest.mark.slow
@pytest.mark.parametrize("options", MOVED, ids=str)
def test_knobs_move_a_file_as_they_move_the_network(files: Files, options: dict[str, object]) -> None:
    model = files.model.with_config(SMALL.replace(**options))
    run = session(files.exploring)
    for grid in ((8, 8), (41, 30)):
        image, given = noise(grid), knobs(model.config, grid)
        got = dict(zip(OUTPUTS, run.run(OUTPUTS, {"image": image.numpy(), **given}), strict=True))
        found = compare(model, image, {**got, "samples": given["samples"]})
        assert found.difference < 2e-5 and found.centers == 1 and found.tokens > 0.99, found
        k, n, s = given["n_centers"], grid[0] * grid[1], given["samples"].shape[1]
        shapes = {x: got[x].shape for x in OUTPUTS[1:]}
        lengths = {"centers": k, "counts": k, "assignment": n, "merging": n}
        assert shapes == {x: (2, lengths.get(x, s)) for x in OUTPUTS[1:]}


@pytest.mark.slow
def test_a_file_says_what_it_is(files: Files) -> None:
    for graph in (files.picture, files.exploring):
        onnx.checker.check_model(graph)
        said = session(graph).get_modelmeta().custom_metadata_map
        assert SATConfig.from_dict(json.loads(said["config"])) == SMALL
        assert (said["scale"], said["format"]) == ("2", "satlib")
    assert [v.name for v in files.picture.graph.input] == ["image"]
    assert [v.name for v in files.picture.graph.output] == [PICTURE]
    assert [v.name for v in files.exploring.graph.input] == list(INPUTS)


@pytest.mark.slow
def test_weights_in_float16_are_stored_so_and_lose_nothing_more(files: Files) -> None:
    stored = [numpy_helper.to_array(t) for t in files.exploring.graph.initializer]
    wide = {p.numel() for p in files.model.parameters()} & {a.size for a in stored if a.dtype == np.float32}
    assert max(wide) < 64  # what is longer, and is no weight, is the position bias, 2 halves of 105 offsets
    convolution = files.model.body_conv.weight.numpy().astype(np.float16)
    assert any(a.dtype == np.float16 and np.array_equal(a.ravel(), convolution.ravel()) for a in stored)


def broken(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A graph of another network: one weight of the last convolution has another sign."""
    other = onnx.ModelProto()
    other.CopyFrom(graph)
    (last,) = (t for t in other.graph.initializer if t.name.startswith("model.upsampler.0.bias"))
    last.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(last) + np.float32(0.01), last.name))
    return other


@pytest.mark.slow
def test_a_file_is_checked_before_it_is_there(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "exploring_graph", lambda model: files.exploring)
    for explore in (False, True):
        found = export(files.model, tmp_path / "net.onnx", explore=explore)
        assert [agreement.grid for agreement in found] == list(check.GRIDS)
        assert all(agreement.good for agreement in found)
        inputs = onnx.load(tmp_path / "net.onnx").graph.input
        assert len(inputs) == (len(INPUTS) if explore else 1)
    before = (tmp_path / "net.onnx").read_bytes()
    monkeypatch.setattr(file, "exploring_graph", lambda model: broken(files.exploring))
    for explore in (False, True):
        for name in ("new.onnx", "net.onnx"):
            with pytest.raises(ValueError, match=r"does not agree with the network.*largest difference 1\.0e-02"):
                export(files.model, tmp_path / name, explore=explore)
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    assert (tmp_path / "net.onnx").read_bytes() == before


def test_what_cannot_be_exported_is_refused_by_name(tmp_path: Path) -> None:
    for selective in ("exact", "none"):
        with pytest.raises(ValueError, match=f"selective='{selective}'"):
            export(SAT(SMALL.replace(selective=selective)), tmp_path / "net.onnx")
    with pytest.raises(ValueError, match=r"as \.onnx, got"):
        export(SAT(SMALL), tmp_path / "net.pt")
    with pytest.raises(ValueError, match="sampling 'grid' is not drawn in a file"):
        export(SAT(SMALL.replace(sampling="grid")), tmp_path / "net.onnx")
    with pytest.raises(OSError, match="nowhere"):
        export(SAT(SMALL), tmp_path / "nowhere" / "net.onnx")
    with pytest.raises(ValueError, match="head.weight are too large for float16"):
        model = SAT(SMALL)
        model.head.weight.data[0] = 1e5
        export(model, tmp_path / "net.onnx", half=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_no_number_of_a_file_has_64_bits_but_sizes(files: Files) -> None:
    """Float64 is for K, S and m alone: programs without a processor's numbers have none."""
    wide = [t.name for t in files.picture.graph.initializer if t.data_type == TensorProto.DOUBLE]
    assert wide and all(name.startswith("sampler.") for name in wide)
    assert [t.name for t in files.exploring.graph.initializer if t.data_type == TensorProto.DOUBLE] == []
