"""`satlib experiment`: run the trainings of an experiment, or go on with them."""

from pathlib import Path
from typing import Annotated

import typer

from satlib.commands.errors import errors_in_one_line, tell_failures
from satlib.commands.on_demand import alone
from satlib.commands.train import need_extra, say

GO_ON = "not all trainings are done; the same command goes on with them"


def experiment(
    file: Annotated[Path, typer.Argument(metavar="EXPERIMENT.yaml", help="A file as in runs/experiments.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The experiment's folder.")],
    row: Annotated[list[str] | None, typer.Option(metavar="ROW", help="Only this row; may be repeated.")] = None,
    seed: Annotated[list[int] | None, typer.Option(metavar="SEED", help="Only this seed; may be repeated.")] = None,
    time_limit: Annotated[str | None, typer.Option(metavar="TIME", help="Save and end before: 9m, 1h30m.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps; auto: CUDA's GPU if there is one.")] = "auto",
) -> None:
    """Run the trainings of an experiment that are not done yet, one after the other, and measure each.

    SIGTERM, SIGHUP, Ctrl-C and --time-limit save a checkpoint; the same command goes on from it, exactly. It may run
    several times at once, on one machine or on several that share the folder: each takes the next training that no
    other has.
    """
    with errors_in_one_line():
        need_extra()
        from satlib.training.stopper import parse_duration
        from satlib.training.trials.run import TrainingsFailedError, run_experiment

        limit = None if time_limit is None else parse_duration(time_limit)
        try:
            done = run_experiment(file, out, rows=row or (), seeds=seed or (), time_limit=limit, device=device, say=say)
        except TrainingsFailedError as error:
            tell_failures(error.failures, error.n_done, "trainings", subject="training")
            return
        except KeyboardInterrupt:
            say(GO_ON)
            raise typer.Exit(130) from None
    say("all trainings are done" if done else GO_ON)


app = alone(experiment)
