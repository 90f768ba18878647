"""What all explorers share: knobs, pictures, and how a change of the one becomes a change of the other.

A change is computed at once. Where the last one took long, it waits until the knobs have been left alone for a moment,
so that a hurried reader does not queue up work; meanwhile the explorer says that it is computing. What fails leaves
the last picture in its place, and says why below the knobs.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import ipywidgets as widgets

from satlib.explore.clickable_image import Clickable, Drawing
from satlib.explore.layer_picture import LayerDrawing

if TYPE_CHECKING:  # ipywidgets ships no types: this is what is used of its VBox

    class VBox:
        """A column of widgets."""

        children: tuple[Any, ...]
        comm: object

        def has_trait(self, name: str) -> bool:
            """Tell whether it has a trait of this name."""

        def unobserve_all(self) -> None:
            """Remove all callbacks."""

        def close(self) -> None:
            """Remove it from the page and from the kernel."""

else:
    from ipywidgets import VBox

PROMPT = 0.3
"""Seconds: a change that takes no longer is computed at once."""

DELAY = 0.25
"""Seconds for which the knobs must rest before a change that takes longer is computed."""

COMPUTING = "computing …"

ROW = {"flex_flow": "row wrap", "align_items": "flex-start"}


class Drawn(NamedTuple):
    """What an explorer shows for one setting of its knobs."""

    drawings: tuple[Drawing | LayerDrawing, ...]
    """One for each of the explorer's pictures, of its kind."""
    numbers: str
    """A line of text."""


class Explorer(VBox):
    """Knobs over a line of text over pictures; the base of all explorers, a widget like any other.

    Knobs are ordinary widgets and can be set from Python, e.g. ``explorer.layer.value = 2``.

    Parameters
    ----------
    knobs
        Widgets with a ``value``.
    pictures
        As many as :meth:`draw` draws.
    further
        Widgets beside the knobs, such as buttons.
    """

    _waiting: asyncio.TimerHandle | None = None
    _held = False

    def __init__(
        self, knobs: Sequence[Any], pictures: Sequence[Clickable[Any]], *, further: Sequence[Any] = ()
    ) -> None:
        super().__init__()
        self.knobs, self.pictures = tuple(knobs), tuple(pictures)
        self.numbers = widgets.HTML()
        self.seconds = 0.0
        above, below = (widgets.Box(row, layout=ROW) for row in ((*self.knobs, *further), self.pictures))
        self.children = (above, self.numbers, below)
        for knob in self.knobs:
            knob.observe(self._turned, names="value")
        try:
            self._show()
        except Exception:
            self.close()
            raise

    def __repr__(self) -> str:
        """Say what it is, where it cannot be shown."""
        return f"<{type(self).__name__}, a widget for JupyterLab>"

    @property
    def picture(self) -> Clickable[Any]:
        """The first picture."""
        return self.pictures[0]

    def draw(self) -> Drawn:
        """Compute and draw what the knobs say; each explorer has its own."""
        raise NotImplementedError

    def turn(self, settings: Mapping[Any, object]) -> None:
        """Set several knobs, given with their new values, and compute once."""
        before = [knob.value for knob in settings]
        self._held = True
        try:
            for knob, value in settings.items():
                knob.value = value
        finally:
            self._held = False
        if before != [knob.value for knob in settings]:
            self._turned(None)

    def settle(self) -> None:
        """Compute now what still waits for the knobs to rest."""
        if self._waiting is not None:
            self._update()

    def close(self) -> None:
        """Remove the explorer, with all its parts, from the page and from the kernel."""
        if self.comm is None:
            return
        self._cancel()
        for part in (*_parts(self.children), self):
            part.unobserve_all()
            for name in ("layout", "style"):
                if part.has_trait(name):
                    getattr(part, name).close()
            if part is not self:
                part.close()
        super().close()

    def _turned(self, change: object) -> None:
        if self._held:
            return
        self._cancel()
        self.numbers.value = _status(COMPUTING)
        loop = _running_loop()
        if loop is None or self.seconds <= PROMPT:
            self._update()
        else:
            self._waiting = loop.call_later(DELAY, self._update)

    def _cancel(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _update(self) -> None:
        self._cancel()
        try:
            self._show()
        except Exception as error:  # whatever it is, the reader must see it and keep the picture
            self.numbers.value = _status(f"this setting failed: {type(error).__name__}: {error}")

    def _show(self) -> None:
        start = perf_counter()
        drawn = self.draw()
        for picture, drawing in zip(self.pictures, drawn.drawings, strict=True):
            picture.show(drawing)
        self.numbers.value = _status(drawn.numbers)
        self.seconds = perf_counter() - start


def _status(text: str) -> str:
    """Return a line as HTML that screen readers read out when it changes."""
    return f'<div role="status">{escape(text)}</div>'


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop of a notebook's kernel; ``None`` in a plain program."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _parts(children: Iterable[Any]) -> Iterable[Any]:
    """Yield widgets and all that they hold, the innermost first."""
    for child in children:
        yield from _parts(getattr(child, "children", ()))
        yield child
