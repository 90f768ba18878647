"""Arguments of the theory's functions: arrays become float64 matrices, sizes are checked against each other."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
ArrayLike = npt.ArrayLike | Tensor


def as_tensor(values: ArrayLike) -> Tensor:
    """Return numbers (numpy array, tensor or nested lists) as a float64 tensor on the CPU, without gradient."""
    if isinstance(values, Tensor):
        return values.detach().cpu().double()
    return torch.from_numpy(np.array(values, dtype=np.float64))


def as_matrix(name: str, values: ArrayLike) -> Tensor:
    """Return ``values`` as a float64 matrix, finite and not empty.

    Raises
    ------
    ValueError
        If it is no finite matrix, or empty.
    """
    matrix = as_tensor(values)
    if matrix.ndim != 2 or 0 in matrix.shape or not torch.isfinite(matrix).all():
        raise ValueError(f"{name} must be a finite matrix, not empty; got shape {tuple(matrix.shape)}")
    return matrix


def as_labels(labels: ArrayLike, n_tokens: int) -> Tensor:
    """Return cluster labels (N,) renumbered as 0..K-1, int64.

    Raises
    ------
    ValueError
        If they are not N integers.
    """
    array = np.asarray(labels)
    if array.shape != (n_tokens,) or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"labels must be {n_tokens} integers, got {array.dtype} of shape {array.shape}")
    return torch.from_numpy(np.unique(array, return_inverse=True)[1].astype(np.int64))


def check_count(name: str, value: int, low: int, high: int | None = None) -> None:
    """Raise ValueError unless ``value`` is an integer in low..high (no upper limit if ``None``)."""
    integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not integer or value < low or (high is not None and value > high):
        limit = f"at least {low}" if high is None else f"in {low}..{high}"
        raise ValueError(f"{name} must be an integer {limit}, got {value!r}")


def check_real(name: str, value: float, low: float, high: float = float("inf"), *, strict: bool = False) -> None:
    """Raise ValueError unless ``value`` is finite and in [low, high], or inside (low, high) when ``strict``."""
    if not np.isfinite(value) or not (low < value < high if strict else low <= value <= high):
        limit = f"({low}, {high})" if strict else f"[{low}, {high}]"
        raise ValueError(f"{name} must be a number in {limit}, got {value!r}")


def check_sizes(n_tokens: int, n_centers: int, n_samples: int) -> None:
    """Raise ValueError unless 1 <= K <= S <= N."""
    check_count("n_tokens", n_tokens, 1)
    check_count("n_samples", n_samples, 1, n_tokens)
    check_count("n_centers", n_centers, 1, n_samples)


def choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise ValueError unless ``value`` is one of ``allowed``."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
