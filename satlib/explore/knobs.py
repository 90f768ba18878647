"""The knobs of density-driven token aggregation, each at the paper's value first."""

from collections.abc import Sequence

import ipywidgets as widgets

from satlib.dta.options import SAMPLINGS


def slider(description: str, values: tuple[float, ...], start: float, form: str = "{:g}") -> widgets.SelectionSlider:
    """Return a slider over a few values; a change counts when the knob is let go."""
    options = [(form.format(value), value) for value in values]
    return widgets.SelectionSlider(options=options, value=start, description=description, continuous_update=False)


def beta() -> widgets.SelectionSlider:
    """Return a slider of the number of sampled tokens to a centre."""
    return slider("β = S / K", (1, 2, 3, 4, 6, 8, 12, 16), 4)


def keep_ratio() -> widgets.SelectionSlider:
    """Return a slider of the share of tokens that become centres."""
    return slider("K / N", (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12), 0.03, "{:.1%}")


def neighbors() -> widgets.SelectionSlider:
    """Return a slider of the neighbours that the density averages over, as a share of K."""
    return slider("m / K", (0.02, 0.05, 0.1, 0.2, 0.5, 1.0), 0.1)


def sampling() -> widgets.Dropdown:
    """Return a choice of the way to sample."""
    return widgets.Dropdown(options=SAMPLINGS, description="sampling")


def draw() -> widgets.BoundedIntText:
    """Return a number that stands for a random draw."""
    return widgets.BoundedIntText(value=0, min=0, max=10**6, description="draw")


def choice(
    description: str, options: Sequence[str] | Sequence[tuple[str, int | None]], value: str | None = None
) -> widgets.Dropdown:
    """Return a drop-down list, at ``value`` or at its first option.

    The value of an option may be ``None``. ipywidgets takes that for "nothing chosen" and shows an empty list: here the
    option stays chosen.
    """
    knob = widgets.Dropdown(options=options, description=description)
    if value is not None:
        knob.value = value
    values = [option if isinstance(option, str) else option[1] for option in options]
    if None in values:

        def stay(_: object = None) -> None:
            if knob.index is None:
                knob.index = values.index(None)

        knob.observe(stay, names="index")
        stay()
    return knob
