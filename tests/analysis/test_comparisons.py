"""`satlib.analysis.comparisons`: against draws, textbook formulas and scipy's own tests."""

import numpy as np
import pytest
from scipy import stats

from satlib.analysis.comparisons import designs, dunnett_critical
from satlib.analysis.statistics import loglog_slope
from satlib.results import trials


@pytest.mark.parametrize("degrees", [1, 2, 12, 200])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999, 0.99999])
def test_one_comparison_is_students_t(degrees: int, level: float) -> None:
    assert dunnett_critical(1, degrees, level=level) == pytest.approx(stats.t.ppf((1 + level) / 2, degrees))


@pytest.mark.parametrize(("k", "degrees", "level"), [(2, 1, 0.999), (3, 2, 0.99999), (5, 1, 0.5), (2, 40, 0.999)])
def test_critical_value_at_any_level_against_integrals(k: int, degrees: int, level: float) -> None:
    """A finer grid for the noise, and quadrature for the common row."""
    limit = dunnett_critical(k, degrees, level=level)
    logs = np.log(stats.chi.ppf(1e-14, degrees)), np.log(stats.chi.isf(1e-14, degrees))
    noise, step = np.linspace(*logs, 4001, retstep=True)
    row = np.linspace(-9, 9, 601)[:, None]
    reach = np.sqrt(2 / degrees) * limit * np.exp(noise)
    each = stats.norm.cdf(row + reach) - stats.norm.cdf(row - reach)  # (601, 4001)
    outside = (stats.norm.pdf(row) * (1 - each**k)).sum(0) * 18 / 600
    density = stats.chi.pdf(np.exp(noise), degrees) * np.exp(noise)
    assert outside @ density * step == pytest.approx(1 - level, rel=1e-6)


@pytest.mark.parametrize(("k", "degrees", "level"), [(6, 12, 0.95), (3, 8, 0.9), (10, 40, 0.99)])
def test_critical_value_against_draws(k: int, degrees: int, level: float) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((200_000, k + 1))
    noise = np.sqrt(rng.chisquare(degrees, 200_000) / degrees)
    largest = np.abs((rows[:, 1:] - rows[:, :1]) / np.sqrt(2)).max(1) / noise
    limit = dunnett_critical(k, degrees, level=level)
    assert (largest <= limit).mean() == pytest.approx(level, abs=3e-3)


def test_critical_value_against_scipys_test() -> None:
    """A sample whose largest statistic is the critical value has the p-value 1 - level."""
    rng = np.random.default_rng(1)
    groups = [rng.standard_normal(4) for _ in range(4)]
    groups = [g - g.mean() for g in groups]  # all means 0; one of them is moved by the critical value
    degrees = 4 * 3
    noise = np.sqrt(sum((g**2).sum() for g in groups) / degrees)
    groups[1] += dunnett_critical(3, degrees) * noise * np.sqrt(2 / 4)
    found = stats.dunnett(*groups[1:], control=groups[0], random_state=np.random.default_rng(2))
    assert found.pvalue[0] == pytest.approx(0.05, abs=3e-3)


def test_half_widths_are_those_of_loops_and_of_the_trials() -> None:
    rng = np.random.default_rng(3)
    values = rng.standard_normal((5, 3)) + np.arange(5)[:, None] + 2 * rng.standard_normal(3)
    found = designs(values)
    rows = {str(i): list(row) for i, row in enumerate(values)}
    assert found.paired == pytest.approx(trials.differences(rows, "0")["1"].half)
    own = np.mean([np.var(row, ddof=1) for row in values])
    assert found.unpaired == pytest.approx(stats.t.ppf(0.975, 10) * np.sqrt(2 * own / 3))
    assert found.simultaneous / found.paired == pytest.approx(dunnett_critical(4, 8) / stats.t.ppf(0.975, 8))
    grand = values.mean()
    residual = sum(
        (values[i, j] - values[i].mean() - values[:, j].mean() + grand) ** 2 for i in range(5) for j in range(3)
    )
    ratio = sum(5 * (values[:, j].mean() - grand) ** 2 for j in range(3)) / 2 / (residual / 8)
    assert found.seeds == pytest.approx(stats.f.sf(ratio, 2, 8))


@pytest.mark.parametrize(
    ("values", "what"), [([[1.0, 2.0]], "two seeds"), ([1.0, 2.0], "two seeds"), ([[1, 2], [3, np.nan]], "finite")]
)
def test_bad_values_are_errors(values: list[object], what: str) -> None:
    with pytest.raises(ValueError, match=f"^values must be .*{what}"):
        designs(values)


def test_of_many_bad_values_one_is_named_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"^values must be finite, got \[nan\]$"):
        designs(np.full((30, 40), np.nan))
    with pytest.raises(ValueError, match=r"^x must hold .*, got shape \(300,\): -1, -1, -1, -1, -1, \.\.\.$"):
        loglog_slope(np.full(300, -1.0), np.ones(300))


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="^n_comparisons must be"):
        dunnett_critical(0, 3)
    with pytest.raises(ValueError, match="^degrees must be"):
        dunnett_critical(2, 0)
    with pytest.raises(ValueError, match="^level must be"):
        dunnett_critical(2, 3, level=1.5)
