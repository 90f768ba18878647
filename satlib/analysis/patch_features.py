"""Features that need no training: every pixel of a small photograph described by the colours around it.

Density-driven token aggregation works on any tokens. With these one can watch it choose on a photograph
before any network exists; the network's own tokens come from :func:`satlib.trace`.

Shapes: B images, H and W height and width, N = H*W tokens, p side of a patch.
"""

from torch import Tensor
from torch.nn import functional


def patch_features(image: Tensor, size: int = 3) -> Tensor:
    """Describe every pixel by the colours of the patch around it, relative to the image's mean colour.

    Without the subtraction all patches would point in nearly the same direction, because no colour is
    negative, and cosine similarity could hardly tell them apart. Lengths stay: cosine similarity ignores them.

    Parameters
    ----------
    image
        (B, 3, H, W) floating point, values in [0, 1]. Border pixels are repeated outwards.
    size
        p, the side of the square patch; odd.

    Returns
    -------
    Tensor
        (B, N, 3 * p * p), tokens in raster order.

    Raises
    ------
    ValueError
        If the image has another shape or is empty, or the size is not an odd positive integer.
    """
    if image.ndim != 4 or image.shape[1] != 3 or 0 in image.shape or not image.is_floating_point():
        raise ValueError(f"image must be floating point (B, 3, H, W), got {image.dtype} {tuple(image.shape)}")
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size must be odd and positive, got {size}")
    centred = image - image.mean((2, 3), keepdim=True)
    padded = functional.pad(centred, (size // 2,) * 4, mode="replicate")
    return functional.unfold(padded, size).mT  # (B, 3*p*p, N) -> (B, N, 3*p*p)
