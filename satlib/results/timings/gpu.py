"""What `python -m benchmarks gpu` measured on a GPU, if it has been run: gpu.json beside this file.

Nothing is measured when it is read. Without the file no GPU has been measured, and `satlib.figures.cost.gpu_report`
says so.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from satlib.results.timings import Line

Content = Mapping[str, Any]
Row = Mapping[str, Any]

FILE = Path(__file__).with_name("gpu.json")

COMMAND = "python -m benchmarks gpu"
"""What writes the file."""


def measured() -> Content | None:
    """Return what the program wrote, or ``None`` if it has not been run on a GPU yet."""
    try:
        content: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return content


def conditions(content: Content) -> str:
    """Say on what the program ran."""
    machine = content["machine"]
    cuda = f", CUDA {machine['cuda']}" if machine.get("cuda") else ""
    whole = "" if content["finished"] else "; cut off before its end"
    return f"{machine['gpu']}, torch {machine['torch']}{cuda}{whole}"


def rows(content: Content, section: str, **wanted: object) -> list[Row]:
    """Return the rows of a section that have these values, without those that failed or were left out."""
    found = (row for row in content["sections"].get(section, []) if "seconds" in row)
    return [row for row in found if all(row.get(key) == value for key, value in wanted.items())]


def seconds(content: Content, section: str, **wanted: object) -> float | None:
    """Return the median seconds of the first such row, or ``None``."""
    found = rows(content, section, **wanted)
    return float(found[0]["seconds"]) if found else None


def forward(content: Content, number_format: str) -> dict[str, float]:
    """Return the median seconds of one image through SAT in every way, and through its peers."""
    names = {"ours": "sat", "graph": "sat, CUDA graph", "dense": "sat, dense"}
    own = {names[row["way"]]: row["seconds"] for row in rows(content, "forward", format=number_format)}
    return {**own, **{row["name"]: row["seconds"] for row in rows(content, "peers", format=number_format)}}


def sweep(content: Content) -> list[Line]:
    """Return time and memory against the number of tokens; a way without two sizes is left out."""
    lines = []
    for way in ("ours", "dense"):
        found = rows(content, "sweep", way=way)
        tokens = [row["grid"][0] * row["grid"][1] for row in found]
        ends = [
            row["skipped"] for row in content["sections"].get("sweep", []) if row.get("way") == way and "skipped" in row
        ]
        if len(found) > 1:
            values = [row["seconds"] for row in found], [row["bytes"] for row in found]
            lines.append(Line("network", way, tokens, *values, "".join(ends)))
    return lines
