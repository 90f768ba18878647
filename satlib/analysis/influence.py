"""Which input pixels an output pixel depends on, by its gradient."""

import torch
from torch import Tensor

from satlib.network.model import SAT, in_eval


def influence(model: SAT, image: Tensor, place: tuple[int, int]) -> Tensor:
    """Return how much each input pixel moves one output pixel: a gradient's length, (H, W), not negative.

    The gradient of the sum of the output pixel's three colours, its length taken over the colours of each input pixel.
    Which tokens are centres, and who joins them, counts as fixed.

    Parameters
    ----------
    model
        Run in eval mode; it is not changed.
    image
        (3, H, W) in [0, 1].
    place
        Row and column of the *input* pixel whose upper left output pixel is meant.

    Raises
    ------
    ValueError
        If the place is not in the image.
    """
    height, width = image.shape[-2:]
    row, column = place
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(f"place must lie in an image of {height} x {width}, got {place}")
    model = in_eval(model)
    scale = model.config.scale
    batch = image.unsqueeze(0).clone().requires_grad_()
    with torch.enable_grad():
        value = model(batch)[0, :, row * scale, column * scale].sum()
    (gradient,) = torch.autograd.grad(value, batch)
    length: Tensor = torch.linalg.vector_norm(gradient[0], dim=0)
    return length
