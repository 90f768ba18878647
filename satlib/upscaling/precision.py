"""Number formats of a forward pass: exact float32, or bfloat16 where it costs little.

"float32": no TF32. Torch leaves it on for cuDNN's convolutions and off for matrix products unless told; this
is the one place of the package that tells it, and the settings are put back afterwards. "bfloat16": autocast, with
float32 weights. Products and convolutions are in bfloat16; the choice of centres (`satlib.dta`), softmax, norms
and what is added up from block to block stay in float32.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock
from typing import Literal, Protocol

import torch

Format = Literal["float32", "bfloat16"]
FORMATS: tuple[Format, ...] = ("float32", "bfloat16")

NEWER = (("cuda", "matmul"), ("cudnn", "conv"), ("mkldnn", "matmul"), ("mkldnn", "conv"))
"""Backends and operations that torch has newer settings of."""
EXACT = ("ieee", "none")
"""What they say where float32 is float32; "none": nothing."""


class _Setting(Protocol):
    """One of torch's newer settings."""

    fp32_precision: str


class _Inside:
    """How many are inside of :func:`exact`, in all threads, which share torch's settings; and what these were."""

    def __init__(self) -> None:
        self.lock, self.number, self.before = Lock(), 0, ExitStack()

    def enter(self) -> None:
        """Let one in; the first one switches TF32 off."""
        with self.lock:
            if self.number == 0:
                _switch_off(self.before)
            self.number += 1

    def leave(self) -> None:
        """Let one out; after the last one the settings are as they were."""
        with self.lock:
            self.number -= 1
            if self.number == 0:
                self.before.close()


_INSIDE = _Inside()


@contextmanager
def exact() -> Iterator[None]:
    """Compute float32 as float32: TF32 off for products and convolutions, and afterwards as it was.

    Threads may be inside at the same time: the settings are put back when the last one leaves.
    """
    _INSIDE.enter()
    try:
        yield
    finally:
        _INSIDE.leave()


def _switch_off(before: ExitStack) -> None:
    """Switch TF32 off, and have ``before`` put the settings back.

    Torch has older settings and, from 2.9 on, newer ones by backend. It refuses to read an older one where a newer one
    contradicts it, and what a newer one says for all backends holds beside an older one: so both are looked at.
    """
    with suppress(RuntimeError):
        before.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
        torch.set_float32_matmul_precision("highest")
    with suppress(RuntimeError):
        before.callback(setattr, torch.backends.cudnn, "allow_tf32", torch.backends.cudnn.allow_tf32)
        torch.backends.cudnn.allow_tf32 = False
    for backend, operation in NEWER if hasattr(torch.backends, "fp32_precision") else ():
        setting: _Setting | None = getattr(getattr(torch.backends, backend), operation, None)
        if setting is not None and setting.fp32_precision not in EXACT:
            before.callback(_put_back, setting, setting.fp32_precision)
            setting.fp32_precision = "ieee"


def _put_back(setting: _Setting, value: str) -> None:
    setting.fp32_precision = "none"  # what the setting for all operations or backends says
    if setting.fp32_precision != value:
        setting.fp32_precision = value


@contextmanager
def computing(number_format: Format, device: torch.device) -> Iterator[None]:
    """Run what is inside in "float32" (exact; other dtypes as they are) or under autocast to "bfloat16".

    Raises
    ------
    ValueError
        If the number format is another.
    """
    if number_format not in FORMATS:
        raise ValueError(f"precision must be one of {', '.join(FORMATS)}, got {number_format!r}")
    with exact(), torch.autocast(device.type, torch.bfloat16, enabled=number_format == "bfloat16"):
        yield
