"""``python -m satlib.theory study --out FOLDER``: repeat the measurements of chapter 12 and its appendix."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from satlib.support.environment import prepare
from satlib.support.progress import Report


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code, 2 with one line on stderr if the folder cannot be written."""
    parser = argparse.ArgumentParser(prog="python -m satlib.theory", description="Theorem 3.2, checked.")
    commands = parser.add_subparsers(dest="command", required=True)
    study = commands.add_parser(
        "study", help="measure everything that chapter 12 and its appendix show; goes on where it stopped"
    )
    study.add_argument("--out", type=Path, required=True, help="folder for the rows and results.json")
    options = parser.parse_args(arguments)
    from satlib.theory.study import run_study

    try:
        path = run_study(options.out, progress=_lines)
    except OSError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{path}\n")
    return 0


@contextmanager
def _lines(label: str) -> Iterator[Report]:
    def report(done: int, total: int) -> None:
        sys.stderr.write(f"{label}: {done} of {total}\n")

    yield report


if __name__ == "__main__":
    prepare()
    sys.exit(main())
