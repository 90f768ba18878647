"""`satlib export`: a network as an ONNX file."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from satlib.commands.errors import errors_in_one_line, note


def export(
    name: Annotated[str, typer.Argument(metavar="NAME", help="sat-tiny-x2, sat-tiny-x4, or a file of weights.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write or replace.")],
    explore: Annotated[
        bool, typer.Option("--explore", help="K, m, tau and samples as inputs, every layer's choices as outputs.")
    ] = False,
    fp16: Annotated[
        bool, typer.Option("--fp16", help="Round the weights to float16; bundled networks have such already.")
    ] = False,
) -> None:
    """Write a network as an ONNX file for images of any size, and check it with onnxruntime.

    It takes a minute or two. Printed is how far the file is from the network at three sizes; a file that is too far is
    not kept (exit code 2).
    """
    with errors_in_one_line():
        need_extra()
        from satlib.weights.checkpoint import load
        from satlib.weights.portable import export as write

        for agreement in write(load(name), out, explore=explore, half=fp16, say=note):
            typer.echo(str(agreement))
        typer.echo(f"{out}: {out.stat().st_size:,} bytes")


def need_extra() -> None:
    """Raise ValueError with the remedy if a package of the extra `onnx` is missing."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if find_spec(package) is None:
            raise ValueError(f"exporting needs the package {package}: pip install 'satlib[onnx]'")
