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
from satlib.network.geometry import eval_sample
from satlib.network.model import SAT
from satlib.weights.portable.graph import OUTPUTS, PICTURE

GRIDS: tuple[Grid, ...] = ((1, 1), (31, 50), (96, 72))
"""Heights and widths that an export is checked at: the least; no multiple of a window; many windows."""

TOLERANCE = 2e-6
"""Of the picture, whose numbers lie in about 0..1."""

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

    @property
    def good(self) -> bool:
        """Whether a file with it may be kept."""
        return self.difference <= TOLERANCE and self.samples and self.centers == 1

    def __str__(self) -> str:
        """Say it in one line."""
        drawn = "equal" if self.samples else "DIFFERENT"
        return (
            f"{self.grid[1]} x {self.grid[0]}: largest difference {self.difference:.1e}, samples {drawn}, sets "
            f"of centers {self.centers:.0%} equal, tokens at the same center {self.tokens:.2%}"
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
    kept = [layer.aggregation for layer in model.layers(image)]
    samples_of, sets, tokens = [], [], []
    for layer, own in enumerate(kept):
        centers, assignment = got["centers"][layer], got["assignment"][layer]
        samples_of.append(np.array_equal(own.sample[0].numpy(), got["samples"][layer]))
        sets.append(set(own.centers[0].tolist()) == set(centers.tolist()))
        joined = own.centers[0][own.assignment[0]].numpy()
        tokens.append(float(np.mean(joined == centers[assignment.astype(np.int64)])))
    difference = float(np.abs(got[PICTURE] - model(image).numpy()).max())
    grid = (image.shape[2], image.shape[3])
    return Agreement(grid, difference, all(samples_of), float(np.mean(sets)), float(np.mean(tokens)))


def photograph(grid: Grid, channels: int = 3) -> Tensor:
    """Return a piece of a photograph, (1, I, H, W) in [0, 1], at most 96 to a side: fur, whose tokens rarely tie.

    Its ``channels`` I are red, green and blue, over and over.
    """
    picture = samples.load("chelsea").convert("RGB")
    left, top = (picture.width - 96) // 2, (picture.height - 96) // 2
    pixels = np.array(picture.crop((left, top, left + grid[1], top + grid[0])), np.float32) / 255
    return torch.from_numpy(pixels).movedim(-1, 0)[torch.arange(channels) % 3][None].contiguous()
