"""What a reader did with an image beyond reading it: said as a warning, which Python shows on stderr."""

import warnings
from collections.abc import Iterable


class ImageRemark(UserWarning):
    """An image was converted, or something in its file is not kept; the message names the file and says what."""


def remark(name: object, texts: Iterable[str]) -> None:
    """Warn once for each text, with the file's name before it."""
    for text in texts:
        warnings.warn(f"{name}: {text}", ImageRemark, stacklevel=3)
