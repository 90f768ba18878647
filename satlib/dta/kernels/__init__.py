"""Steps 2 to 5 of DTA as Triton kernels, and the switch between them and the torch functions they stand in for.

The kernels compute what `satlib.dta` computes: similarities are float32 in both and may differ in the last bit, so
that the same centres and clusters are chosen wherever more than rounding decides; ties go to the same side. They keep
neither N x K nor S x S numbers, use no atomic operation, and give an image the same bits alone and in any batch.

By default torch computes everything, on a GPU too: no kernel has been measured on one yet. `use` changes that: with
"auto" float32 tokens on a CUDA device go to the kernels where the package triton is installed (the extra "triton",
Linux), and everything else to torch. Triton's interpreter runs the kernels without a
GPU, slowly: it is chosen by TRITON_INTERPRET=1 in the environment before Python starts, which is Triton's own switch.

`import satlib` does not import triton; the first call that needs it does.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Literal, get_args

import torch
from torch import Tensor

Choice = Literal["auto", "torch", "triton"]
"""What :func:`use` takes."""
CHOICES: tuple[Choice, ...] = get_args(Choice)

INSTALLED = find_spec("triton") is not None
"""Whether the package triton is installed."""

_choice: ContextVar[Choice] = ContextVar("kernels", default="torch")
_compiling: Choice = "torch"  # the last choice of any thread: torch.compile can read no context


@contextmanager
def use(choice: Choice) -> Iterator[None]:
    """Choose what computes the steps of DTA: for a ``with`` block, in this thread or task alone.

    Parameters
    ----------
    choice
        "auto": Triton where it is installed and the tokens are float32 on a CUDA device, else torch. "torch". "triton":
        Triton, and a ValueError for tokens that it cannot take.

    Raises
    ------
    ValueError
        If the choice is unknown or cannot be had on this machine.
    """
    if choice not in CHOICES:
        raise ValueError(f"unknown kernels {choice!r}; choose auto, torch or triton")
    if choice == "triton":
        _check_triton()
    global _compiling
    token, before = _choice.set(choice), _compiling
    _compiling = choice
    try:
        yield
    finally:
        _choice.reset(token)
        _compiling = before


def _check_triton() -> None:
    if not INSTALLED:
        raise ValueError("kernels 'triton' need the package triton: pip install 'satlib[triton]' (Linux)")
    if _compiled() and not torch.cuda.is_available():
        raise ValueError(
            "kernels 'triton' need a CUDA device, or Triton's interpreter: set TRITON_INTERPRET=1 before Python starts"
        )


def _compiled() -> bool:
    from satlib.dta.kernels import steps

    return steps.COMPILED


def chosen(x: Tensor) -> bool:
    """Return whether Triton computes the steps of DTA on ``x``.

    Raises
    ------
    ValueError
        Inside ``use("triton")``, if the kernels cannot take ``x``: it is not float32, or not on a CUDA device while
        kernels are compiled.
    """
    choice = _compiling if torch.compiler.is_compiling() else _choice.get()
    if choice == "auto":
        return INSTALLED and x.is_cuda and x.dtype == torch.float32
    if choice == "triton" and (x.dtype != torch.float32 or (_compiled() and not x.is_cuda)):
        raise ValueError(f"kernels 'triton' take float32 tensors on a CUDA device, got {x.dtype} on {x.device}")
    return choice == "triton"


def _on_device_of(x: Tensor) -> AbstractContextManager[None]:
    """Make the device of ``x`` the one that kernels are launched on; compiled code does so by itself."""
    return nullcontext() if torch.compiler.is_compiling() else torch.cuda.device_of(x)


def assign(x: Tensor, center_units: Tensor) -> Tensor:
    """Compute :func:`satlib.dta.assign` by Triton."""
    from satlib.dta.kernels import steps

    with _on_device_of(x):
        return steps.assign(x, center_units)


def density(unit: Tensor, m: int) -> Tensor:
    """Compute :func:`satlib.dta.density` by Triton."""
    from satlib.dta.kernels import steps

    with _on_device_of(unit):
        return steps.density(unit, m)


def separation(unit: Tensor, rho: Tensor) -> Tensor:
    """Compute :func:`satlib.dta.separation` by Triton."""
    from satlib.dta.kernels import steps

    with _on_device_of(unit):
        return steps.separation(unit, rho)


def cluster_sum(values: Tensor, assignment: Tensor, n_clusters: int) -> Tensor:
    """Compute :func:`satlib.dta.clusters.cluster_sum` by Triton, with its gradient."""
    from satlib.dta.kernels import steps

    with _on_device_of(values):
        return steps.cluster_sum(values, assignment, n_clusters)


def weighted_sum(x: Tensor, weight: Tensor, assignment: Tensor, n_clusters: int) -> Tensor:
    """Compute the result of :func:`satlib.dta.clusters.weighted_cluster_sum` by Triton, without its gradient."""
    from satlib.dta.kernels import steps

    with _on_device_of(x):
        return steps.weighted_sum(x, weight, assignment, n_clusters)


def merge_by_similarity(x: Tensor, centers: Tensor, assignment: Tensor, temperature: float) -> Tensor:
    """Compute :func:`satlib.dta.clusters.merge_by_similarity` by Triton, with its gradient."""
    from satlib.dta.kernels import steps

    with _on_device_of(x):
        return steps.merge_by_similarity(x, centers, assignment, temperature)
