"""A missing package of an extra: one sentence that names the package and how to install it."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Let an import inside fail with a sentence that names the missing package and the extra that brings it.

    Raises
    ------
    ModuleNotFoundError
        In place of Python's own, for packages other than satlib.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "satlib").partition(".")[0]
        if package == "satlib":
            raise
        text = f"{package} is missing; install satlib with it: pip install 'satlib[{extra}]'"
        raise ModuleNotFoundError(text, name=error.name) from None
