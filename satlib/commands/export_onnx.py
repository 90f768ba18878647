"""`satlib export NAME OUT.onnx`: a network as an ONNX file, for programs without torch."""

from importlib.util import find_spec
from pathlib import Path

import typer

from satlib.commands.errors import note
from satlib.network.model import SAT


def write_onnx(network: SAT, target: Path, *, explore: bool, half: bool) -> None:
    """Write a network, and print how far the file is from it at three sizes; one that is too far is not kept.

    Raises
    ------
    ValueError
        If a package of the extra `onnx` is missing, or as :func:`satlib.weights.portable.export`.
    """
    need_extra()
    from satlib.weights.portable import export as write

    for agreement in write(network, target, explore=explore, half=half, say=note):
        typer.echo(str(agreement))
    typer.echo(f"{target}: {target.stat().st_size:,} bytes")


def need_extra() -> None:
    """Raise ValueError with the remedy if a package of the extra `onnx` is missing."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if find_spec(package) is None:
            raise ValueError(f"exporting needs the package {package}: pip install 'satlib[onnx]'")
