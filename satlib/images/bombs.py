"""Pillow's own bound on pixels, lifted while we read with ours.

Pillow refuses more than twice `Image.MAX_IMAGE_PIXELS`, 179 million pixels, whatever is asked for. Only a module's
variable changes that: it is raised while files are read here, never lowered, and put back after the last of them.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

_lock = threading.Lock()
_bounds: list[int] = []
_before: list[int | None] = []


@contextmanager
def pillow_bound(max_pixels: int) -> Iterator[None]:
    """Let Pillow open images of ``max_pixels``; calls from several threads may overlap."""
    with _lock:
        if not _bounds:
            _before[:] = [Image.MAX_IMAGE_PIXELS]
        _bounds.append(max_pixels)
        _set()
    try:
        yield
    finally:
        with _lock:
            _bounds.remove(max_pixels)
            _set()


def _set() -> None:
    """Set the largest of Pillow's own bound and those that are asked for."""
    own = _before[0]
    Image.MAX_IMAGE_PIXELS = own if own is None else max(own, *_bounds, 0)
