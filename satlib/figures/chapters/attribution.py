"""Chapter 20: what squares of an output owe to each pixel of the input, as pictures and tables.

Maps are :class:`satlib.analysis.attribution.Attribution`, (H, W) each, by photograph and then by network.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib import colormaps
from torch import Tensor

from satlib.analysis.attribution import Attribution, Square
from satlib.analysis.squares import distance_from, share_beyond
from satlib.analysis.statistics import Interval, interval
from satlib.figures.kit.picture_sliders import figure_slider, picture_slider
from satlib.figures.kit.show import Shown, show
from satlib.figures.network import attribution_squares, attributions
from satlib.figures.network.attributions import DECADES
from satlib.figures.quality import sheets
from satlib.images.tensors import to_pixels, to_tensor
from satlib.results.convolutional import Predicted
from satlib.support.tables import table

Maps = Mapping[str, Mapping[str, Attribution]]

NEAR = 8
"""Pixels from a square up to which the notes of the slider call a map near."""


def sheet(image: Tensor, square: Square, scale: int, found: Mapping[str, Attribution]) -> Shown:
    """Draw an image (3, H, W) with a square of its output, and what each network's square owes to each pixel."""
    indices = ", ".join(f"{name} {one.diffusion_index:.1f}" for name, one in found.items())
    return show(
        attributions.sheet(image, square, scale, found),
        alt=f"The photograph with a square on it, and {len(found)} maps on one logarithmic scale. Bicubic "
        "interpolation: only pixels under the square and a rim of two. Every network: a patch that fades over some "
        "pixels around the square. SAT with its own tokens, and no other, has faint marks all over the image besides, "
        f"along edges. Diffusion indices: {indices}.",
    )


def by_photograph(
    images: Mapping[str, Tensor], squares: Mapping[str, Square], scale: int, maps: Maps, network: str
) -> Shown:
    """Draw each photograph (3, H, W) beside its map by one network, both with the square, with a slider over them.

    Photographs of another size than most are left out.
    """
    ((usual, _),) = Counter(image.shape for image in images.values()).most_common(1)
    pairs, notes = {}, {}
    for name, image in images.items():
        if image.shape == usual:
            found, square = maps[name][network], squares[name]
            pairs[name] = torch.cat((_framed(image, square, scale), _framed(_colored(found.map), square, scale)), 2)
            notes[name] = f"{name}: diffusion index {found.diffusion_index:.1f}, {found.missing:.0%} unexplained"
    return show(
        picture_slider(pairs, name="photograph", start=next(iter(pairs)), notes=notes),
        alt=f"A photograph with a square on it, and the map of {network} beside it, bright where the square owes much, "
        "with a slider over the photographs. Most of each map lies around its square. "
        + "; ".join(notes.values())
        + ".",
    )


def by_square(
    image: Tensor, squares: Sequence[Square], scale: int, found: Sequence[Mapping[str, Attribution]]
) -> Shown:
    """Draw what each of several squares of an image (3, H, W) is made of by a network's states, and the differences.

    A slider goes through the squares; ``found`` are the maps of each, by state, the network as it is first.
    """
    notes = {}
    for number, maps in enumerate(found, start=1):
        told = ", ".join(f"{100 * float(_beyond(maps[name], squares[number - 1], scale)):.1f}" for name in maps)
        notes[f"{number}"] = f"beyond {NEAR} pixels: {told} %"
    first, *others = found[0]
    drawn = attribution_squares.squares(image, squares, scale, found)
    listed = "; ".join(f"square {number}: {note}" for number, note in notes.items())
    return show(
        figure_slider(dict(zip(notes, drawn, strict=True)), name="square", start="1", notes=notes),
        alt=f"The photograph with {len(squares)} numbered squares; the maps of the chosen one with {first}, and with "
        f"{' and '.join(others)}; and {first} less each of the others. A slider goes through the squares. With {first} "
        "there are marks far from the square, which the differences show alone. Share of the maps, in this order, "
        f"{listed}.",
    )


def _beyond(found: Attribution, square: Square, scale: int) -> Tensor:
    """Return the share of a map that lies farther than :data:`NEAR` pixels from its square, ()."""
    shares = share_beyond(found.map, distance_from(square, (found.map.shape[0], found.map.shape[1]), scale))
    return shares[min(NEAR, len(shares) - 1)]


