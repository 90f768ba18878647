"""SAT for programs that read networks through spandrel: chaiNNer, ComfyUI and others, as one more architecture.

:func:`install` adds it to spandrel's registry. From then on `spandrel.ModelLoader` reads our own files, which carry
their configuration as a tensor since spandrel drops the header, and the authors' files. Without it, spandrel takes the
authors' files for RGT, whose names they share, and fails.
"""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Protocol

from torch import Tensor

from satlib.upscaling.other_networks import Descriptor, import_spandrel
from satlib.weights.tensors import CONFIG_TENSOR, build, find_network, unwrapped

ARCHITECTURE = "SAT"
"""What spandrel calls the architecture, as its id and its name."""

BEFORE = ("RGT",)
"""The architectures of spandrel that would take files of SAT for theirs; SAT is asked first."""

RELEASED_TENSORS = (
    "conv_first.weight",
    "before_RG.1.weight",
    "layers.0.blocks.0.attn.get_v.weight",
    "layers.0.blocks.0.mlp.sg.conv.weight",
    "layers.0.blocks.1.attn.q.weight",
    "layers.0.blocks.1.attn.k.weight",
    "layers.0.blocks.1.attn.v.weight",
    "conv_before_upsample.0.weight",
)
"""Tensors that all of the authors' files have."""

RGT_TENSOR = "layers.0.blocks.1.attn.conv.weight"
"""A tensor that RGT has and SAT has not: of its recursive attention."""


class Support(Protocol):
    """An entry of spandrel's registry, ``spandrel.ArchSupport``, as far as it is used here."""

    detect: Callable[[Mapping[str, Tensor]], bool]


class Registry(Protocol):
    """spandrel's registry of architectures, ``spandrel.ArchRegistry``, as far as it is used here."""

    def get(self, id: str) -> Support | None:
        """Return the entry of this name."""
        ...

    def add(self, *architectures: Support) -> object:
        """Add entries."""
        ...


def install(registry: Registry | None = None) -> None:
    """Let spandrel read files of SAT; a second call changes nothing.

    Parameters
    ----------
    registry
        ``None``: spandrel's own, which every loader uses unless it is given another.

    Raises
    ------
    OSError
        If spandrel is not installed or cannot be imported.
    ValueError
        If the registry has an architecture "SAT" that is not this one.
    """
    spandrel = import_spandrel()
    target: Registry = spandrel.MAIN_REGISTRY if registry is None else registry
    there = target.get(ARCHITECTURE)
    if there is None:
        target.add(spandrel.ArchSupport(_architecture(spandrel), holds_sat, BEFORE))
    elif there.detect is not holds_sat:
        raise ValueError(f"spandrel's registry has another architecture that is called {ARCHITECTURE!r}")


def holds_sat(tensors: Mapping[str, Tensor]) -> bool:
    """Tell from the names of a file's tensors whether they are a SAT, ours or the authors'."""
    names = unwrapped(tensors).keys()
    return CONFIG_TENSOR in names or (names >= set(RELEASED_TENSORS) and RGT_TENSOR not in names)


def describe(tensors: Mapping[str, Tensor], *, spandrel: ModuleType, architecture: object) -> Descriptor:
    """Return spandrel's descriptor of a network, an ``ImageModelDescriptor``.

    Images of any size from 1x1 on are taken. Tiles work, and are declared as discouraged: SAT chooses the tokens that
    all others read from the whole image, and in a tile from the tile, so that tiles of one image are upscaled by what
    is like them in the tile alone and seams can be seen. float16 is declared as not supported, for a network of the
    paper's size has not been tried; bfloat16 is.

    Raises
    ------
    ValueError
        If the configuration is damaged or does not fit the weights.
    """
    config, weights = find_network(tensors, "the file")
    descriptor: Descriptor = spandrel.ImageModelDescriptor(
        build(config, weights, "the file"),
        weights,
        architecture=architecture,
        purpose="Restoration" if config.scale == 1 else "SR",
        tags=[f"{config.channels}ch", f"{sum(config.groups)} pairs"],
        supports_half=False,
        supports_bfloat16=True,
        scale=config.scale,
        input_channels=config.in_channels,
        output_channels=config.in_channels,
        tiling=spandrel.ModelTiling.DISCOURAGED,
    )
    return descriptor


def _architecture(spandrel: ModuleType) -> object:
    """Return SAT as an ``Architecture`` of spandrel, whose class is there only when it has been imported."""

    def load(self: object, state_dict: Mapping[str, Tensor]) -> Descriptor:
        return describe(state_dict, spandrel=spandrel, architecture=self)

    kind = type("SATArch", (spandrel.Architecture,), {"load": load})
    return kind(id=ARCHITECTURE, detect=holds_sat)
