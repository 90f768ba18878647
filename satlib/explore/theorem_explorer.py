"""`theorem`: two clusters on which the theorem's second term fails, and draws that miss a cluster, its first term.

The mixture is that of the study in :mod:`satlib.theory.study`: N = 512 tokens in K = 16 clusters of radius 0.02, m = 2.
"""

from functools import lru_cache
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np

from satlib.explore import knobs
from satlib.explore.clickable_image import Drawing, Picture
from satlib.explore.explorer import Drawn, Explorer
from satlib.figures.explorers.theorem import arrange, draw_and_errors
from satlib.figures.kit.show import quick_png
from satlib.theory import Mixture, decompose_error, make_mixture, missed_cluster_probability, sample_indices
from satlib.theory.arrays import Floats, Integers
from satlib.theory.draws import METHODS
from satlib.theory.mixture import LAYOUTS
from satlib.theory.study.common import projections
from satlib.theory.study.sampling import N_CLUSTERS, N_TOKENS, NEIGHBORS

SIGMA, DIM = 0.02, 32
HISTORY = 40
"""How many draws, up to the chosen one, are shown with their errors."""


class Draws(NamedTuple):
    """What the chosen draw and those before it lead to."""

    sample: Integers
    """(S,) positions of the chosen draw."""
    missed: Integers
    """(R,) clusters without a sampled token, draw by draw, the chosen one last."""
    errors: Floats
    """(R,) ||O - O*|| / ||O*||."""
    toy: tuple[float, float]
    """Error of two duplicate clusters with the chosen size ratio, over sqrt(N) ||v1 - v2||: without and with log n."""


def theorem() -> "TheoremExplorer":
    """Return an explorer of Theorem 3.2; as the last value of a notebook cell it is displayed.

    Left the error of two duplicate clusters, which no sample can help; then a draw, with the clusters that it misses
    marked; and the errors of the draws so far. Knobs: size ratio, beta, sampling, order of the tokens, log n in the
    logits, the draw and a button for a new one. ``draws`` holds what is shown.
    """
    return TheoremExplorer()


class TheoremExplorer(Explorer):
    """Made by :func:`theorem`."""

    draws: Draws

    def __init__(self) -> None:
        self.ratio = knobs.slider("size ratio", (1, 2, 4, 8, 16, 32, 64), 4)
        self.beta = knobs.slider("β = S / K", (1, 2, 3, 4, 6, 8, 12, 16), 4)
        self.sampling = knobs.choice("sampling", tuple(METHODS))
        self.order = knobs.choice("order", LAYOUTS)
        self.size_bias = widgets.Checkbox(value=True, description="log n", indent=False)
        self.seed = knobs.draw()
        self.another = widgets.Button(description="new draw")
        self.another.on_click(self._draw_again)
        chosen = (self.ratio, self.beta, self.sampling, self.order, self.size_bias, self.seed)
        super().__init__(chosen, (Picture(),), further=(self.another,))

    def _draw_again(self, button: object) -> None:
        self.seed.value += 1

    def draw(self) -> Drawn:
        """Measure the draws and draw them."""
        mixture = mixture_of(self.ratio.value, self.order.value)
        draws = measure(
            mixture,
            self.ratio.value,
            int(self.beta.value * N_CLUSTERS),
            self.sampling.value,
            self.seed.value,
            size_bias=self.size_bias.value,
        )
        tokens = arrange(mixture.labels, draws.sample)
        figure = draw_and_errors(tokens, draws.errors, draws.missed, self.ratio.value, draws.toy)
        text = self._describe(mixture, draws)
        alt = f"Error of two clusters by size ratio; a draw, cluster by cluster; errors of the draws. {text}"
        drawing = Drawing(quick_png(figure), alt)
        self.draws = draws
        return Drawn((drawing,), text)

    def _describe(self, mixture: Mixture, draws: Draws) -> str:
        """Return in one line what the chosen draw misses, how likely that was, and what it costs."""
        text = f"draw {self.seed.value}: {draws.missed[-1]} of {N_CLUSTERS} clusters missed"
        text += f", error {draws.errors[-1]:.2%}"
        text += f"; {(draws.missed > 0).mean():.0%} of the {len(draws.missed)} draws shown miss one"
        if self.sampling.value != "uniform":
            return text
        return text + f", counted exactly {missed_cluster_probability(mixture.sizes, len(draws.sample)):.0%}"


@lru_cache(maxsize=8)
def mixture_of(ratio: float, layout: str) -> Mixture:
    """Return the study's mixture with this size ratio and order of tokens."""
    return make_mixture(N_TOKENS, N_CLUSTERS, dim=DIM, sigma=SIGMA, size_ratio=ratio, layout=layout)


def measure(mixture: Mixture, ratio: float, n_samples: int, method: str, seed: int, *, size_bias: bool) -> Draws:
    """Measure the error of a draw and of up to 39 before it."""
    seeds = range(max(0, seed + 1 - HISTORY), seed + 1)
    found = decompose_error(
        mixture.x,
        *projections(DIM, 0),
        n_centers=N_CLUSTERS,
        n_samples=n_samples,
        neighbors=NEIGHBORS,
        method=method,
        size_bias=size_bias,
        labels=mixture.labels,
        seeds=seeds,
    )
    assert found.unsampled is not None
    sample = sample_indices(len(mixture.x), n_samples, method=method, seed=seed)
    toy = two_clusters(ratio, size_bias=False), two_clusters(ratio, size_bias=True)
    return Draws(sample, found.unsampled, found.total / found.exact_norm, toy)


@lru_cache(maxsize=32)
def two_clusters(ratio: float, *, size_bias: bool) -> float:
    """Return the error of 10 copies of one token and 10 * ratio of another, zero queries, over sqrt(N) ||v1 - v2||."""
    zero, one = np.zeros((2, 2)), np.eye(2)
    x = np.repeat(one, (10, int(10 * ratio)), axis=0)
    found = decompose_error(x, zero, zero, one, n_centers=2, n_samples=len(x), neighbors=1, size_bias=size_bias)
    return float(found.attention / np.sqrt(2 * len(x)))
