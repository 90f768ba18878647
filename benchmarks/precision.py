"""`python -m benchmarks precision`: what bfloat16 changes; writes satlib/results/timings/precision.json.

The bundled, trained networks on the sample photographs, in exact float32 and under autocast to bfloat16
(`satlib.upscaling.precision`), on a GPU if there is one. Both outputs are compared with each other and with the
photograph, and so are the centres that every layer chooses and the tokens' assignment to them. Beside it stands what
four tiles change in float32: the other way to make a large image fit in memory.
"""

from collections.abc import Iterator
from statistics import mean

import torch
from torch import Tensor

from benchmarks.protocol import machine, save, say
from satlib import SAT, load, samples
from satlib.dta import Aggregation
from satlib.images.inputs import as_picture
from satlib.images.tensors import to_tensor
from satlib.metrics import psnr
from satlib.network.blocks import Layer
from satlib.resize import imresize
from satlib.upscaling import upscale
from satlib.upscaling.precision import Format, computing

MODELS = ("sat-tiny-x2", "sat-tiny-x4")
SIDE = 96
"""Of the input in pixels, at most: a square from the middle of the photograph."""

Row = dict[str, object]


def main() -> None:
    """Compare all, print and write what was found."""
    torch.set_num_threads(1)
    started_on = machine()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows: list[Row] = []
    for name in MODELS:
        for row in compare(name, device, SIDE):
            rows.append(row)
            say(
                f"{name} {row['picture']:<10} {row['between']:6.2f} dB apart (tiles: {row['tiles']:.2f}), against the "
                f"photograph {row['float32']:.3f} and {row['bfloat16']:.3f} dB; centres kept {row['kept']:.1%}"
            )
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    save("precision", started_on, {"device": name, "side": SIDE, "rows": rows})


def compare(name: str, device: torch.device, side: int) -> Iterator[Row]:
    """Yield what bfloat16 changes for one network, photograph by photograph."""
    model = load(name, device=device).eval()
    for picture in samples.names():
        low, high = pair(picture, model.config.scale, side)
        exact, chosen = run(model, low.to(device), "float32")
        half, moved = run(model, low.to(device), "bfloat16")
        layers = [agreement(a, b) for a, b in zip(chosen, moved, strict=True)]
        yield {
            "model": name,
            "picture": picture,
            "grid": list(low.shape[2:]),
            "between": psnr(half, exact),
            "tiles": psnr(in_tiles(model, low), exact),
            "float32": psnr(exact, high, border=model.config.scale, luma=True),
            "bfloat16": psnr(half, high, border=model.config.scale, luma=True),
            "kept": mean(kept for kept, _ in layers),
            "same": mean(same for _, same in layers),
            "layers": [[round(value, 4) for value in layer] for layer in layers],
        }


def pair(picture: str, scale: int, side: int) -> tuple[Tensor, Tensor]:
    """Return a photograph's middle as (1, 3, h, w) and (1, 3, sh, sw) in [0, 1], h and w at most ``side``."""
    whole = to_tensor(as_picture(samples.load(picture)).pixels)
    height, width = (min(side, length // scale) * scale for length in whole.shape[1:])
    top, left = (whole.shape[1] - height) // 2, (whole.shape[2] - width) // 2
    high = whole[None, :, top : top + height, left : left + width].contiguous()
    return imresize(high, 1 / scale).clamp(0, 1), high


@torch.inference_mode()
def run(model: SAT, image: Tensor, number_format: Format) -> tuple[Tensor, list[Aggregation]]:
    """Return the output on the CPU, clipped, and what each SAA layer chose."""
    with computing(number_format, image.device):
        kept: list[Layer] = []
        out = model(image, kept=kept)
    return out.float().clamp(0, 1).cpu(), [layer.aggregation for layer in kept]


def in_tiles(model: SAT, image: Tensor) -> Tensor:
    """Return the output in float32, made of four tiles."""
    side = 2 * max(image.shape[2:]) // 3
    pixels = upscale(image[0].permute(1, 2, 0).numpy(), model, tile=side, overlap=side // 4, margin=0)
    return to_tensor(pixels)[None]


def agreement(exact: Aggregation, half: Aggregation) -> tuple[float, float]:
    """Return the share of the centres that stay centres, and of the tokens that stay with theirs (one image)."""
    kept = torch.isin(exact.centers, half.centers).double().mean()
    own = [a.centers.gather(1, a.assignment) for a in (exact, half)]  # position of each token's centre
    return float(kept), float((own[0] == own[1]).double().mean())
