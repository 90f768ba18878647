"""`windows`: which pixels one pixel reads in a local block, what the mask hides, and how a head favours places."""

from torch import Tensor

from satlib.analysis.position_bias import bias_map, position_tables
from satlib.analysis.receptive_field import InWindows, in_windows, local_shifts
from satlib.explore import knobs
from satlib.explore.clickable_image import Drawing, Picture
from satlib.explore.explorer import Drawn
from satlib.explore.pixel_explorer import PixelExplorer
from satlib.figures.explorers.pixels import edge_to_edge
from satlib.figures.explorers.windows import bias_beside, windows_on_image
from satlib.figures.kit.show import quick_png
from satlib.images.inputs import ImageLike, small_image
from satlib.network.model import SAT
from satlib.upscaling.models import ModelLike, network


def windows(model: ModelLike, image: ImageLike) -> "WindowsExplorer":
    """Return an explorer of local windows; as the last value of a notebook cell it is displayed.

    A pixel is clicked, or typed as row and column: what it reads in the chosen local block stays in colour, what the
    mask hides is grey; beside it the position bias that a head adds for each pixel that it reads. Further knobs: block,
    head. ``found`` is what is in the windows, ``bias`` the map (H, W).

    Parameters
    ----------
    model
        A network, a bundled name ("sat-tiny-x2") or a file of weights. It is not changed.
    image
        What :func:`satlib.upscale` takes, or a tensor (3, H, W) in [0, 1]; shrunk to 96 pixels.

    Raises
    ------
    ValueError, OSError
        If it is no image or no network.
    """
    found = network(model)
    if found is None:
        raise ValueError("model must be a network, its name or a file of weights, got None: patches have no windows")
    return WindowsExplorer(found, small_image(image))


class WindowsExplorer(PixelExplorer):
    """Made by :func:`windows`."""

    found: InWindows
    bias: Tensor

    def __init__(self, model: SAT, image: Tensor) -> None:
        self.model, self.image, self.shifts = model, image, local_shifts(model.config)
        names = [f"block {i}{', shifted' if moved else ''}" for i, moved in enumerate(self.shifts, 1)]
        (h, w), half = model.config.window, model.config.heads // 2
        heads = [f"head {i + 1}, {f'{h} × {w}' if i < half else f'{w} × {h}'}" for i in range(2 * half)]
        self.block = knobs.choice("block", [(name, i) for i, name in enumerate(names)])
        self.head = knobs.choice("head", [(name, i) for i, name in enumerate(heads)])
        super().__init__((image.shape[1], image.shape[2]), Picture(), (self.block, self.head), (Picture(),))

    def draw(self) -> Drawn:
        """Draw what the chosen pixel reads in the chosen block, and the bias of the chosen head."""
        block, head = self.block.value, self.head.value
        shifted, token = self.shifts[block], self.token
        found = in_windows(self.grid, self.model.config, token, shifted=shifted)
        orientation, number = divmod(head, self.model.config.heads // 2)
        table = position_tables(self.model, block)[orientation][number]
        bias = bias_map(table, found.read[orientation], token, self.grid)
        self.found, self.bias = found, bias
        text = describe(found, bias, shifted)
        photo = windows_on_image(self.image, found.read, found.hidden.any(0), token)
        return Drawn(
            (
                Drawing(edge_to_edge(photo), "The pale image, in full colour what the star reads, lines around it."),
                Drawing(quick_png(bias_beside(bias, token)), f"Map of the position bias of one head. {text}"),
            ),
            text,
        )


def describe(found: InWindows, bias: Tensor, shifted: bool) -> str:
    """Return in one line what a pixel finds in its windows, and how far its bias goes."""
    wide, high = found.read.sum(1).tolist()
    hidden, given = int(found.hidden.any(0).sum()), bias[~bias.isnan()]
    mask = f"the mask hides {hidden:,}" if shifted else "nothing is masked"
    return (
        f"windows {'shifted' if shifted else 'in place'}: {wide:,} pixels are read in the wide window, {high:,} in the "
        f"high one, {int(found.read.any(0).sum()):,} in both together; {mask}; the bias varies by "
        f"{float(given.max() - given.min()):.3f}"
    )
