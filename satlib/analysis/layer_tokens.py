"""The tokens that explorers look at: patches of an image, or what the SAA layers of a network take in.

Shapes: N = H*W tokens, C channels.
"""

from itertools import accumulate

import torch
from torch import Tensor

from satlib import dta
from satlib.analysis.patch_features import patch_features
from satlib.config import SATConfig
from satlib.images.tensors import check_floats
from satlib.network.geometry import eval_sample
from satlib.network.model import SAT, as_sat, in_eval

PATCHES = "patches (no network)"


class Features:
    """Tokens of one image (3, H, W), by layer: ``None`` stands for its patches, a number for a network's SAA layer.

    The network runs once, when a layer of it is first asked for. It is not changed.
    """

    def __init__(self, image: Tensor, model: SAT | None) -> None:
        self.image, self.model = image, model
        self.grid = (image.shape[1], image.shape[2])
        self._inputs: list[Tensor] = []

    def tokens(self, layer: int | None) -> Tensor:
        """Return the tokens, (1, N, C)."""
        if layer is None:
            return patch_features(self.image.unsqueeze(0))
        assert self.model is not None
        if not self._inputs:
            self._inputs = layer_inputs(self.model, self.image)
        return self._inputs[layer]

    def config(self, layer: int | None) -> SATConfig:
        """Return the settings that DTA starts from: the network's, and for patches those of the paper."""
        return SATConfig(scale=2) if layer is None or self.model is None else self.model.config

    @torch.inference_mode()
    def aggregate(self, layer: int | None, config: SATConfig) -> dta.Aggregation:
        """Run DTA on the tokens with the settings of ``config``, its seed among them.

        A layer's sample is the one that the layer itself would draw; only what it takes in stays as it was.
        """
        x = self.tokens(layer)
        sample = None if layer is None else eval_sample(config, self.grid, layer)
        generator = torch.Generator().manual_seed(config.seed)
        return dta.aggregate(
            x,
            config.n_centers(x.shape[1]),
            grid=self.grid,
            sample=sample,
            generator=generator,
            **config.aggregation_options(),
        )


def layer_inputs(model: SAT, image: Tensor) -> list[Tensor]:
    """Run a network on an image (3, H, W) and return what each SAA layer takes in, (1, N, C) each."""
    model = in_eval(model)
    with torch.inference_mode():
        return [at_home(layer.tokens) for layer in model.layers(batch_for(model, image))]


@torch.inference_mode()
def aggregations_with(model: SAT, config: SATConfig, image: Tensor, last: int) -> list[dta.Aggregation]:
    """Return what the SAA layers of a network choose on an image (3, H, W) with the settings of ``config``.

    Only settings of DTA may differ from the network's own: a network of that configuration shares its weights. It
    runs up to the end of the group that holds the layer ``last``.
    """
    n_groups = 1 + sum(last >= end for end in accumulate(config.groups))
    layers = as_sat(model).with_config(config).eval().layers(batch_for(model, image), n_groups=n_groups)
    return [dta.Aggregation(*(t.cpu() for t in layer.aggregation)) for layer in layers]


def layer_names(model: SAT | None) -> list[tuple[str, int | None]]:
    """Return what the SAA layers are called, and their numbers; nothing without a network, or without SAA in it."""
    pairs = [] if model is None or model.config.selective == "none" else enumerate(model.config.groups)
    places = [(group + 1, pair + 1) for group, n_pairs in pairs for pair in range(n_pairs)]
    return [(f"layer {i + 1}: group {group}, pair {pair}", i) for i, (group, pair) in enumerate(places)]


def feature_names(model: SAT | None) -> list[tuple[str, int | None]]:
    """Return the choices of features: the patches (``None``), then each SAA layer by its number."""
    return [(PATCHES, None), *layer_names(model)]


def batch_for(model: SAT, image: Tensor) -> Tensor:
    """Return an image (3, H, W) as a batch of one, on the device and in the dtype of the network.

    Raises
    ------
    ValueError
        If it holds integers.
    """
    parameter = next(model.parameters())
    return check_floats(image).unsqueeze(0).to(parameter.device, parameter.dtype)


def at_home(values: Tensor) -> Tensor:
    """Return a network's values on the CPU, in float32 at least."""
    return values.to("cpu", torch.promote_types(values.dtype, torch.float32))
