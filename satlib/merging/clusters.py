"""Which tokens were merged into which, and what can be done with that: merge other tensors alike, and undo it.

Shapes: B images or sequences, N tokens, K of them after merging, C or D channels, h heads.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from satlib.dta.clusters import weighted_cluster_sum
from satlib.dta.vectors import take


class Merged(NamedTuple):
    """What :func:`satlib.merging.merge` made of one batch."""

    tokens: Tensor
    """(B, K, C) merged tokens, in the order of :attr:`representatives`."""
    counts: Tensor
    """(B, K) size of each: how many tokens it stands for, or the sum of the sizes that were given. Never 0."""
    assignment: Tensor
    """(B, N) int64: which of the K merged tokens each token has become part of."""
    representatives: Tensor
    """(B, K) int64 positions among the N tokens, ascending: of the centres, and of the protected tokens."""
    weights: Tensor
    """(B, N) share of each token in its merged token, 1 in sum over its members."""

    @property
    def bias(self) -> Tensor:
        """The logarithm of n, which an attention that reads the merged tokens adds to its logits: (B, 1, 1, K)."""
        wide = torch.promote_types(self.tokens.dtype, torch.float32)
        return self.counts.to(wide).log()[:, None, None]

    def apply(self, y: Tensor) -> Tensor:
        """Merge another tensor with the same members and weights.

        Parameters
        ----------
        y
            (B, N, D), or (B, h, N, D) such as keys or values by heads. Half precision is computed in float32.

        Returns
        -------
        Tensor
            (B, K, D) or (B, h, K, D), differentiable in ``y``.

        Raises
        ------
        ValueError
            If it has another shape.
        """
        self._check(y, self.assignment.shape[1], "N")
        wide = y.float() if y.dtype in (torch.float16, torch.bfloat16) else y
        weights, n_merged = self.weights.to(wide.dtype), self.counts.shape[1]
        with torch.autocast(y.device.type, enabled=False):
            return _by_tokens(lambda x: weighted_cluster_sum(x, weights, self.assignment, n_merged), wide).to(y.dtype)

    def unmerge(self, y: Tensor) -> Tensor:
        """Give every token what its merged token has.

        Parameters
        ----------
        y
            (B, K, D) or (B, h, K, D).

        Returns
        -------
        Tensor
            (B, N, D) or (B, h, N, D), differentiable in ``y``.

        Raises
        ------
        ValueError
            If it has another shape.
        """
        self._check(y, self.counts.shape[1], "K")
        return _by_tokens(lambda x: take(x, self.assignment), y)

    def _check(self, y: Tensor, n_tokens: int, name: str) -> None:
        if y.ndim not in (3, 4) or len(y) != len(self.counts) or y.shape[-2] != n_tokens:
            batch, shape = len(self.counts), tuple(y.shape)
            raise ValueError(
                f"expected shape (B, {name}, D) or (B, h, {name}, D) with B = {batch}, {name} = {n_tokens}; got {shape}"
            )


def _by_tokens(run: Callable[[Tensor], Tensor], y: Tensor) -> Tensor:
    """Apply what takes (B, N, D) to that, or to (B, h, N, D) with all heads' channels side by side."""
    if y.ndim == 3:
        return run(y)
    by_heads: Tensor = run(y.transpose(1, 2).flatten(2)).unflatten(2, (y.shape[1], -1))
    return by_heads.transpose(1, 2)
