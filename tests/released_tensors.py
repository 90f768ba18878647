"""State dicts as the authors' code writes them: their names, their shapes and their buffers, with made-up weights.

The weights follow from name and position by integer arithmetic alone, so that every machine makes the same ones to
the last bit and golden outputs need no stored weights.
"""

import math

import torch

from satlib.network.windows import relative_index, relative_offsets


def made_up(name, shape):
    """Reproducible float64 values: small for matrices and convolutions, near 1 for gains, near 0 for other vectors."""
    start = sum((i + 1) * ord(letter) for i, letter in enumerate(name)) * 7919
    numbers = torch.arange(math.prod(shape), dtype=torch.int64) + start
    for factor, modulus in ((48271, 2147483647), (69621, 2147483647), (39373, 2147483629)):
        numbers = (numbers * factor + 12345) % modulus
    values = (numbers % 1000003).double() / 1000003 - 0.5
    if len(shape) == 1:
        is_gain = "norm" in name or ".pos.pos" in name and name.endswith(".0.weight")
        return 1 + 0.3 * values if is_gain and name.endswith("weight") else 0.3 * values
    return (1.2 if len(shape) == 2 else 1.0) * values.view(shape) * (3 / math.prod(shape[1:])) ** 0.5


def shapes(config):
    """Return name -> shape of all weights of the authors' network for one of our configurations."""
    c, half, heads = config.channels, config.hidden_channels // 2, config.heads // 2
    p, features, scale = c // 2 // 4 // 4, config.upsampler_channels, config.scale
    found = {}

    def layer(name, *shape, bias=True):
        found[f"{name}.weight"] = shape
        if bias:
            found[f"{name}.bias"] = shape[:1]

    layer("conv_first", c, config.in_channels, 3, 3)
    layer("before_RG.1", c)
    for group, pairs in enumerate(config.groups):
        for number in range(2 * pairs):
            block = f"layers.{group}.blocks.{number}"
            found[f"{block}.gamma"] = (c,)
            layer(f"{block}.norm1", c)
            layer(f"{block}.norm2", c)
            if number % 2 == 0:
                layer(f"{block}.attn.qkv", 3 * c, c, bias=config.qkv_bias)
                for branch in range(2):
                    position = f"{block}.attn.attns.{branch}.pos"
                    layer(f"{position}.pos_proj", p, 2)
                    for step, out in ((1, p), (2, p), (3, heads)):
                        layer(f"{position}.pos{step}.0", p)
                        layer(f"{position}.pos{step}.2", out, p)
                layer(f"{block}.attn.get_v", c, 1, 3, 3)
            else:
                layer(f"{block}.attn.q", config.qk_channels, c, bias=config.qkv_bias)
                layer(f"{block}.attn.k", config.qk_channels, c, bias=config.qkv_bias)
                layer(f"{block}.attn.v", c, c, bias=config.qkv_bias)
            layer(f"{block}.attn.proj", c, c)
            layer(f"{block}.mlp.fc1", 2 * half, c)
            layer(f"{block}.mlp.sg.norm", half)
            layer(f"{block}.mlp.sg.conv", half, 1, config.gate_kernel, config.gate_kernel)
            layer(f"{block}.mlp.fc2", c, half)
        layer(f"layers.{group}.conv", c, c, 3, 3)
    layer("norm", c)
    layer("conv_after_body", c, c, 3, 3)
    layer("conv_before_upsample.0", features, c, 3, 3)
    if config.upsampler == "onestep":
        layer("upsample_lightweight.0", config.in_channels * scale**2, features, 3, 3)
    else:
        for i, step in enumerate({2: [2], 3: [3], 4: [2, 2], 8: [2, 2, 2]}[scale]):
            layer(f"upsample.{2 * i}", step**2 * features, features, 3, 3)
        layer("conv_last", config.in_channels, features, 3, 3)
    return found


def released_tensors(config, dtype=torch.float64):
    """Return the authors' state dict, buffers included, for one of our configurations."""
    tensors = {name: made_up(name, shape).to(dtype) for name, shape in shapes(config).items()}
    n = config.window[0] * config.window[1]
    for group, pairs in enumerate(config.groups):
        for pair in range(pairs):
            attention = f"layers.{group}.blocks.{2 * pair}.attn"
            for branch, window in enumerate((config.window, config.window[::-1])):
                tensors[f"{attention}.attns.{branch}.rpe_biases"] = relative_offsets(window).to(dtype)
                tensors[f"{attention}.attns.{branch}.relative_position_index"] = relative_index(window)
                if (group + pair) % 2:
                    tensors[f"{attention}.attn_mask_{branch}"] = torch.zeros(64 * 64 // n, n, n, dtype=dtype)
    return tensors
