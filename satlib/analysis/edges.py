"""Where the centres of a network's layers lie: at edges, as Fig. D of the paper suggests, or elsewhere.

An edge pixel is one of a share of the image's pixels, those with the strongest gradient. Centres that are chosen
blindly would be edge pixels in just that share of the cases: chance needs no simulation. What is measured varies
between photographs and between draws of the sample; :func:`interval` takes both into account.

Shapes: I images, D draws (networks that differ in their seed), L layers, K centres, N = H*W tokens.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from satlib.analysis.sample_quality import coverage
from satlib.analysis.tracing import trace
from satlib.dta.sampling import cell_labels
from satlib.images.tensors import check_floats
from satlib.network.model import SAT
from satlib.support.checks import integers


def layer_centers(models: Sequence[SAT], images: Sequence[Tensor]) -> list[Tensor]:
    """Return the centres that each layer of each network chooses on images (3, H, W): I tensors (D, L, K)."""
    return [
        torch.stack([torch.stack([layer.aggregation.centers[0] for layer in trace(model, image)]) for model in models])
        for image in images
    ]


def gradient_rank(image: Tensor, *, reach: int = 0) -> Tensor:
    """Return the rank of every pixel's gradient among those of its image (3, H, W), (N,) in (0, 1), mean 1/2.

    Ties go by position. With ``reach``, a pixel has the strongest gradient of all pixels up to so many rows and columns
    away: a place beside an edge then counts like the edge.

    Raises
    ------
    ValueError
        If ``reach`` is negative, or no integer.
    """
    integers("reach", reach)
    if reach < 0:
        raise ValueError(f"reach must not be negative, got {reach}")
    strength = edge_strength(image).view(1, 1, *image.shape[1:])
    near = functional.max_pool2d(strength, 2 * reach + 1, stride=1, padding=reach).flatten()
    return (near.argsort(stable=True).argsort().double() + 0.5) / len(near)


def edge_shares(centers: Sequence[Tensor], images: Sequence[Tensor], *, share: float = 0.1, reach: int = 0) -> Tensor:
    """Return the share of centres on edge pixels, (L, I, D).

    Parameters
    ----------
    centers, images
        What :func:`layer_centers` gave, and what it was given.
    share
        Which share of an image's pixels are edge pixels; what blind choice would give.
    reach
        See :func:`gradient_rank`.

    Raises
    ------
    ValueError
        If ``share`` is not in (0, 1].
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be in (0, 1], got {share}")
    found = [
        (gradient_rank(image, reach=reach)[chosen] > 1 - share).double().mean(-1)  # (D, L)
        for chosen, image in zip(centers, images, strict=True)
    ]
    return torch.stack(found).permute(2, 0, 1)


def decile_shares(centers: Sequence[Tensor], images: Sequence[Tensor]) -> Tensor:
    """Return how often centres lie in each tenth of the pixels, weakest gradient first, (10, L, I, D); by chance 1."""
    upper = torch.stack([edge_shares(centers, images, share=(10 - tenth) / 10) for tenth in range(10)])
    below = torch.cat((upper[1:], torch.zeros_like(upper[:1])))
    return 10 * (upper - below)


def cell_shares(centers: Sequence[Tensor], images: Sequence[Tensor]) -> Tensor:
    """Return the share of K cells of equal area that have a centre in them, (L, I, D).

    1 is an even cover. K centres placed blindly reach 1 - (1 - 1/K)^K, which is about 0.63.
    """
    found = []
    for chosen, image in zip(centers, images, strict=True):
        cells = cell_labels((image.shape[1], image.shape[2]), chosen.shape[-1])
        found.append(torch.tensor([[coverage(layer, cells) for layer in draw] for draw in chosen]))
    return torch.stack(found).double().permute(2, 0, 1)


def edge_strength(image: Tensor) -> Tensor:
    """Return the length of the grey value's gradient at every pixel of ``image`` (3, H, W), (N,).

    Central differences, one-sided at the border; in grey values per pixel.

    Raises
    ------
    ValueError
        If the image has another shape, or a side of less than 2 pixels, or holds integers.
    """
    if image.ndim != 3 or image.shape[0] != 3 or min(image.shape) < 2:
        raise ValueError(f"image must be (3, H, W) with H, W >= 2, got {tuple(image.shape)}")
    down, right = torch.gradient(check_floats(image).mean(0))
    return torch.hypot(down, right).flatten()
