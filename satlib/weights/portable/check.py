"""What an exported file computes, beside the network that it was made from.

Near ties may change places from one engine to another: of the centers, sets are compared, and of the assignments, the
share of tokens that joined the same center.

Shapes: L SAA layers, N tokens, S sampled tokens, K centers; I channels of an image.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from torch import Tensor

from satlib import samples
from satlib.config import SATConfig
from satlib.dta.aggregation import n_neighbors
from satlib.dta.sampling import Grid
from satlib.dta.vectors import normalize
from satlib.network.geometry import eval_sample
from satlib.network.model import SAT
from satlib.weights.portable.graph import OUTPUTS, PICTURE

GRIDS: tuple[Grid, ...] = ((1, 1), (31, 50), (96, 72))
"""Heights and widths that an export is checked at: the least; no multiple of a window; many windows."""

TOLERANCE = 2e-6
"""Of the picture, whose numbers lie in about 0..1."""

NEAR, AFTER_TIE = 8 * 2.0**-20, 2e-5
"""Similarities this close, some steps of what they are compared in, are a near tie. A token may join either of two
centers then, and the picture may differ by the second number."""

Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Agreement:
    """How near a file comes to its network on one image."""

    grid: Grid
    difference: float
    """Largest difference of the pictures; NaN counts as bad."""
    samples: bool
    """Whether each layer looked at the network's samples."""
    centers: float
    """Share of the layers whose sets of centres are the network's."""
    tokens: float
    """Share of the tokens, over all layers, that joined the centre that they join in the network."""
    tied: bool = False
    """Whether some tokens joined another one, and in the first layer with such ones each lay near a tie."""

    @property
    def good(self) -> bool:
        """Whether a file with it may be kept."""
        return self.difference <= (AFTER_TIE if self.tied else TOLERANCE) and self.samples and self.centers == 1

    def __str__(self) -> str:
        """Say it in one line."""
        drawn = "equal" if self.samples else "DIFFERENT"
        return (
            f"{self.grid[1]} x {self.grid[0]}: largest difference {self.difference:.1e}, samples {drawn}, sets "
            f"of centers {self.centers:.0%} equal, tokens at the same center {self.tokens:.2%}"
            f"{', after a near tie' if self.tied else ''}"
        )


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """Return a session on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def knobs(config: SATConfig, grid: Grid) -> Arrays:
    """Return the inputs of an exploring file, but for the image, as the network itself chooses them."""
    drawn = [eval_sample(config, grid, layer) for layer in range(sum(config.groups))]
    k = config.n_centers(grid[0] * grid[1])
    return {
        "samples": torch.stack(drawn).numpy(),
        "n_centers": np.array(k, np.int64),
        "n_neighbors": np.array(max(1, n_neighbors(config.neighbors, k, len(drawn[0]))), np.int64),
        "temperature": np.array(config.temperature, np.float32),
    }


def check_exploring(path: Path, model: SAT) -> list[Agreement]:
    """Run a file that takes `knobs` and tells its choices at `GRIDS`, beside a network in float32 and eval mode."""
    run, found = session(onnx.load(path)), []
    for grid in GRIDS:
        image, given = photograph(grid, model.in_channels), knobs(model.config, grid)
        got = dict(zip(OUTPUTS, run.run(OUTPUTS, {"image": image.numpy(), **given}), strict=True))
        found.append(compare(model, image, {**got, "samples": given["samples"]}))
    return found


def check_picture(path: Path, exploring: onnx.ModelProto, model: SAT) -> list[Agreement]:
    """Run a file that takes an image alone at `GRIDS`; its choices are those of the exploring graph inside it.

    The samples that it draws are read from within and handed to the exploring graph.
    """
    tapped = onnx.load(path)
    tapped.graph.output.append(helper.make_tensor_value_info("samples", TensorProto.INT64, None))
    run, inner, found = session(tapped), session(exploring), []
    for grid in GRIDS:
        image = photograph(grid, model.in_channels)
        picture, drawn = run.run([PICTURE, "samples"], {"image": image.numpy()})
        given = {**knobs(model.config, grid), "image": image.numpy(), "samples": drawn}
        got = dict(zip(OUTPUTS, inner.run(OUTPUTS, given), strict=True))
        found.append(compare(model, image, {**got, PICTURE: picture, "samples": drawn}))
    return found


@torch.no_grad()
def compare(model: SAT, image: Tensor, got: Arrays) -> Agreement:
    """Compare a network with what a file made of an image (1, I, H, W): the `OUTPUTS` and "samples"."""
    samples_of, sets, tokens, gaps = [], [], [], []
    for i, layer in enumerate(model.layers(image)):
        own, centers = layer.aggregation, torch.from_numpy(got["centers"][i].astype(np.int64))
        samples_of.append(np.array_equal(own.sample[0].numpy(), got["samples"][i]))
        sets.append(set(own.centers[0].tolist()) == set(centers.tolist()))
        theirs = centers[torch.from_numpy(got["assignment"][i].astype(np.int64))]
        joined = own.centers[0][own.assignment[0]]
        tokens.append(float((joined == theirs).float().mean()))
        if tokens[-1] < 1:
            gaps.append(largest_gap(layer.tokens[0], joined, theirs))
    difference = float(np.abs(got[PICTURE] - model(image).numpy()).max())
    tied = bool(gaps) and gaps[0] <= NEAR  # what comes after one is another network's work
    grid = (image.shape[2], image.shape[3])
    return Agreement(grid, difference, all(samples_of), float(np.mean(sets)), float(np.mean(tokens)), tied)


def largest_gap(tokens: Tensor, joined: Tensor, theirs: Tensor) -> float:
    """Return the largest difference of a token's similarities to two centers, over those where the two differ.

    ``tokens`` (N, C); ``joined`` and ``theirs`` (N,) are the positions of each one's center.
    """
    unit, moved = normalize(tokens), (joined != theirs).nonzero()[:, 0]
    one, other = ((unit[moved] * unit[of[moved]]).sum(-1) for of in (joined, theirs))
    return float((one - other).abs().max())


def photograph(grid: Grid, channels: int = 3) -> Tensor:
    """Return a piece of a photograph, (1, I, H, W) in [0, 1], at most 96 to a side: fur, whose tokens rarely tie.

    Its ``channels`` I are red, green and blue, over and over.
    """
    picture = samples.load("chelsea").convert("RGB")
    left, top = (picture.width - 96) // 2, (picture.height - 96) // 2
    pixels = np.array(picture.crop((left, top, left + grid[1], top + grid[0])), np.float32) / 255
    return torch.from_numpy(pixels).movedim(-1, 0)[torch.arange(channels) % 3][None].contiguous()
