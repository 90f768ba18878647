"""SAA's controls: exact attention and no attention, as networks, in files and in the count of what they cost."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from selective_networks import SMALL, network
from sizes import geometry

from satlib import SAT, SATConfig, load, save, trace
from satlib.analysis.attention_maps import attended
from satlib.complexity import complexity
from satlib.complexity.layer_costs import NORM_OPERATIONS
from satlib.complexity.measured import operations, peak_bytes
from satlib.network.attention import SelectiveAggregationAttention
from satlib.weights.checkpoint import FORMAT

GRID = (9, 12)
IMAGE = torch.rand(1, 3, *GRID, generator=torch.Generator().manual_seed(1))


def test_exact_is_dta_that_keeps_every_token_and_its_norm():
    """The one place where the two must agree: K = N, every token its own centre, no norm changed."""
    exact = network("exact")
    kept = network("aggregate", keep_ratio=1.0, norm_restoration="none")
    kept.load_state_dict(exact.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(exact(IMAGE), kept(IMAGE))


def test_exact_is_traced_as_clusters_of_one():
    for layer in trace(network("exact"), IMAGE):
        made = layer.aggregation
        assert made.tokens.shape == (1, 108, 16) and (made.counts == 1).all()
        assert torch.equal(made.centers, made.assignment) and made.centers[0].tolist() == list(range(108))


def test_what_a_query_reads_of_all_tokens_gives_the_layers_output():
    for layer in attended(network("exact"), IMAGE, torch.tensor([0, 50, 107])):
        torch.testing.assert_close(layer.output, layer.own)
        assert torch.equal(layer.pixels(), layer.weights)


def test_without_saa_the_depth_stays_and_its_weights_go():
    whole, bare = network("aggregate"), network("none")
    blocks = [sum(len(group.blocks) for group in model.groups) for model in (whole, bare)]
    assert blocks[0] == blocks[1] == 6
    gone = {name for name in whole.state_dict() if name not in bare.state_dict()}
    assert gone and all(".attention." in name or ".norm1." in name for name in gone)
    assert all(int(name.split(".")[3]) % 2 == 1 for name in gone), "SAA blocks are the odd ones"
    assert not [m for m in bare.modules() if isinstance(m, SelectiveAggregationAttention)]
    assert trace(bare, IMAGE) == []
    with pytest.raises(ValueError, match="no SAA layer.*selective='none'"):
        attended(bare, IMAGE, torch.tensor([0]))


def test_without_saa_every_weight_has_a_gradient():
    model = network("none").train()
    model(IMAGE).square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_exact_takes_the_weights_of_a_network_that_aggregates(tmp_path):
    path = tmp_path / "whole.safetensors"
    save(network("aggregate"), path)
    exact = load(path, selective="exact")
    assert exact.config.selective == "exact"
    with torch.no_grad():
        assert not torch.allclose(exact(IMAGE), load(path)(IMAGE), rtol=0, atol=1e-7)
    with pytest.raises(ValueError, match=r"attention\..* is not part of the network"):
        load(path, selective="none")


def test_a_file_from_before_the_choice_is_read_as_aggregating(tmp_path):
    path = tmp_path / "old.safetensors"
    model = network("aggregate")
    save(model, path)
    values = {key: value for key, value in model.config.to_dict().items() if key != "selective"}
    save_file(load_file(path), path, metadata={"format": FORMAT, "config": json.dumps(values)})
    assert load(path).config == model.config


def test_one_token_by_mean_is_the_mean_of_all_tokens_for_every_query():
    """The control "one mean vector": K = 1, whichever token is the centre; no query and no key matters."""
    config = SMALL.replace(keep_ratio=1e-9, aggregation="mean", norm_restoration="none")
    layer, x = SelectiveAggregationAttention.from_config(config, layer=0).eval(), torch.randn(2, 108, 16)
    with torch.no_grad():
        out, made = layer(x, geometry(config, GRID, layer))
        expected = layer.project(layer.value(x.mean(1, keepdim=True)))
    assert made.tokens.shape == (2, 1, 16)
    torch.testing.assert_close(out, expected.expand_as(out))


# What they cost ------------------------------------------------------------------------------------------------------


def cost_of(config):
    return complexity(config, (2 * GRID[1], 2 * GRID[0]))


@pytest.mark.parametrize("selective", ["exact", "none"])
def test_layers_are_counted_as_they_are_applied(selective):
    config = SMALL.replace(selective=selective)
    macs = cost_of(config).macs
    counted = operations(SAT(config).eval(), IMAGE)
    assert counted.linear == sum(macs[s] for s in ("local linear", "position bias", "SAA linear", "MLP linear"))
    assert counted.normalised * NORM_OPERATIONS == macs["norms"]


def test_exact_attention_pairs_all_tokens_and_chooses_nothing():
    macs = cost_of(SMALL.replace(selective="exact")).macs
    assert macs["SAA QK^T"] == 3 * 108 * 108 * 8 and macs["SAA AV"] == 3 * 108 * 108 * 16
    assert macs["density S x S"] == macs["assignment N x K"] == macs["merge K x N"] == 0


def test_without_saa_nothing_quadratic_is_left():
    cost = cost_of(SMALL.replace(selective="none"))
    assert cost.quadratic == cost.macs["SAA linear"] == cost.params["SAA linear"] == cost.dense_memory == 0
    params = dict(cost.params)
    assert params.pop("total") == sum(params.values()) == sum(p.numel() for p in network("none").parameters())


@pytest.mark.parametrize("selective", ["exact", "none"])
def test_the_network_holds_the_bytes_of_its_formula(selective):
    config = SATConfig.preset("sat-light", groups=(1, 2), selective=selective)
    model, x = SAT(config).eval(), torch.rand(1, 3, 64, 64)
    peak_bytes(lambda: model(x))
    expected = complexity(config, (64 * config.scale,) * 2).memory["satlib"]
    assert peak_bytes(lambda: model(x)) == pytest.approx(expected, rel=0.06)
