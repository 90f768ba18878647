"""``python -m satlib.trials OUT --to FILE``: keep what a batch of trainings has given."""

import argparse
import sys
from pathlib import Path

from satlib.environment import prepare


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code, 2 with one line on stderr for bad input."""
    parser = argparse.ArgumentParser(prog="python -m satlib.trials", description="Keep what a batch has given.")
    parser.add_argument("out", type=Path, help="the folder of a batch of trainings")
    parser.add_argument("--to", type=Path, required=True, help="the JSON file to write")
    parser.add_argument(
        "--data", type=Path, action="append", default=[], help="photographs to measure the last weights on; repeatable"
    )
    options = parser.parse_args(arguments)
    from satlib.trials.collecting import collect

    try:
        collect(options.out, options.to, data=options.data, report=_say)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    prepare()
    sys.exit(main())
