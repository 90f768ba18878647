"""The network asks no device for float64, which MPS has not: looked for on "meta", a device that is not the CPU."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from slowness import slow_but
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from satlib import SAT, SATConfig
from satlib.config import SELECTIVES
from satlib.dta.options import AGGREGATIONS, SAMPLINGS

SMALL = SATConfig.preset("sat-tiny", 2, groups=(2,), channels=8, window=(4, 8), position_channels=4)


class WithoutFloat64(TorchDispatchMode):
    """Refuses every operation that gives float64 on "meta"; the CPU, where samples are drawn, has it."""

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = operation(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor) and tensor.is_meta and tensor.dtype == torch.float64:
                raise TypeError(f"{operation} gives float64")
        return made


@pytest.fixture
def without_float64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(torch, "autocast", lambda *given, **options: nullcontext())  # "meta" has none
    with WithoutFloat64():
        yield


OPTIONS = [
    {},
    {"scale": 1},
    {"in_channels": 1, "upsampler": "classic"},
    {"size_bias": True, "mask_padding": False},
    *({"sampling": name} for name in SAMPLINGS),
    *({"aggregation": name, "norm_restoration": "mean"} for name in AGGREGATIONS),
    *({"selective": name} for name in SELECTIVES),
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("training", slow_but([False], [False, True]))
def test_forward_and_backward_have_none(without_float64: None, options: dict[str, Any], training: bool) -> None:
    with torch.device("meta"):
        model = SAT(SMALL.replace(**options)).train(training)
    out = model(torch.rand(2, model.in_channels, 13, 18, device="meta"))
    assert out.shape == (2, model.in_channels, 13 * model.scale, 18 * model.scale)
    out.abs().mean().backward()
    assert {parameter.grad.dtype for parameter in model.parameters()} == {torch.float32}


def test_what_asks_for_it_is_found(without_float64: None) -> None:
    x = torch.rand(3, device="meta")
    with pytest.raises(TypeError, match="gives float64"):
        x.double()
    assert torch.rand(3).double().dtype == torch.float64
