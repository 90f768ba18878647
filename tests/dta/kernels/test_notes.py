"""The predictions of benchmarks/gpu_notes.md are what its own arithmetic gives, for the network that it names."""

import contextlib
import io
import re
from pathlib import Path

from satlib import SATConfig
from satlib.dta import n_neighbors
from satlib.dta.kernels import largest, nearest, segments, tiles
from satlib.dta.sampling import n_samples

NOTES = (Path(__file__).parents[3] / "benchmarks/gpu_notes.md").read_text()


def run(block):
    """Return what a block of the page's code prints, and its variables."""
    code = re.findall(r"^```python\n(.*?)^```", NOTES, re.M | re.S)[block]
    variables, printed = {}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "gpu_notes.md", "exec"), variables)
    return printed.getvalue(), variables


def test_the_tables_are_what_the_code_prints():
    tables = re.findall(r"^```text\n(.*?)^```", NOTES, re.M | re.S)
    assert [run(block)[0] for block in (0, 1, 2)] == tables


def test_sizes_are_those_of_the_preset_and_of_the_kernels():
    config, found = SATConfig.preset("sat"), run(2)[1]
    k = int(config.keep_ratio * 128 * 128)
    s = n_samples(128 * 128, k, config.subsample)
    sizes = (config.channels, 128 * 128, k, s, n_neighbors(config.neighbors, k, s))
    assert tuple(found[name] for name in ("C", "N", "K", "S", "m")) == sizes
    assert found["TILE"] == tiles.ROWS == tiles.COLUMNS and found["PIECE"] == segments.PIECE


def test_the_page_names_every_size_that_may_be_tuned():
    modules = (tiles, nearest, largest, segments)
    own = {name for m in modules for name, value in vars(m).items() if name.isupper() and isinstance(value, int)}
    assert {name for name in own if f"`{name}`" not in NOTES} == set()
