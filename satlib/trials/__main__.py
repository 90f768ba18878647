"""Batches of trainings: ``python -m satlib.trials run FILE --out OUT``, and ``collect OUT --to FILE``.

The first runs an experiment, the second keeps what a batch of `satlib run` has given.
"""

import argparse
import sys
from pathlib import Path

from satlib.environment import prepare


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code, 2 with one line on stderr for bad input."""
    parser = argparse.ArgumentParser(prog="python -m satlib.trials", description="Batches of trainings.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the trainings of an experiment, or go on with them")
    run.add_argument("file", type=Path, help="an experiment file of runs/experiments/")
    run.add_argument("--out", type=Path, required=True, help="the experiment's folder")
    run.add_argument("--time-limit", metavar="TIME", help="save and end before: 9m, 1h30m")
    run.add_argument("--device", default="auto", help="cpu, cuda; auto: a GPU if there is one")
    keep = commands.add_parser("collect", help="keep what a batch of satlib run has given")
    keep.add_argument("out", type=Path, help="the folder of a batch of trainings")
    keep.add_argument("--to", type=Path, required=True, help="the JSON file to write")
    keep.add_argument(
        "--data", type=Path, action="append", default=[], help="photographs to measure the last weights on; repeatable"
    )
    options = parser.parse_args(arguments)
    from satlib.training.stopping import parse_duration
    from satlib.trials.collecting import collect
    from satlib.trials.running import run_experiment

    try:
        if options.command == "collect":
            collect(options.out, options.to, data=options.data, report=_say)
        else:
            limit = None if options.time_limit is None else parse_duration(options.time_limit)
            done = run_experiment(options.file, options.out, time_limit=limit, device=options.device, say=_say)
            _say("all trainings are done" if done else "stopped; the same command goes on from there")
    except (OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    prepare()
    sys.exit(main())
