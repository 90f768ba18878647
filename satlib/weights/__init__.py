"""Weights in files: our safetensors, the authors' checkpoints, and the small trained networks that lie in this folder.

Start with `checkpoint`, which loads and saves; `tensors` makes networks of tensors; `released` translates the authors'
names; `portable` writes ONNX files for programs without torch.
"""

from satlib.weights.checkpoint import benchmark_names, bundled, bundled_names, load, parse_name, save

__all__ = [
    "benchmark_names",
    "bundled",
    "bundled_names",
    "load",
    "parse_name",
    "save",
]
