"""The geometry of a size: made once, handed down, kept for a few sizes, and gone when the network moves."""

import copy
import pickle

import pytest
import torch
from selective_networks import SMALL, network

from satlib import SAT
from satlib.network.geometry import SIZES, eval_sample, layer_seed, make_geometry

GRID = (9, 12)
IMAGE = torch.rand(2, 3, *GRID, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("selective", ["aggregate", "exact", "none"])
def test_handed_in_or_its_own_it_is_the_same(selective):
    model = network(selective)
    geometry = make_geometry(model.config, GRID, "cpu", training=False)
    with torch.no_grad():
        assert torch.equal(model(IMAGE, geometry), model(IMAGE))


def test_outside_of_training_every_layer_has_its_sample():
    geometry = make_geometry(SMALL, GRID, "cpu", training=False)
    assert geometry.cells is None
    assert [s.tolist() for s in geometry.samples] == [eval_sample(SMALL, GRID, layer).tolist() for layer in range(3)]
    assert len({tuple(s.tolist()) for s in geometry.samples}) == 3


@pytest.mark.parametrize("sampling", ["stratified", "strips", "random", "grid"])
def test_in_training_images_draw_from_cells_unless_the_sampling_is_not_random(sampling):
    geometry = make_geometry(SMALL.replace(sampling=sampling), GRID, "cpu", training=True)
    assert (geometry.cells is None) == (sampling == "grid") == (geometry.samples is not None)


def test_what_is_sampled_by_nobody_is_not_made():
    for selective in ("exact", "none"):
        geometry = make_geometry(SMALL.replace(selective=selective), GRID, "cpu", training=False)
        assert geometry.samples is None and geometry.cells is None


def test_the_last_sizes_are_kept():
    model = network("aggregate")
    first = model.geometry(GRID)
    for side in range(4, 4 + SIZES - 1):
        model.geometry((side, side))
    assert model.geometry(GRID) is first
    model.geometry((20, 20))
    model.geometry((21, 21))
    assert model.geometry(GRID) is first, "used last but one"
    for side in range(4, 4 + SIZES):
        model.geometry((side, side))
    assert model.geometry(GRID) is not first


def test_the_modes_do_not_share_a_geometry():
    model = network("aggregate")
    evaluated = model.geometry(GRID)
    assert model.train().geometry(GRID).samples is None
    assert model.eval().geometry(GRID) is evaluated


@pytest.mark.parametrize("move", [lambda m: m.double(), lambda m: m.to("meta"), lambda m: m.float()])
def test_a_network_that_moves_forgets(move):
    model = network("aggregate")
    before = model.geometry(GRID)
    moved = move(model)
    assert moved.geometry(GRID) is not before
    assert moved.geometry(GRID).samples[0].device == moved.mean.device


def test_copies_and_files_leave_it_out():
    model = network("aggregate")
    model.geometry(GRID)
    assert copy.deepcopy(model)._sizes.kept == {}
    assert pickle.loads(pickle.dumps(model))._sizes.kept == {}
    assert not [name for name in model.state_dict() if "_sizes" in name]


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_a_geometry_made_while_upscaling_serves_training(mode):
    """Tensors made in inference mode could not be kept for a gradient."""
    model = network("aggregate")
    with mode():
        model(IMAGE)
    model(IMAGE).sum().backward()
    assert all(p.grad is not None for p in model.head.parameters())


def test_training_draws_from_the_generator_that_it_is_given():
    model = SAT(SMALL.replace(drop_path=0.3)).train()

    def run(seed):
        with torch.no_grad():
            return model(IMAGE, generator=torch.Generator().manual_seed(seed))

    state = torch.get_rng_state()
    assert torch.equal(run(3), run(3)) and not torch.equal(run(3), run(4))
    assert torch.equal(torch.get_rng_state(), state), "the global generator is left alone"


def test_another_configuration_shares_the_weights():
    model = network("aggregate")
    other = model.with_config(model.config.replace(keep_ratio=0.3, seed=5, sampling="grid"))
    assert [p.data_ptr() for p in other.parameters()] == [p.data_ptr() for p in model.parameters()]
    rebuilt = SAT(other.config).eval()
    rebuilt.load_state_dict(model.state_dict())
    with torch.no_grad():
        assert torch.equal(other(IMAGE), rebuilt(IMAGE))
    with pytest.raises(RuntimeError, match="size mismatch"):
        model.with_config(model.config.replace(channels=32))


def test_layers_of_neighbouring_seeds_share_no_seed():
    seeds = [layer_seed(seed, layer) for seed in range(50) for layer in range(100)]
    assert len(set(seeds)) == len(seeds) and max(layer_seed(2**63 - 1, layer) for layer in range(9)) < 2**63


def test_the_first_groups_alone_are_the_same_as_in_the_whole():
    model = network("aggregate")
    with torch.no_grad():
        whole, first = model.layers(IMAGE), model.layers(IMAGE, n_groups=1)
    assert len(whole) == 3 and len(first) == 1
    for a, b in zip(first[0].aggregation, whole[0].aggregation, strict=True):
        assert torch.equal(a, b)
    assert torch.equal(first[0].output, whole[0].output)


@pytest.mark.parametrize("training", [False, True])
def test_a_layer_in_another_network_needs_no_more_than_the_grid(training):
    model = network("aggregate")
    layer = model.saa_layers()[1].train(training)
    x = torch.randn(2, 108, 16)
    at = make_geometry(model.config, GRID, "cpu", training=training)
    with torch.no_grad():
        torch.manual_seed(0)
        expected = layer(x, at)[0]
        torch.manual_seed(0)
        assert torch.equal(layer(x, GRID)[0], expected)
