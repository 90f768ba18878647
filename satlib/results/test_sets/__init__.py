"""What the bundled networks do on test sets, image by image: numbers alone, the images are not part of this package.

Each JSON file beside this one was written by the program of its name, `python -m benchmarks NAME`. "edges" says where
centres lie (Fig. D), "options" what changes of a trained network do to PSNR and SSIM (Tables F and H), "degraded" what
networks do with photographs that are blurred, noisy and compressed, "reports" what their SAA layers do, on the
photographs of this package: a row for each network.
"""

from collections.abc import Mapping
from typing import Any

from satlib.results.reading import choose_results

NAMES = ("edges", "degraded", "options", "reports")


def results(name: str) -> Mapping[str, Any]:
    """Return what one program wrote: its settings, and "rows".

    Raises
    ------
    ValueError
        If ``name`` is not one of `NAMES`.
    """
    return choose_results("satlib.results.test_sets", name, NAMES, "results")


def rows(name: str, wanted: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Return the rows of a program that have the wanted values, in the order of the images.

    Raises
    ------
    ValueError
        If there is no such row.
    """
    found = [row for row in results(name)["rows"] if all(row.get(key) == value for key, value in wanted.items())]
    if not found:
        raise ValueError(f"no rows of {name} have {dict(wanted)}")
    return found
