"""The sampler of book/live, bit for bit against satlib, at every size and for every way to draw."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from javascript import Javascript, javascript

from satlib import SATConfig
from satlib.dta.options import SAMPLINGS
from satlib.network.geometry import eval_sample, sample_sizes

RUNS = "tests/live/network_runs.mjs"
GRIDS = [(1, 1), (1, 2), (2, 1), (1, 40), (3, 5), (17, 9), (16, 16), (50, 71), (128, 128)]


@pytest.fixture(scope="module")
def engine() -> Iterator[Javascript]:
    with javascript() as engine:
        yield engine


def assert_equal(engine: Javascript, config: SATConfig, grids: list[tuple[int, int]], layers: tuple[int, ...]) -> None:
    cases, wanted = [], []
    for grid in grids:
        k, size = sample_sizes(config, grid)
        for layer in layers:
            place = {"height": grid[0], "width": grid[1], "size": size, "k": k, "layer": layer}
            cases.append({"seed": str(config.seed), "sampling": config.sampling, **place})
            wanted.append(eval_sample(config, grid, layer).tolist())
    assert [found.tolist() for found in engine(RUNS, "samples", cases)] == wanted


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_samples_are_those_of_satlib(sampling: str, engine: Javascript) -> None:
    for ratio, beta in ((0.03, 4), (0.5, 8), (0.2, 2.5)):
        config = SATConfig(scale=2, sampling=sampling, keep_ratio=ratio, subsample=beta)
        assert_equal(engine, config, GRIDS if ratio == 0.03 else GRIDS[:-2], (0, 5))


@given(
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    ratio=st.floats(0.01, 1),
    beta=st.floats(1, 9),
    sampling=st.sampled_from(SAMPLINGS),
    seed=st.integers(0, 2**63 - 1),
)
@settings(max_examples=60)
def test_any_size_and_any_seed(height, width, ratio, beta, sampling, seed, engine: Javascript) -> None:
    config = SATConfig(scale=2, sampling=sampling, keep_ratio=ratio, subsample=beta, seed=seed)
    assert_equal(engine, config, [(height, width)], (0, 3))