def _colored(found: Tensor) -> Tensor:
    """Return a map (H, W) as colours (3, H, W), logarithmic over :data:`DECADES` decades below its largest value."""
    size = found.abs().double()
    share = (size / size.max().clamp_min(1e-300)).clamp_min(10.0**-DECADES)
    colors = colormaps["viridis"]((1 + share.log10() / DECADES).numpy())[..., :3]
    return torch.from_numpy(colors).permute(2, 0, 1).float()


def _framed(image: Tensor, square: Square, scale: int) -> Tensor:
    """Return an image (3, H, W), each pixel four times as wide and high, with a frame around a square of its output."""
    large = to_pixels(image.repeat_interleave(4, 1).repeat_interleave(4, 2), "uint8")
    row, column, side = (4 * n // scale for n in square)
    return to_tensor(sheets.framed(large, (row, column, side), width=2))


def reach(shares: Mapping[str, Tensor]) -> Shown:
    """Draw which share of a map lies farther away than a distance, by network, (photographs, D) each."""
    distance = min(8, min(values.shape[1] for values in shares.values()) - 1)
    told = ", ".join(f"{name} {100 * float(values[:, distance].mean()):.2f} %" for name, values in shares.items())
    return show(
        attributions.reach_lines(shares),
        alt="Share of the map that lies farther from the square than a distance, on a logarithmic scale, a thin line "
        "for each photograph and a thick one for the mean. Bicubic interpolation ends after two pixels. The lines of "
        "the networks fall steadily, but that of SAT with its own tokens falls less and stays above the others. Means "
        f"beyond {distance} pixels: {told}.",
    )


def unexplained(maps: Maps) -> str:
    """Return a table of what the maps do not explain of the detail that is gained, by network."""
    rows = []
    for name in next(iter(maps.values())):
        missing = torch.tensor([found[name].missing for found in maps.values()])
        rows.append((name, f"{missing.median():.2%}", f"{missing.max():.2%}"))
    return table(("not explained", "median", "largest"), rows, align="lr")


def how_far(maps: Maps, shares: Mapping[str, Tensor], far: int) -> str:
    """Return a table of diffusion indices and of the share of the maps beyond ``far`` pixels, means with intervals."""
    rows = []
    for name, values in shares.items():
        index = torch.tensor([found[name].diffusion_index for found in maps.values()])
        distant = 100 * values[:, min(far, values.shape[1] - 1)]
        rows.append((name, *(_told(interval(numbers[:, None]), 2) for numbers in (index, distant))))
    return table(("network", "diffusion index", f"% beyond {far} pixels"), rows, align="lr")


def quality(networks: Mapping[str, Mapping[str, Any]], sets: Sequence[str]) -> str:
    """Return a table of PSNR in dB and SSIM on sets of photographs, by network, as results have them."""
    rows = []
    for name, found in networks.items():
        values = (f"{found[of]['psnr']:.2f} / {found[of]['ssim']:.4f}" for of in sets)
        rows.append((f"`{name}`", f"{found['params']:,}", *values))
    return table(("network", "parameters", *sets), rows, align="lr")


def outcome(predicted: Mapping[str, Predicted], found: Mapping[str, float]) -> str:
    """Return a table of what was predicted, with its range, what was found, and whether it lies in the range."""
    rows = []
    for name, (value, low, high) in predicted.items():
        inside = "inside" if low <= found[name] <= high else "outside"
        rows.append((name, f"{value:g} ({low:g} to {high:g})", f"{found[name]:.2g}", inside))
    return table(("of the convolutional network", "predicted", "found", ""), rows, align="lrrl")


def on_tiles(same: Tensor, another: Tensor) -> str:
    """Return a table of the share of maps on tiles of the same texture and on others, in %, (scenes,) each."""
    kinds = {"the same texture": same, "other textures": another, "difference, scene by scene": same - another}
    rows = [(name, _told(interval(values[:, None]), 3)) for name, values in kinds.items()]
    return table(("the other tiles have", "% of the map"), rows, align="lr")


def sides(found: Mapping[str, Sequence[float]], shares: Sequence[float]) -> str:
    """Return a table of sides in pixels of the squares that have a share of the gradient, by network."""
    rows = [(name, *(f"{int(value)}" for value in values)) for name, values in found.items()]
    return table(("network", *(f"{share:.0%}" for share in shares)), rows, align="lr")


def _told(found: Interval, digits: int) -> str:
    return f"{found.mean:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"
