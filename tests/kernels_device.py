"""Where the tests run the Triton kernels, on a GPU or in Triton's interpreter, and tokens to run them on."""

import os
import sys

import torch

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

if DEVICE == "cpu":
    if "triton" in sys.modules and os.environ.get("TRITON_INTERPRET") != "1":
        raise RuntimeError("triton was imported before its interpreter was chosen: set TRITON_INTERPRET=1 in conftest")
    os.environ["TRITON_INTERPRET"] = "1"


def random_tokens(n_images, n_tokens, channels, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_images, n_tokens, channels, generator=generator).to(DEVICE)


def exact_units(n_images, n_tokens, channels, seed=0):
    """Unit vectors whose products have no rounding error: 4^q entries +-2^-q in random places, zero in the others."""
    generator = torch.Generator().manual_seed(seed)
    count = 4 ** ((channels.bit_length() - 1) // 2)
    place = torch.rand(n_images, n_tokens, channels, generator=generator).argsort(-1)[..., :count]
    entry = (torch.randint(0, 2, place.shape, generator=generator) * 2.0 - 1) / count**0.5
    return torch.zeros(n_images, n_tokens, channels).scatter(-1, place, entry).to(DEVICE)


def exact_tokens(n_images, n_tokens, channels, seed=0):
    """`exact_units` of many lengths, all powers of two; each fifth token is a duplicate, each eleventh is zero."""
    x = exact_units(n_images, n_tokens, channels, seed)
    x[:, ::5] = x[:, :1].clone()
    x *= (2.0 ** (torch.arange(n_tokens) % 7 - 3)).view(1, -1, 1).to(DEVICE)
    x[:, 10::11] = 0
    return x
