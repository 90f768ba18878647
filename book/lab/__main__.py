"""Write NAME.ipynb beside each source: ``python -m book.lab notebooks/*.md``."""

import argparse
from pathlib import Path

from book.lab.cells import notebook_text
from satlib.support.files import replacing


def main() -> None:
    """Read the sources' names from the command line, and write the notebooks."""
    parser = argparse.ArgumentParser(prog="python -m book.lab", description=__doc__)
    parser.add_argument("sources", nargs="+", type=Path, metavar="SOURCE", help="a chapter in MyST Markdown")
    for source in parser.parse_args().sources:
        with replacing(source.with_suffix(".ipynb")) as place:
            place.write_text(notebook_text(source), encoding="utf-8")


if __name__ == "__main__":
    main()
