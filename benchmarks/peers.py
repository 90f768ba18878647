"""SAT's peers, built by the `spandrel` package (the extra `peers`) with the settings that their authors released."""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import torch
from torch import nn

Settings = dict[str, object]
SIX = [6] * 6
SETTINGS: dict[str, tuple[str, Settings]] = {
    "SwinIR": (
        "https://github.com/JingyunLiang/SwinIR, main_test_swinir.py, classical_sr",
        {
            "img_size": 64,
            "window_size": 8,
            "depths": SIX,
            "embed_dim": 180,
            "num_heads": SIX,
            "mlp_ratio": 2,
            "upsampler": "pixelshuffle",
            "resi_connection": "1conv",
        },
    ),
    "HAT": (
        "https://github.com/XPixelGroup/HAT, options/test/HAT_SRx4.yml",
        {
            "img_size": 64,
            "window_size": 16,
            "compress_ratio": 3,
            "squeeze_factor": 30,
            "conv_scale": 0.01,
            "overlap_ratio": 0.5,
            "depths": SIX,
            "embed_dim": 180,
            "num_heads": SIX,
            "mlp_ratio": 2,
            "upsampler": "pixelshuffle",
            "resi_connection": "1conv",
        },
    ),
    "ATD": (
        "https://github.com/LabShuHangGU/Adaptive-Token-Dictionary, options/test/003_ATD_SRx4_finetune.yml",
        {
            "img_size": 64,
            "embed_dim": 210,
            "depths": SIX,
            "num_heads": SIX,
            "window_size": 16,
            "category_size": 256,
            "num_tokens": 128,
            "reducted_dim": 20,
            "convffn_kernel_size": 5,
            "mlp_ratio": 2,
            "upsampler": "pixelshuffle",
            "resi_connection": "1conv",
        },
    ),
    "DAT": (
        "https://github.com/zhengchen1999/DAT, options/Test/test_DAT_x4.yml",
        {
            "img_size": 64,
            "split_size": [8, 32],
            "depth": SIX,
            "embed_dim": 180,
            "num_heads": SIX,
            "expansion_factor": 4,
            "resi_connection": "1conv",
        },
    ),
    "RGT": (
        "https://github.com/zhengchen1999/RGT, options/test/test_RGT_x4.yml",
        {
            "img_size": 64,
            "depth": [6] * 8,
            "embed_dim": 180,
            "num_heads": [6] * 8,
            "mlp_ratio": 2,
            "split_size": [8, 32],
            "c_ratio": 0.5,
            "resi_connection": "1conv",
        },
    ),
}
"""Where the settings stand, and what they are, by the name of the class."""

LIGHT: dict[str, tuple[str, Settings]] = {
    "SwinIR": (
        "https://github.com/JingyunLiang/SwinIR, main_test_swinir.py, lightweight_sr",
        {
            "img_size": 64,
            "window_size": 8,
            "depths": [6] * 4,
            "embed_dim": 60,
            "num_heads": [6] * 4,
            "mlp_ratio": 2,
            "upsampler": "pixelshuffledirect",
            "resi_connection": "1conv",
        },
    ),
    "ATD": (
        "https://github.com/LabShuHangGU/Adaptive-Token-Dictionary, options/test/103_ATD_light_SRx4_finetune.yml",
        {
            "img_size": 64,
            "embed_dim": 48,
            "depths": [6] * 4,
            "num_heads": [4] * 4,
            "window_size": 16,
            "category_size": 128,
            "num_tokens": 64,
            "reducted_dim": 8,
            "convffn_kernel_size": 7,
            "mlp_ratio": 1,
            "upsampler": "pixelshuffledirect",
            "resi_connection": "1conv",
        },
    ),
}
"""The light networks among them."""


def build(architectures: ModuleType, name: str, scale: int, settings: Settings) -> nn.Module:
    """Return an untrained peer in eval mode."""
    make: Callable[..., nn.Module] = getattr(getattr(architectures, name), name)
    return make(upscale=scale, img_range=1.0, **settings).eval()


def import_spandrel() -> ModuleType:
    """Import the architectures of spandrel, which import torchvision.

    Beside a CPU build of torch, torchvision's compiled operators are missing and its import fails. They are declared
    here, without a body, which is enough: none of these networks uses them.
    """
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    return import_module("spandrel.architectures")
