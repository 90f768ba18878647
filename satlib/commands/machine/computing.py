"""Which kernels compute the network here: not looked up, but seen while its layers run once on a small image."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from satlib.config import SATConfig
from satlib.dta import kernels
from satlib.network.attention import RectangleWindowAttention, SelectiveAggregationAttention
from satlib.network.geometry import Geometry, make_geometry

GRID = (48, 64)
NONE = "matrix products, no attention kernel of torch"


@dataclass(frozen=True)
class Computing:
    """What computes the network on one device, in float32."""

    device: str
    windows: str
    """The attention in windows of a network that upscales."""
    tokens: str
    """The attention to aggregated tokens of a network that upscales."""
    windows_in_training: str
    tokens_in_training: str
    aggregation: str
    """The steps of DTA: "torch" or "triton"."""


class _Watching(TorchDispatchMode):
    """Notes the attention kernels that torch calls."""

    def __init__(self) -> None:
        TorchDispatchMode.__init__(self)
        self.seen: list[str] = []

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        name = func.__name__.split(".")[0]
        if "attention" in name and "backward" not in name:
            self.seen.append(name.removeprefix("_scaled_dot_product_"))
        return func(*args, **(kwargs or {}))


def find_computing() -> Computing:
    """Run both attentions on the device that networks are loaded to, without and with gradient, and say what ran."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = SATConfig.preset("sat-tiny", scale=2)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        windows = RectangleWindowAttention(config, shifted=False).to(device)
        tokens = SelectiveAggregationAttention.from_config(config, layer=0).to(device)
        x = torch.rand(1, GRID[0] * GRID[1], config.channels, device=device)
        geometry = make_geometry(config, GRID, device, training=False)
        return Computing(
            device=str(device),
            windows=_seen(windows.eval(), x, geometry),
            tokens=_seen(tokens.eval(), x, geometry),
            windows_in_training=_seen(windows.train(), x, geometry),
            tokens_in_training=_seen(tokens.train(), x, geometry),
            aggregation="triton" if kernels.chosen(x) else "torch",
        )


def _seen(layer: nn.Module, x: Tensor, geometry: Geometry) -> str:
    """Return the name of the attention kernel that a layer calls; parameters want a gradient in training only."""
    with _Watching() as watching, torch.set_grad_enabled(layer.training):
        layer(x, geometry)
    return ", ".join(dict.fromkeys(watching.seen)) or NONE
