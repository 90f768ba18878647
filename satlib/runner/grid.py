"""Batch files: one notebook, and many sets of parameters for it.

A batch file is YAML with these keys::

    notebook: notebooks/14_training.md  # relative to the current folder, as all paths
    common: {steps: 1000, device: cuda}  # parameters of every job
    runs:                                # named sets of parameters ...
      stratified: {overrides: ["network.sampling=stratified"]}
      grid: {overrides: ["network.sampling=grid"]}
    grid: {seed: [0, 1, 2]}              # ... times every combination of these: 6 jobs
    name: "{run}-{seed}"                 # of each job; by default the run's name and each value of the grid
    inputs: [runs/train/tiny-x2.yaml]    # files whose content matters: if it changes, jobs run again

Only ``notebook`` must be there. Without ``runs`` there is one set, nameless and empty.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from satlib.support.yaml_files import as_mapping, read_mapping

KEYS = ("notebook", "common", "runs", "grid", "name", "inputs")


@dataclass(frozen=True)
class Batch:
    """What a batch file asks for: the notebook, the parameters of each job by its name, and the files that matter."""

    notebook: Path
    jobs: dict[str, dict[str, object]]
    inputs: tuple[Path, ...]


def read_batch(path: str | Path, overrides: Mapping[str, object] | None = None) -> Batch:
    """Read a batch file.

    Parameters
    ----------
    overrides
        Parameters that every job gets instead of those in the file.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read or is not as above, two jobs have one name, or a parameter is set where it varies.
    """
    content = read_mapping(path)
    try:
        return _read(content, overrides or {}, Path(path).stem)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _read(content: dict[str, object], overrides: Mapping[str, object], stem: str) -> Batch:
    unknown = [key for key in content if key not in KEYS]
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; the keys are {', '.join(KEYS)}")
    notebook, template, inputs = content.get("notebook"), content.get("name"), content.get("inputs", [])
    if not isinstance(notebook, str):
        raise ValueError(f"notebook must be a path, got {notebook!r}")
    if not isinstance(template, str | None):
        raise ValueError(f"name must be text, got {template!r}")
    if not isinstance(inputs, list) or not all(isinstance(item, str) for item in inputs):
        raise ValueError(f"inputs must be a list of paths, got {inputs!r}")
    common = as_mapping(content.get("common", {}), "common")
    jobs: dict[str, dict[str, object]] = {}
    for run, values, point in _combinations(content):
        for key in sorted({*values, *point} & overrides.keys()):
            raise ValueError(f"{key} differs from job to job and cannot be set for all")
        parameters = {**common, **values, **point, **overrides}
        name = _fill(template, {"run": run, **parameters}) if template else _name(run, point) or stem
        if name in jobs:
            raise ValueError(f"two jobs have the name {name!r}; give them others by the key `name`")
        jobs[name] = parameters
    return Batch(Path(notebook), jobs, tuple(map(Path, inputs)))


def _combinations(content: dict[str, object]) -> list[tuple[str, dict[str, object], dict[str, object]]]:
    """Return for each job the name of its run, the run's parameters, and its point of the grid."""
    runs = as_mapping(content.get("runs", {"": {}}), "runs")
    if not runs:
        raise ValueError("runs must not be empty")
    points: list[dict[str, object]] = [{}]
    for key, choices in as_mapping(content.get("grid", {}), "grid").items():
        if not isinstance(choices, list) or not choices:
            raise ValueError(f"grid: {key} must be a list of values, got {choices!r}")
        points = [{**point, key: choice} for point in points for choice in choices]
    sets = {run: as_mapping(values, f"runs: {run}") for run, values in runs.items()}
    for run, values in sets.items():
        for key in sorted(values.keys() & points[0].keys()):
            raise ValueError(f"{key} is in the grid and in the run {run}")
    return [(run, values, point) for run, values in sets.items() for point in points]


def _name(run: str, point: Mapping[str, object]) -> str:
    """Return the name of a job whose file gives no template: "stratified-seed0"."""
    return _as_file_name("-".join(part for part in (run, *(f"{key}{value}" for key, value in point.items())) if part))


def _fill(template: str, values: Mapping[str, object]) -> str:
    try:
        return _as_file_name(template.format_map(values))
    except (KeyError, IndexError, AttributeError, ValueError) as error:
        raise ValueError(f"name: {template!r} cannot be filled in: {error}; known are {', '.join(values)}") from None


def _as_file_name(text: str) -> str:
    """Return a text with an underscore for each run of characters that a file name should not have."""
    return re.sub(r"[^\w.+=-]+", "_", text).strip("_.")
