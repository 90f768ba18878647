"""A small vision transformer, trained on parts of the sample photographs: a network of another kind to merge tokens in.

It says which of the eight photographs a crop of 32 x 32 pixels is from. Crops of the left two thirds are for training,
of the rest for testing. The label is made from data at hand: what it is good for is a trained attention with a class
token, not the task.

Shapes: B crops, N = 1 + 16 x 16 tokens of 2 x 2 pixels, the class token first, C channels, h heads.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from satlib import samples
from satlib.merging import Merged

SIDE, PATCH, CHANNELS, DEPTH, HEADS = 32, 2, 64, 4, 4
GRID = (SIDE // PATCH, SIDE // PATCH)
Merge = Callable[[Tensor, int, Tensor, Tensor], Merged]
"""Tokens (B, N, C), how many are wanted, keys (B, h, N, d) and sizes (B, N)."""


class Attention(nn.Module):
    """Self-attention in heads, with a bias for the sizes of merged tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.project = nn.Linear(CHANNELS, 3 * CHANNELS), nn.Linear(CHANNELS, CHANNELS)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values of (B, N, C) tokens, each (B, h, N, d)."""
        q, k, v = self.qkv(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        return q, k, v

    def attend(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return (B, N, C) from queries, keys and values, and logits (B, 1, 1, K) to add."""
        read = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        out: Tensor = self.project(read.transpose(1, 2).flatten(2))
        return out


class Block(nn.Module):
    """Attention and MLP; between them tokens are merged, as the paper of ToMe has it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2, self.attention = nn.LayerNorm(CHANNELS), nn.LayerNorm(CHANNELS), Attention()
        self.mlp = nn.Sequential(nn.Linear(CHANNELS, 4 * CHANNELS), nn.GELU(), nn.Linear(4 * CHANNELS, CHANNELS))

    def forward(self, x: Tensor, sizes: Tensor, k: int, merge: Merge | None) -> tuple[Tensor, Tensor]:
        """(B, N, C) tokens and their sizes -> (B, k, C) and theirs."""
        queries, keys, values = self.attention.parts(self.norm1(x))
        x = x + self.attention.attend(queries, keys, values, sizes.log()[:, None, None])
        if merge is not None and k < x.shape[1]:
            merged = merge(x, k, keys, sizes)
            x, sizes = merged.tokens, merged.counts
        return x + self.mlp(self.norm2(x)), sizes


class SmallViT(nn.Module):
    """The network: (B, 3, 32, 32) crops in [0, 1] -> (B, 8) logits."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, CHANNELS, PATCH, stride=PATCH)
        self.first = nn.Parameter(torch.zeros(1, 1, CHANNELS))
        self.places = nn.Parameter(0.02 * torch.randn(1, 1 + GRID[0] * GRID[1], CHANNELS))
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm, self.head = nn.LayerNorm(CHANNELS), nn.Linear(CHANNELS, len(samples.names()))

    def tokens(self, x: Tensor) -> Tensor:
        """Return the first tokens, (B, N, C)."""
        patches = self.patches(x - 0.5).flatten(2).transpose(1, 2)
        return torch.cat((self.first.expand(len(x), -1, -1), patches), dim=1) + self.places

    def forward(self, x: Tensor, *, keep: float = 1.0, merge: Merge | None = None) -> Tensor:
        """Classify; every block keeps a share of the tokens that it is given."""
        tokens = self.tokens(x)
        sizes = torch.ones_like(tokens[..., 0])
        for block in self.blocks:
            tokens, sizes = block(tokens, sizes, max(2, round(keep * tokens.shape[1])), merge)
        logits: Tensor = self.head(self.norm(tokens[:, 0]))
        return logits


def crops(n: int, *, test: bool, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw n crops, (n, 3, 32, 32) in [0, 1], and the number of the photograph that each is from."""
    photographs = [torch.from_numpy(np.array(samples.load(name).convert("RGB"))) for name in samples.names()]
    labels = torch.randint(len(photographs), (n,), generator=generator)
    found = []
    for label in labels.tolist():
        height, width, _ = photographs[label].shape
        border = 2 * width // 3
        low, high = (border, width) if test else (0, border)
        top = int(torch.randint(height - SIDE + 1, (), generator=generator))
        left = low + int(torch.randint(high - low - SIDE + 1, (), generator=generator))
        found.append(photographs[label][top : top + SIDE, left : left + SIDE])
    return torch.stack(found).permute(0, 3, 1, 2).float() / 255, labels


def train(n_steps: int, *, batch: int = 32) -> SmallViT:
    """Train a network from a fixed seed, and return it in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = SmallViT()
    draw = partial(crops, batch, test=False, generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=n_steps)
    for _ in range(n_steps):
        images, labels = draw()
        optimizer.zero_grad()
        functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
        schedule.step()
    return model.eval()


@torch.inference_mode()
def answers(model: SmallViT, images: Tensor, *, keep: float = 1.0, merge: Merge | None = None) -> Tensor:
    """Return the logits of (n, 3, 32, 32) crops, (n, 8)."""
    return torch.cat([model(part, keep=keep, merge=merge) for part in images.split(64)])
