"""`satlib train`: train a network, or go on."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from satlib.commands.errors import errors_in_one_line, note
from satlib.commands.on_demand import alone


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="Fields of a training run.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the run; default: out/CONFIG.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field; may be repeated.")
    ] = None,
    resume: Annotated[str, typer.Option(help="auto: go on if the folder holds the run; never.")] = "never",
    time_limit: Annotated[str | None, typer.Option(metavar="TIME", help="Save and end before: 9m, 1h30m.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps; auto: CUDA's GPU if there is one.")] = "auto",
    devices: Annotated[int, typer.Option(help="GPUs, or processes on the CPU, of each machine.")] = 1,
    nodes: Annotated[int, typer.Option(help="Machines, under torchrun or Slurm.")] = 1,
) -> None:
    """Train a network. SIGTERM, SIGHUP, Ctrl-C and --time-limit save a checkpoint; --resume auto goes on, exactly.

    Several GPUs: `torchrun --nproc-per-node 4 -m satlib train CONFIG.yaml --devices 4`, or srun on Slurm.
    """
    with errors_in_one_line():
        if resume not in ("auto", "never"):
            raise ValueError(f"--resume must be auto or never, got {resume!r}")
        need_extra()
        from satlib.training import read_config
        from satlib.training import train as run
        from satlib.training.stopper import parse_duration

        limit = None if time_limit is None else parse_duration(time_limit)
        settings = read_config(config, changes or [])
        try:
            result = run(
                settings,
                out or Path("out") / config.stem,
                resume=resume == "auto",
                time_limit=limit,
                device=device,
                devices=devices,
                nodes=nodes,
                say=say,
            )
        except FloatingPointError as error:
            note(str(error))
            raise typer.Exit(1) from None
    if result.stopped_by == "SIGINT":
        raise typer.Exit(130)


def need_extra() -> None:
    """Raise ValueError with the remedy if a package of the extra `train` is missing."""
    for name in ("lightning_fabric", "tensorboard", "yaml"):
        if find_spec(name) is None:
            raise ValueError(f"training needs the package {name}: pip install 'satlib[train]'")


def say(line: str) -> None:
    """Print a line of progress on stderr."""
    typer.echo(line, err=True)


app = alone(train)
