"""`satlib.analysis.exact_attention`: errors against loops over queries, and where they must vanish."""

import math

import pytest
import torch
from torch import Tensor

from satlib import SAT, SATConfig, trace
from satlib.analysis import exact_attention
from satlib.network.attention import SelectiveAggregationAttention


def network(**changes: object) -> SAT:
    torch.manual_seed(0)
    fields = {"channels": 8, "heads": 2, "groups": (1, 2), "window": (4, 8), "keep_ratio": 0.1, **changes}
    model = SAT(SATConfig.preset("sat-tiny", scale=2, **fields)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)  # attention far from uniform
        for module in model.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.bias.normal_()  # tokens of different norms
    return model


def photo(height: int, width: int) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(1))


def loops(module: SelectiveAggregationAttention, x: Tensor, tokens: Tensor, bias: Tensor) -> Tensor:
    """Attend from x (N, C) to tokens (K, C), one query and head after the other, without the last bias."""
    heads, rows = module.heads, []
    q, k, v = (t.unflatten(-1, (heads, -1)) for t in (module.query(x), module.key(tokens), module.value(tokens)))
    for query in q:
        parts = []
        for head in range(heads):
            logits = [
                float(query[head] @ key[head]) / math.sqrt(q.shape[-1]) + float(b)
                for key, b in zip(k, bias, strict=True)
            ]
            weights = torch.tensor([math.exp(logit - max(logits)) for logit in logits], dtype=x.dtype)
            parts.append((weights / weights.sum()) @ v[:, head])
        rows.append(torch.cat(parts) @ module.project.weight.mT)
    return torch.stack(rows)


def lengthened(x: Tensor) -> Tensor:
    """Give each token (N, C) the largest norm, one after the other."""
    longest = max(float(token.norm()) for token in x)
    return torch.stack([token / float(token.norm()) * longest for token in x])


@pytest.mark.parametrize("yardstick", ["raw", "restored"])
def test_errors_are_those_of_loops_over_queries(yardstick: str) -> None:
    model, image = network(), photo(5, 9)
    found = getattr(exact_attention.layer_errors(model, image), yardstick)
    double = network().double()
    modules = [m for m in double.modules() if isinstance(m, SelectiveAggregationAttention)]
    inputs: list[Tensor] = []
    for module in modules:
        module.register_forward_pre_hook(lambda _, args: inputs.append(args[0][0]))
    with torch.no_grad():
        layers = trace(double, image.double())
        for module, x, layer, errors in zip(modules, inputs, layers, found, strict=True):
            made, nothing = layer.aggregation, torch.zeros(len(x))
            read, other = (x, lengthened(x)) if yardstick == "raw" else (lengthened(x), x)
            target = loops(module, x, read, nothing)
            for value, bias in (
                (errors.plain, torch.zeros(made.counts.shape[1])),
                (errors.size_bias, made.counts[0].double().log()),
            ):
                output = loops(module, x, made.tokens[0], bias)
                assert value == pytest.approx(float((output - target).norm() / target.norm()), rel=1e-9)
            mean = torch.stack([module.value(row) for row in read]).mean(0) @ module.project.weight.mT
            assert errors.uniform == pytest.approx(float((mean - target).norm() / target.norm()), rel=1e-9)
            apart = loops(module, x, other, nothing) - target
            assert errors.other_yardstick == pytest.approx(float(apart.norm() / target.norm()), rel=1e-9)


def test_all_tokens_as_centres_with_restored_norms_are_exact_attention_over_restored_tokens() -> None:
    model = network(keep_ratio=1.0, norm_restoration="max")
    found = exact_attention.layer_errors(model, photo(4, 6)).restored
    assert all(max(e.plain, e.size_bias) < 1e-4 for e in found)  # norms are restored with eps 1e-6
    assert all(min(e.plain_unrestored, e.other_yardstick) > 1e-3 for e in found)


def test_norms_are_the_only_difference_of_the_unrestored() -> None:
    image = photo(6, 7)
    restored, merged = (
        exact_attention.layer_errors(network(norm_restoration=name), image).raw for name in ("max", "none")
    )
    first, other = restored[0], merged[0]  # later layers see other inputs
    assert (first.plain_unrestored, first.size_bias_unrestored) == (other.plain, other.size_bias)
    assert (other.plain, other.size_bias) == (other.plain_unrestored, other.size_bias_unrestored)
    assert first.plain != other.plain


def test_all_tokens_as_centres_without_restored_norms_are_exact_attention() -> None:
    errors = exact_attention.layer_errors(network(keep_ratio=1.0, norm_restoration="none"), photo(4, 6)).raw
    assert all(max(e.plain, e.size_bias) < 1e-12 for e in errors)
    assert all(e.uniform > 1e-3 for e in errors)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (3, 2)])
def test_every_size_gives_numbers(size: tuple[int, int]) -> None:
    for errors in exact_attention.layer_errors(network(), photo(*size)).raw:
        assert all(math.isfinite(value) and value >= 0 for value in errors)
        assert size != (1, 1) or errors == pytest.approx((0,) * 6, abs=1e-6)  # norms are restored with eps 1e-6


def test_the_network_is_left_as_it_was() -> None:
    model = network().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    exact_attention.layer_errors(model, photo(4, 4))
    assert model.training
    assert not any(len(module._forward_pre_hooks) for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_another_shape_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"image must be \(3, H, W\), got \(1, 3, 4, 4\)"):
        exact_attention.layer_errors(network(), torch.zeros(1, 3, 4, 4))


def test_a_network_without_aggregation_has_no_errors() -> None:
    assert exact_attention.layer_errors(network(selective="none"), photo(4, 4)) == ([], [])
