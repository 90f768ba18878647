"""Errors of a network's SAA layers against exact attention, drawn. See :mod:`satlib.analysis.exact_attention`."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from satlib.analysis.exact_attention import LayerError
from satlib.figures.kit.style import BLUE, GREEN, ORANGE, PURPLE, VERMILLION, panels, styled

WAYS = {
    "plain": ("SAA, norms restored", VERMILLION, "o-"),
    "size_bias": ("norms restored, log n", ORANGE, "s-"),
    "plain_unrestored": ("SAA, norms as merged", BLUE, "^--"),
    "size_bias_unrestored": ("norms as merged, log n", GREEN, "D--"),
    "uniform": ("mean value everywhere", PURPLE, "v:"),
    "other_yardstick": ("exact, the other yardstick", "0.5", "x:"),
}


@styled
def layer_errors(
    networks: Mapping[str, Sequence[Sequence[LayerError]]], *, ways: Sequence[str] = tuple(WAYS)
) -> Figure:
    """Draw the relative error against the layer: medians over photographs, the range of all of them shaded.

    Parameters
    ----------
    networks
        By the network's name, what :func:`satlib.analysis.exact_attention.layer_errors` returned for each photograph.
    ways
        Which of their fields are drawn; all by default.

    Raises
    ------
    ValueError
        If one of the ways is not a field.
    """
    if unknown := [way for way in ways if way not in WAYS]:
        raise ValueError(f"ways must be among {', '.join(WAYS)}, got {', '.join(unknown)}")
    figure, axes = panels(len(networks), 1.1)
    for ax, (name, photographs) in zip(axes, networks.items(), strict=True):
        layers = np.arange(1, len(photographs[0]) + 1)
        for way in ways:
            label, color, style = WAYS[way]
            values = np.array([[getattr(layer, way) for layer in photograph] for photograph in photographs])
            ax.fill_between(layers, values.min(0), values.max(0), color=color, alpha=0.15, linewidth=0)
            ax.plot(layers, np.median(values, axis=0), style, color=color, label=label, markersize=4)
        ax.axhline(1, color="0.5", linewidth=0.8)
        ax.set(yscale="log", xticks=layers, xlabel="SAA layer", title=name)
    low, high = (pick(ax.get_ylim()[i] for ax in axes) for i, pick in enumerate((min, max)))
    for ax in axes:
        ax.set_ylim(low, high)
    axes[0].set_ylabel("‖O − O*‖ / ‖O*‖")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
