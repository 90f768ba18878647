"""What merging does to the tokens: pictures that are painted with them."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from torch import Tensor

from satlib.figures.kit.style import panels, show_image, styled


@styled
def pictures(images: Mapping[str, Tensor], *, columns: int = 3) -> Figure:
    """Draw images (3, H, W) of one size, a panel for each, titled by the keys."""
    shape = next(iter(images.values())).shape
    figure, axes = panels(len(images), shape[1] / shape[2], columns=columns)
    for ax, (title, image) in zip(axes, images.items(), strict=True):
        show_image(ax, image, title)
    return figure


def repaint(tokens: Tensor, assignment: Tensor, image: Tensor) -> Tensor:
    """Return an image (3, H, W): every pixel in the colour that its cluster's token (K, 3pp) has in the middle.

    The tokens are merged patches (:func:`satlib.analysis.patch_features.patch_features`), ``assignment`` (N,) their
    clusters, and ``image`` the one they were made of, whose mean colour is added again.
    """
    middle = tokens.unflatten(1, (3, -1))  # (K, 3, pp)
    color = middle[:, :, middle.shape[2] // 2] + image.mean((1, 2))
    painted: Tensor = color[assignment].T.reshape(image.shape)
    return painted.clamp(0, 1)
