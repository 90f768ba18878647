"""`python -m benchmarks spins`: every count is tried in every place, with the variables that say so."""

import json
import subprocess
import sys

import pytest

from benchmarks import spins as program
from satlib.results.timings import spins
from satlib.results.timings.spins import ALONE, AT_ONCE, BESIDE, COUNTS, IN_A_ROW, UPSCALES, Row


def test_the_table_has_a_column_for_each_count_and_a_line_for_each_place() -> None:
    found = [Row("a", None, ALONE, [3.0]), Row("a", 1000, ALONE, [2.0, 1.0, 4.0]), Row("a", 1000, BESIDE, [5.0])]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in spins.table(found).splitlines()]
    assert lines[0] == ["count", "0", "500", "1,000", "2,000", "one thread"]
    assert lines[2:] == [["a, alone", "", "", "2.00", "", "3.00"], ["a, beside", "", "", "5.00", "", ""]]
    assert spins.scatter(found) == 4.0
    assert spins.change([*found, Row("a", 0, ALONE, [8.0])], "a", ALONE, 1000) == 0.25


def test_everything_is_measured_in_turn_and_kept(monkeypatch, tmp_path) -> None:
    seen = []

    def measure(what, checkout, threads, variables=None):
        seen.append((what, threads, variables))
        return float(len(seen)), 0.0

    kept = {}
    monkeypatch.setattr(program, "measure", measure)
    monkeypatch.setattr(program, "upscales", lambda count, place, folder: float(count or 1))
    monkeypatch.setattr(program.cores, "allowed", lambda: 2)
    monkeypatch.setattr(program, "save", lambda name, machine, content: kept.update({name: content}))
    monkeypatch.setattr(sys, "argv", ["benchmarks", "spins", "--rounds", "2", "--anyway"])
    assert program.main() == 0
    rows = spins.rows(json.loads(json.dumps(kept["spins"])))
    assert {(row.what, row.count, row.place) for row in rows} == {
        *((what, None, ALONE) for what in program.FORWARD),
        *((what, count, place) for what in program.FORWARD for count in COUNTS for place in (ALONE, BESIDE)),
        *((UPSCALES, count, place) for count in COUNTS for place in (IN_A_ROW, AT_ONCE)),
    }
    assert all(len(row.seconds) == 2 for row in rows)
    assert seen[0] == (program.FORWARD[0], 1, None)
    assert seen[1] == (program.FORWARD[0], 2, {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"})


@pytest.mark.slow
def test_four_calls_make_four_pictures(monkeypatch, tmp_path) -> None:
    environments = []
    run = subprocess.run

    def noted(command, **options):
        environments.append(options["env"])
        return run(command, **options)

    monkeypatch.setattr(program.subprocess, "run", noted)
    assert program.upscales(500, AT_ONCE, tmp_path) > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.png", "1.png", "2.png", "3.png", "photo.png"]
    assert [found["GOMP_SPINCOUNT"] for found in environments] == ["500"] * 4
