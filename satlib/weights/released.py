"""The authors' released checkpoints: what their tensors are called, and which configuration their shapes tell.

Their code is at github.com/PhuTran1005/SAT (MIT). Only names and shapes are needed here.
"""

import re
from math import isqrt

from torch import Tensor

from satlib.config import SATConfig

BUFFERS = re.compile(r"\.(attn_mask_[01]|rpe_biases|relative_position_index)$|^mean$")
"""What they store beside weights; all of it follows from sizes."""

NAMES = (
    (r"^conv_first\.", "head."),
    (r"^before_RG\.1\.", "norm_in."),
    (r"^layers\.(\d+)\.", r"groups.\1."),
    (r"^norm\.", "norm_out."),
    (r"^conv_after_body\.", "body_conv."),
    (r"^conv_before_upsample\.", "features."),
    (r"^upsample(_lightweight)?\.", "upsampler."),
    (r"\.attn\.attns\.(\d)\.pos\.pos_proj\.", r".attention.biases.\1.project."),
    (r"\.attn\.get_v\.", ".attention.local."),
    (r"\.attn\.(qkv\.)", r".attention.\1"),
    (r"\.attn\.q\.", ".attention.query."),
    (r"\.attn\.k\.", ".attention.key."),
    (r"\.attn\.v\.", ".attention.value."),
    (r"\.attn\.proj\.", ".attention.project."),
    (r"\.mlp\.fc1\.", ".mlp.expand."),
    (r"\.mlp\.sg\.norm\.", ".mlp.norm."),
    (r"\.mlp\.sg\.conv\.", ".mlp.gate."),
    (r"\.mlp\.fc2\.", ".mlp.reduce."),
)
"""Their names as patterns, and ours; the position bias's layers and the last convolution are counted, see rename."""


def rename(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights under the names of :class:`satlib.SAT`, without the stored buffers."""
    last = 1 + max((int(m[1]) for name in tensors if (m := re.match(r"upsample\.(\d+)\.", name))), default=0)
    renamed = {}
    for name, tensor in tensors.items():
        if BUFFERS.search(name):
            continue
        ours = re.sub(
            r"\.attn\.attns\.(\d)\.pos\.pos(\d)\.",
            lambda m: f".attention.biases.{m[1]}.layers.{int(m[2]) - 1}.",
            name,
        )
        # Their last convolution comes after the last pixel shuffle.
        ours = re.sub(r"^conv_last\.", f"upsampler.{last + 1}.", ours)
        for pattern, replacement in NAMES:
            ours = re.sub(pattern, replacement, ours)
        renamed[ours] = tensor
    return renamed


def infer_config(tensors: dict[str, Tensor]) -> SATConfig:
    """Return the configuration of a released checkpoint; what shapes do not tell is as in "sat-released".

    Raises
    ------
    KeyError
        If a tensor that every SAT has is missing; its name is the argument.
    ValueError
        If the shapes belong to no SAT.
    """
    channels = tensors["conv_first.weight"].shape[0]
    first = "layers.0.blocks.0."
    classic = "conv_last.weight" in tensors
    options: dict[str, object] = {}
    offsets = tensors.get(first + "attn.attns.0.rpe_biases")
    if offsets is not None:
        options["window"] = [int(side) + 1 for side in offsets.amax(0)]
    return SATConfig.preset(
        "sat-released",
        scale=_upscaling(_scale(tensors, classic)),
        in_channels=tensors["conv_first.weight"].shape[1],
        channels=channels,
        groups=_groups(tensors),
        position_channels=_position_channels(tensors[first + "attn.attns.0.pos.pos_proj.weight"].shape[0], channels),
        heads=2 * tensors[first + "attn.attns.0.pos.pos3.2.weight"].shape[0],
        mlp_ratio=_ratio(tensors[first + "mlp.fc1.weight"].shape[0], channels),
        gate_kernel=tensors[first + "mlp.sg.conv.weight"].shape[-1],
        qkv_bias=first + "attn.qkv.bias" in tensors,
        qk_ratio=_ratio(tensors["layers.0.blocks.1.attn.q.weight"].shape[0], channels),
        upsampler="classic" if classic else "onestep",
        upsampler_channels=tensors["conv_before_upsample.0.weight"].shape[0],
        **options,
    )


def _scale(tensors: dict[str, Tensor], classic: bool) -> int:
    """Read the scale off the upsampler: 4 f channels a step of 2, 9 f a step of 3, or I s^2 at once, as I come in."""
    if classic and not any(name.startswith("upsample") for name in tensors):
        return 1
    name = "upsample_lightweight.0.weight" if "upsample_lightweight.0.weight" in tensors else "upsample.0.weight"
    out, features = tensors[name].shape[:2]
    if not classic:
        return isqrt(out // tensors["conv_first.weight"].shape[1])
    steps = sum(re.fullmatch(r"upsample\.\d+\.weight", key) is not None for key in tensors)
    return 3 if out == 9 * features else 1 << steps


def _upscaling(scale: int) -> int:
    """Return the scale; ValueError for 1, where ours adds its input."""
    if scale == 1:
        raise ValueError("its scale is 1, where the authors' network adds the mean colour and ours its input")
    return scale


def _groups(tensors: dict[str, Tensor]) -> list[int]:
    """Count the pairs of blocks in each residual group."""
    blocks: dict[int, set[int]] = {}
    for name in tensors:
        if match := re.match(r"layers\.(\d+)\.blocks\.(\d+)\.", name):
            blocks.setdefault(int(match[1]), set()).add(int(match[2]))
    for group, members in blocks.items():
        if len(members) % 2:
            raise ValueError(f"group {group} has {len(members)} blocks; they come in pairs")
    return [len(blocks[group]) // 2 for group in sorted(blocks)]


def _position_channels(width: int, channels: int) -> int | None:
    """Return the width of the position bias's network, or ``None`` where it follows their rule."""
    return None if width == channels // 2 // 4 // 4 else width


def _ratio(part: int, whole: int) -> float:
    """Return a ratio r with int(whole * r) == part in spite of rounding."""
    ratio = part / whole
    return ratio if int(whole * ratio) == part else (part + 0.5) / whole
