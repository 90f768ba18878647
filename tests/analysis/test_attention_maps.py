"""What queries read: the weights are the layer's own, and what is handed on to the pixels is what they contribute."""

import pytest
import torch

from satlib import SAT, SATConfig, dta
from satlib.analysis.attention_maps import attended, merging_weights
from satlib.analysis.influence import influence
from satlib.dta.vectors import take


@pytest.fixture(scope="module")
def image():
    return torch.rand(3, 20, 24, generator=torch.Generator().manual_seed(1))


def network(**overrides):
    torch.manual_seed(0)
    model = SAT(SATConfig.preset("sat-tiny", 2, groups=(1, 1), keep_ratio=0.1, **overrides)).eval()
    with torch.no_grad():  # larger weights, so that attention is far from even
        for name, parameter in model.named_parameters():
            if ".query." in name or ".key." in name:
                parameter.mul_(20)
    return model


@pytest.mark.parametrize(
    "overrides",
    [{}, {"size_bias": True}, {"aggregation": "mean"}, {"aggregation": "center", "norm_restoration": "none"}],
)
def test_the_weights_give_the_layers_own_output(overrides, image):
    queries = torch.tensor([0, 100, 479])
    layers = attended(network(**overrides), image, queries)
    assert [(one.layer.group, one.layer.block) for one in layers] == [(0, 1), (1, 1)]
    for one in layers:
        torch.testing.assert_close(one.output, one.own, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(one.weights.sum(-1), torch.ones(one.weights.shape[:2]))
        torch.testing.assert_close(one.pixels().sum(-1), torch.ones(one.weights.shape[:2]))
        assert one.weights.std() > 0.01


def test_read_counts_tokens(image):
    one = attended(network(), image, torch.tensor([5]))[0]
    n_tokens = one.weights.shape[-1]
    even = one._replace(weights=torch.full_like(one.weights, 1 / n_tokens))
    single = one._replace(weights=torch.nn.functional.one_hot(torch.tensor([[3], [0]]), n_tokens).float())
    torch.testing.assert_close(even.read(), torch.full((2, 1), float(n_tokens)))
    torch.testing.assert_close(single.read(), torch.ones(2, 1))


@pytest.mark.parametrize("method", ["similarity", "mean", "center"])
def test_merging_weights_make_the_aggregated_tokens(method):
    x = torch.randn(1, 60, 5, generator=torch.Generator().manual_seed(2))
    made = dta.aggregate(x, 7, sample=torch.arange(0, 60, 3), aggregation=method, norm_restoration="none")
    weight = merging_weights(x[0], made, aggregation=method)
    for cluster in range(7):
        members = made.assignment[0] == cluster
        if members.any():
            torch.testing.assert_close(weight[members].sum(), torch.tensor(1.0))
            torch.testing.assert_close(weight[members] @ x[0, members], made.tokens[0, cluster])


def test_duplicate_tokens_give_no_weight_to_an_empty_cluster():
    x = torch.ones(1, 30, 4)
    made = dta.aggregate(x, 3, sample=torch.arange(30), aggregation="center")
    weight = merging_weights(x[0], made, aggregation="center")
    assert (made.counts == 0).sum() == 2
    assert weight.sum() == 1
    assert weight[made.centers[0, 0]] == 1
    assert torch.equal(take(x, made.centers)[0], x[0, :3])


def test_influence_is_the_gradients_length(image):
    model = network().double()
    wide = image.double()
    found = influence(model, wide, (4, 7))
    assert found.shape == (20, 24)
    slopes = []
    for color in range(3):
        step = torch.zeros_like(wide)
        step[color, 5, 7] = 1e-6
        with torch.inference_mode():
            moved = model((wide + step)[None]) - model((wide - step)[None])
        slopes.append(moved[0, :, 8, 14].sum() / 2e-6)
    assert float(found[5, 7]) == pytest.approx(float(torch.stack(slopes).norm()), rel=1e-4)
    assert found[5, 7] > 0


def test_bad_input_is_named(image):
    model = network()
    with pytest.raises(ValueError, match=r"queries must lie in 0\.\.479, got 480\.\.480"):
        attended(model, image, torch.tensor([480]))
    with pytest.raises(ValueError, match="one image at a time, got 2"):
        attended(model, torch.stack((image, image)), torch.tensor([0]))
    with pytest.raises(ValueError, match="queries must be"):
        attended(model, image, torch.tensor([0.5]))
    with pytest.raises(ValueError, match="place must be in an image of 20 x 24"):
        influence(model, image, (20, 0))
    with pytest.raises(ValueError, match="unknown aggregation 'sum'"):
        merging_weights(torch.zeros(4, 2), dta.aggregate(torch.rand(1, 4, 2), 2), aggregation="sum")
