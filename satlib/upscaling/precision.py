"""Number formats of a forward pass: exact float32, or bfloat16 where it costs little.

"float32": no TF32. Torch leaves it on for cuDNN's convolutions and off for matrix products unless told; this
is the one place of the package that tells it, and the settings are put back afterwards. "bfloat16": autocast, with
float32 weights. Products and convolutions are in bfloat16; the choice of centres (`satlib.dta`), softmax, norms
and what is added up from block to block stay in float32.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

Format = Literal["float32", "bfloat16"]
FORMATS: tuple[Format, ...] = ("float32", "bfloat16")


@contextmanager
def exact() -> Iterator[None]:
    """Compute float32 as float32: TF32 off for products and convolutions, and afterwards as it was."""
    products, convolutions = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        torch.backends.cudnn.allow_tf32 = convolutions


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
