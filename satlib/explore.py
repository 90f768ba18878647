"""Explorers: widgets for JupyterLab that run the library's functions on one image while the reader turns knobs.

They draw with the functions of :mod:`satlib.figures`, so that an explorer and the book's page show the same picture.
Without a running kernel, as in the published book, a plotly slider takes their place.
"""

from collections.abc import Callable
from html import escape

import ipywidgets as widgets
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from satlib.config import SAMPLINGS
from satlib.dta import Aggregation, aggregate
from satlib.figures.centers import centers_on_image, decision_graph, score_maps
from satlib.figures.clusters import cluster_maps
from satlib.figures.show import MimeBundle, png
from satlib.model import SAT
from satlib.patches import low_resolution, patch_features
from satlib.tracing import trace

SIDE = 96
"""Longer side of the image an explorer works on; larger ones are shrunk to it."""

PATCHES = "patches (no network)"

VIEWS: dict[str, Callable[[Tensor, Aggregation], Figure]] = {
    "centres": centers_on_image,
    "density, separation, score": score_maps,
    "clusters": cluster_maps,
    "decision graph": lambda image, result: decision_graph(result),
}


def centers(image: Image.Image | Tensor, model: SAT | None = None) -> "CenterExplorer":
    """Return an explorer of how DTA chooses centres; as the last value of a notebook cell it is displayed.

    Parameters
    ----------
    image
        A PIL image of any mode and size, or a tensor (3, H, W) in [0, 1]. It is shrunk to 96 pixels.
    model
        A network whose layers can be looked at beside the patches. It is not changed.

    Raises
    ------
    ValueError
        If ``image`` is neither.
    """
    return CenterExplorer(small_image(image), model)


def small_image(image: Image.Image | Tensor) -> Tensor:
    """Return the image as a tensor (3, H, W) of float32, the longer side at most 96 pixels."""
    if isinstance(image, Image.Image):
        return low_resolution(image, SIDE)
    if not isinstance(image, Tensor) or image.ndim != 3 or image.shape[0] != 3 or 0 in image.shape:
        what = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
        raise ValueError(f"image must be a PIL image or a tensor (3, H, W), got {what}")
    pixels = image.detach().cpu().float().clamp(0, 1).mul(255).byte().permute(1, 2, 0)
    return low_resolution(Image.fromarray(pixels.numpy()), SIDE)


class CenterExplorer:
    """Knobs for DTA, and the picture of what it chooses; made by :func:`centers`.

    The knobs are ordinary widgets and can be set from Python, e.g. ``explorer.beta.value = 8``. ``result`` is the
    last aggregation, ``widget`` what is displayed. A change is computed when the knob is let go.
    """

    def __init__(self, image: Tensor, model: SAT | None = None) -> None:
        self.image, self.model = image, model
        self.view = widgets.Dropdown(options=list(VIEWS), description="show")
        self.layer = widgets.Dropdown(options=_layers(model), description="features")
        self.beta = _slider("β = S / K", (1, 2, 3, 4, 6, 8, 12, 16), 4, "{:g}")
        self.keep_ratio = _slider("K / N", (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12), 0.03, "{:.1%}")
        self.neighbors = _slider("m / K", (0.02, 0.05, 0.1, 0.2, 0.5, 1.0), 0.1, "{:g}")
        self.sampling = widgets.Dropdown(options=SAMPLINGS, description="sampling")
        self.seed = widgets.BoundedIntText(value=0, min=0, max=10**6, description="draw")
        self.numbers = widgets.HTML()
        self.picture = widgets.Image(format="png", layout={"max_width": "100%", "object_fit": "contain"})
        self.knobs = (self.view, self.layer, self.beta, self.keep_ratio, self.neighbors, self.sampling, self.seed)
        self.widget = widgets.VBox(
            [widgets.Box(self.knobs, layout={"flex_flow": "row wrap"}), self.numbers, self.picture]
        )
        for knob in self.knobs:
            knob.observe(self._update, names="value")
        self._update(None)

    def close(self) -> None:
        """Remove the explorer from the page and from the kernel."""
        for knob in self.knobs:
            knob.unobserve_all()
        for part in (*self.knobs, self.numbers, self.picture, self.widget.children[0], self.widget):
            part.layout.close()
            if part.has_trait("style"):
                part.style.close()
            part.close()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> MimeBundle:
        """Display the widget; IPython's display protocol."""
        return self.widget._repr_mimebundle_(include=include, exclude=exclude), {}

    def _update(self, change: object) -> None:
        self.numbers.value = "computing …"
        self.result = self._aggregate()
        self.picture.value = draw(self.view.value, self.image, self.result)
        self.numbers.value = escape(describe(self.result))

    @torch.inference_mode()
    def _aggregate(self) -> Aggregation:
        if self.layer.value is not None:
            return self._layer_aggregation(self.layer.value)
        n_tokens = self.image[0].numel()
        return aggregate(
            patch_features(self.image.unsqueeze(0)), max(1, int(self.keep_ratio.value * n_tokens)),
            grid=(self.image.shape[1], self.image.shape[2]), subsample=self.beta.value,
            neighbors=self.neighbors.value, sampling=self.sampling.value,
            generator=torch.Generator().manual_seed(self.seed.value),
        )  # fmt: skip

    def _layer_aggregation(self, layer: int) -> Aggregation:
        """Return what one layer chooses when the whole network runs with the knobs' settings."""
        assert self.model is not None
        config = self.model.config.replace(
            subsample=self.beta.value, keep_ratio=self.keep_ratio.value, neighbors=self.neighbors.value,
            sampling=self.sampling.value, seed=self.seed.value,
        )  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            variant = SAT(config).eval()
        variant.load_state_dict(self.model.state_dict())
        return trace(variant, self.image.unsqueeze(0))[layer].aggregation


def draw(view: str, image: Tensor, result: Aggregation) -> bytes:
    """Return one of ``VIEWS`` as a PNG, quickly: a knob should show its effect at once."""
    return png(VIEWS[view](image, result), density=1, palette=False)


def describe(result: Aggregation) -> str:
    """Return the sizes of an aggregation of one image in one line."""
    n_tokens, n_sampled, n_centers = (t.shape[1] for t in (result.assignment, result.sample, result.centers))
    largest, empty = int(result.counts.max()), int((result.counts == 0).sum())
    return (
        f"{n_tokens:,} tokens, {n_sampled:,} sampled, {n_centers:,} centres; "
        f"largest cluster {largest:,} tokens, empty clusters {empty:,}"
    )


def _slider(description: str, values: tuple[float, ...], start: float, form: str) -> widgets.SelectionSlider:
    options = [(form.format(value), value) for value in values]
    return widgets.SelectionSlider(options=options, value=start, description=description, continuous_update=False)


def _layers(model: SAT | None) -> list[tuple[str, int | None]]:
    """Return the choices of features: the patches (``None``), then each SAA layer of the network by its number."""
    choices: list[tuple[str, int | None]] = [(PATCHES, None)]
    if model is not None:
        places = [(g, pair) for g, pairs in enumerate(model.config.groups) for pair in range(pairs)]
        choices += [(f"layer {i + 1}: group {g + 1}, pair {p + 1}", i) for i, (g, p) in enumerate(places)]
    return choices
