"""The dense form that satlib is compared with: `satlib.plain` on the weights of satlib's modules.

It works as the released code does: S x S and N x K similarities, a choice as a one-hot matrix, attention maps written
out, rolled images with one mask for each window. Both ways use the same samples, so that results can be compared; the
loop in which the released code draws a sample, strip by strip, is left out: its cost is not counted here.

Tokens are (B, N, C) for satlib's layers and (B, H, W, C) on the page; changing one into the other moves nothing.
"""

from collections.abc import Callable

from torch import Tensor, nn

from satlib import SAT, plain
from satlib.dta.sampling import Grid


def on_tokens(
    run: Callable[[Tensor, plain.Weights], Tensor], module: nn.Module, grid: Grid
) -> Callable[[Tensor], Tensor]:
    """Return a part of the page, with a module's weights, as a function of (B, N, C) tokens."""
    weights = dict(module.named_parameters())
    return lambda x: run(x.unflatten(1, grid), weights).flatten(1, 2)


def body(model: SAT, grid: Grid) -> Callable[[Tensor], Tensor]:
    """Return the residual groups as a function of (B, N, C) tokens."""

    def groups(x: Tensor, weights: plain.Weights) -> Tensor:
        for number in range(len(model.groups)):
            x = plain.group(x, plain.part(weights, f"groups.{number}"), model.config, number)
        return x

    return on_tokens(groups, model, grid)


def sat(model: SAT, image: Tensor) -> Tensor:
    """Run the whole network, (B, 3, H, W) -> (B, 3, sH, sW); gradients reach the model's weights."""
    return plain.sat(image, dict(model.named_parameters()), model.config)
