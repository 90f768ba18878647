"""The command line: one function of `satlib.commands` for each command.

Options become calls of the library; errors become one line on stderr and exit code 2. The program itself is
:mod:`satlib.__main__`, which has something to do before this module is imported, and torch with it.
"""

from typing import Annotated

import typer

from satlib._version import __version__
from satlib.commands import data
from satlib.commands.analyse import analyse
from satlib.commands.complexity import complexity
from satlib.commands.doctor import doctor
from satlib.commands.evaluate import evaluate
from satlib.commands.experiment import experiment
from satlib.commands.export import export
from satlib.commands.paths import Command
from satlib.commands.run import RunCommand, run
from satlib.commands.train import train
from satlib.commands.upscale import upscale

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=Command, short_help="Upscale an image, or a folder of images.")(upscale)
app.command(cls=Command, short_help="Measure a model on folders of images: PSNR, SSIM, LPIPS, DISTS.")(evaluate)
app.command(cls=Command, short_help="Show what a square of the output is made of, for several networks.")(analyse)
app.command(cls=Command, short_help="Count parameters, multiply-adds and memory of a network.")(complexity)
app.command(cls=Command, short_help="Write a network as ONNX, or for the hub and other programs.")(export)
app.command(cls=Command, short_help="Train a network, or go on with a run.")(train)
app.command(cls=Command, short_help="Run the trainings of an experiment, or go on.")(experiment)
app.command(cls=RunCommand, short_help="Run a notebook with parameters, or a batch of such runs.")(run)
app.command(cls=Command, short_help="Say what decides how fast satlib is here, and what is missing.")(doctor)
app.add_typer(data.app, name="data")


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
