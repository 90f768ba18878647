"""The command line: one module of `satlib.commands` for each command.

Options become calls of the library; errors become one line on stderr and exit code 2. The program itself is
:mod:`satlib.__main__`, which has something to do before a command is loaded, and torch with it.
"""

from typing import Annotated

import typer

from satlib._version import __version__
from satlib.commands.on_demand import OnDemand, nothing

COMMANDS = {
    "upscale": "Upscale an image, or a folder of images.",
    "evaluate": "Measure a model on folders of images: PSNR, SSIM, LPIPS, DISTS.",
    "analyse": "Show what a square of the output is made of, for several networks.",
    "complexity": "Count parameters, multiply-adds and memory of a network.",
    "export": "Write a network as ONNX, or for the hub and other programs.",
    "train": "Train a network, or go on with a run.",
    "experiment": "Run the trainings of an experiment, or go on.",
    "run": "Run a notebook with parameters, or a batch of such runs.",
    "doctor": "Say what decides how fast satlib is here, and what is missing.",
    "data": "Image sets: list, fetch, verify, prepare.",
}

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _what in COMMANDS.items():
    app.command(_name, cls=OnDemand, short_help=_what)(nothing)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"satlib {__version__}")
        raise typer.Exit


@app.callback()
def _satlib(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """SAT, the Selective Aggregation Transformer for image super-resolution."""
