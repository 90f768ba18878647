"""The steps of book/live/dta.c against satlib.dta, each from satlib's own results before it, in the checked build."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from wasm_kernels import Kernels, compiled

from satlib import dta
from satlib.dta.options import AGGREGATIONS, NORM_RESTORATIONS
from satlib.dta.sampling import draw_sample

CASES = ((24, 24, 32, 0.03, 4), (9, 13, 10, 0.1, 2), (7, 5, 3, 0.3, 8), (2, 2, 40, 0.03, 4), (1, 1, 5, 0.5, 4))


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernels]:
    yield Kernels(compiled(tmp_path_factory.mktemp("live"), checked=True))


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> dict[str, Tensor]:
    """Tokens (1, N, C) in clusters, some without a direction and some twice; their sample and its directions."""
    height, width, channels, ratio, beta = request.param
    n_tokens = height * width
    x = torch.randn(7, channels)[torch.arange(n_tokens) % 7] + 0.3 * torch.randn(n_tokens, channels)
    x[n_tokens // 3] = x[n_tokens // 2]
    x[n_tokens - 1] *= 1e-8 if n_tokens > 1 else 1
    k = dta.n_centers(n_tokens, ratio)
    sample = draw_sample((height, width), dta.n_samples(n_tokens, k, beta))
    return {"x": x[None], "sample": sample, "unit": dta.normalize(dta.take(x[None], sample)), "k": torch.tensor(k)}


def floats(x: Tensor) -> np.ndarray:
    return x[0].contiguous().numpy().copy()


def ints(x: Tensor) -> np.ndarray:
    return x[0].numpy().astype(np.int32)


def close(found: np.ndarray, wanted: Tensor) -> None:
    np.testing.assert_allclose(found, wanted[0].numpy(), rtol=1e-6, atol=1e-6)


def test_normalize(case: dict[str, Tensor], kernels: Kernels) -> None:
    unit = np.full_like(floats(case["unit"]), np.nan)
    kernels("normalize", *unit.shape, floats(case["x"]), ints(case["sample"]), unit)
    close(unit, case["unit"])


@pytest.mark.parametrize("m", [1, 2, 5, 1000])
def test_density(m: int, case: dict[str, Tensor], kernels: Kernels) -> None:
    unit = floats(case["unit"])
    m, rho = min(m, len(unit) - 1), np.full(len(unit), np.nan, np.float32)
    kernels("density", *unit.shape, unit, m, rho)
    close(rho, dta.density(case["unit"], m))


def test_separation(case: dict[str, Tensor], kernels: Kernels) -> None:
    unit, rho = floats(case["unit"]), dta.density(case["unit"], min(3, case["unit"].shape[1] - 1))
    delta = np.full(len(unit), np.nan, np.float32)
    kernels("separation", *unit.shape, unit, floats(rho), delta)
    close(delta, dta.separation(case["unit"], rho))


@given(scores=st.lists(st.integers(-3, 3), min_size=1, max_size=40))
@settings(max_examples=30)
def test_highest_keeps_the_first_of_equals(scores: list[int], kernels: Kernels) -> None:
    score = torch.tensor([scores]) / 4 + 1e-8 * torch.randn(1, len(scores))  # equal but for rounding
    order = np.full(len(scores), -1, np.int32)
    kernels("highest", len(scores), floats(score), order)
    assert order.tolist() == dta.highest(score, len(scores))[0].tolist()


def chosen(case: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Return centres (1, K), their directions (1, K, C), and the assignment (1, N)."""
    rho = dta.density(case["unit"], min(2, case["unit"].shape[1] - 1))
    score = rho * dta.separation(case["unit"], rho)
    centers = case["sample"].gather(1, dta.highest(score, int(case["k"])))
    center_units = dta.normalize(dta.take(case["x"], centers))
    return centers, center_units, dta.assign(case["x"], center_units)


def test_assign(case: dict[str, Tensor], kernels: Kernels) -> None:
    _, center_units, wanted = chosen(case)
    x, assignment = floats(case["x"]), np.full(case["x"].shape[1], -1, np.int32)
    kernels("assign", *x.shape, x, int(case["k"]), floats(center_units), assignment)
    assert assignment.tolist() == wanted[0].tolist()


@pytest.mark.parametrize("method", range(3), ids=AGGREGATIONS)
@pytest.mark.parametrize("tau", [0.02, 1.0])
def test_merge(method: int, tau: float, case: dict[str, Tensor], kernels: Kernels) -> None:
    centers, center_units, assignment = chosen(case)
    wanted, counts = dta.merge(case["x"], centers, assignment, aggregation=AGGREGATIONS[method], temperature=tau)
    x, k = floats(case["x"]), int(case["k"])
    tokens, number = np.full((k, x.shape[1]), np.nan, np.float32), np.full(k, -1, np.int32)
    weight = np.full(len(x), np.nan, np.float32)
    given = x, k, ints(centers), floats(center_units), ints(assignment)
    kernels("merge", *x.shape, *given, method, tau, tokens, number, weight)
    close(tokens, wanted)
    assert number.tolist() == counts[0].tolist()
    again = np.zeros_like(tokens)
    np.add.at(again, assignment[0].numpy(), weight[:, None] * x)
    if AGGREGATIONS[method] != "center":  # a centre is its cluster's token even where a better one has taken it in
        np.testing.assert_allclose(again, tokens, atol=1e-6)


@pytest.mark.parametrize("method", range(3), ids=NORM_RESTORATIONS)
def test_restore_norm(method: int, case: dict[str, Tensor], kernels: Kernels) -> None:
    centers, _, assignment = chosen(case)
    merged, counts = dta.merge(case["x"], centers, assignment)
    wanted = dta.restore_norm(merged, case["x"], assignment, counts, norm_restoration=NORM_RESTORATIONS[method])
    x, tokens = floats(case["x"]), floats(merged)
    kernels("restore_norm", *x.shape, x, len(tokens), ints(assignment), ints(counts), method, tokens)
    close(tokens, wanted)
