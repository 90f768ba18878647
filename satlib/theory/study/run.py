"""Run the experiments row by row, keep each finished row, and put all of them into one file."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import Any

from satlib._version import __version__
from satlib.support.files import replacing
from satlib.support.progress import Progress, Report, silent
from satlib.theory.study import compression, envelope, images, lemmas, readings, sampling
from satlib.theory.study.common import Row, Value

SEEDS = "mixture s and its projections: s = 0, 1, ...; draw r of the n draws of mixture s: n s + r"
"""How every random choice of the study is fixed; written into the results."""


@dataclass(frozen=True)
class Experiment:
    """A table: the settings of its rows, and the function that measures one of them."""

    name: str
    settings: tuple[Row, ...]
    measure: Callable[..., Row]

    def row(self, **setting: Value) -> Row:
        """Measure one row; its settings come first in it."""
        return {**setting, **self.measure(**setting)}


EXPERIMENTS = (
    Experiment("size_blind", compression.size_blind_settings(), compression.size_blind),
    Experiment("covered", compression.covered_settings(), compression.covered),
    Experiment("coverage", sampling.coverage_settings(), sampling.coverage),
    Experiment("lipschitz", sampling.lipschitz_settings(), sampling.lipschitz),
    Experiment("failure", sampling.failure_settings(), sampling.failure),
    Experiment("samplers", sampling.samplers_settings(), sampling.samplers),
    Experiment("concentration", lemmas.concentration_settings(), lemmas.concentration),
    Experiment("bias", lemmas.bias_settings(), lemmas.bias),
    Experiment("stability", lemmas.stability_settings(), lemmas.stability),
    Experiment("perturbation", lemmas.perturbation_settings(), lemmas.perturbation),
    Experiment("lifted", lemmas.lifted_settings(), lemmas.lifted),
    Experiment("envelope", envelope.envelope_settings(), envelope.envelope),
    Experiment("jittered", readings.jittered_settings(), readings.jittered),
    Experiment("balanced", readings.balanced_settings(), readings.balanced),
    Experiment("rare", readings.rare_settings(), readings.rare),
    Experiment("proportional", readings.proportional_settings(), readings.proportional),
    Experiment("image_error", images.image_error_settings(), images.image_error),
    Experiment("image_constants", images.image_constants_settings(), images.image_constants),
)


class Results:
    """The rows of a finished study, by experiment."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.version: str = content["version"]
        self.seconds: float = content["seconds"]
        self.tables: dict[str, list[Row]] = content["tables"]

    def rows(self, experiment: str, **setting: Value) -> list[Row]:
        """Return the rows of an experiment whose settings have the given values, in their order.

        Raises
        ------
        ValueError
            If there is no such experiment.
        """
        if experiment not in self.tables:
            raise ValueError(f"experiment must be one of {', '.join(self.tables)}, got {experiment!r}")
        return [r for r in self.tables[experiment] if all(r[k] == v for k, v in setting.items())]


def load_results() -> Results:
    """Read the results that come with the package."""
    text = (resources.files("satlib.theory") / "results.json").read_text(encoding="utf-8")
    return Results(json.loads(text))


def measure(experiment: str, **setting: Value) -> Row:
    """Measure one row of an experiment anew.

    Raises
    ------
    ValueError
        If there is no such experiment.
    """
    for known in EXPERIMENTS:
        if known.name == experiment:
            return known.row(**setting)
    raise ValueError(f"experiment must be one of {', '.join(e.name for e in EXPERIMENTS)}, got {experiment!r}")


def run_study(out: Path, *, progress: Progress = silent) -> Path:
    """Measure all rows that ``out`` does not hold yet, and write them together as ``out/results.json``.

    Each experiment has a file of lines, one row each, to which a row is added as soon as it is measured: an
    interrupted study goes on where it stopped. Rows of another version of satlib are not used.
    """
    out.mkdir(parents=True, exist_ok=True)
    tables, seconds = {}, 0.0
    for experiment in EXPERIMENTS:
        with progress(experiment.name) as report:
            lines = list(_run(experiment, out / f"{experiment.name}.jsonl", report))
        tables[experiment.name] = [line["row"] for line in lines]
        seconds += sum(line["seconds"] for line in lines)
    content = {"version": __version__, "seconds": round(seconds, 1), "seeds": SEEDS, "tables": tables}
    with replacing(out / "results.json") as path:
        path.write_text(_dump(content), encoding="utf-8")
    return out / "results.json"


def _run(experiment: Experiment, path: Path, report: Report) -> Iterator[dict[str, Any]]:
    """Yield a line for each row, read from ``path`` or measured and added to it."""
    known = _read(path)
    total = len(experiment.settings)
    for done, setting in enumerate(experiment.settings, start=1):
        found = [line for line in known if setting.items() <= line["row"].items() and line["version"] == __version__]
        if found:
            yield found[0]
            continue
        start = perf_counter()
        row = experiment.row(**setting)
        seconds = round(perf_counter() - start, 3)
        line = {"version": __version__, "seconds": seconds, "row": row}
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(line))  # a new line even after a broken one
        report(done, total)
        yield line


def _read(path: Path) -> Sequence[dict[str, Any]]:
    """Return the whole lines of a file; an interrupted write leaves a broken last one, which is dropped."""
    lines = []
    for text in path.read_text(encoding="utf-8").split("\n") if path.exists() else ():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            continue
    return lines


def _dump(content: dict[str, Any]) -> str:
    """Return JSON with one row on each line, so that a change shows where it is."""
    tables = ",\n".join(
        f'"{name}": [\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]"
        for name, rows in content["tables"].items()
    )
    head = json.dumps({k: v for k, v in content.items() if k != "tables"})[1:-1]
    return f'{{{head}, "tables": {{\n{tables}\n}}}}\n'
