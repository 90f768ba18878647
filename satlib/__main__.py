"""`python -m satlib`, and `satlib`: the command line."""

import sys

from satlib.support.environment import prepare
from satlib.support.streams import guard


def main() -> None:
    """Run the command line, in an environment that is prepared before torch is loaded; the entry point `satlib`."""
    prepare()
    guard()
    from satlib.commands.app import app
    from satlib.commands.errors import show_remarks

    show_remarks()
    try:
        app(prog_name="satlib")
    finally:
        sys.stdout.flush()  # while it can still be told that stdout is full


if __name__ == "__main__":
    main()
