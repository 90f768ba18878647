"""`satlib.analysis.neighborhoods`: the neighbours behind `satlib.dta`'s densities and separations."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from satlib import dta
from satlib.analysis import neighborhoods


def units(n: int, seed: int = 0) -> torch.Tensor:
    return dta.normalize(torch.randn(n, 5, generator=torch.Generator().manual_seed(seed)))


@given(st.integers(2, 30), st.integers(0, 5), st.data())
@settings(max_examples=25, deadline=None)
def test_the_mean_similarity_to_the_nearest_is_the_density(n, seed, data):
    unit, m = units(n, seed), data.draw(st.integers(1, n - 1))
    rho = dta.density(unit.unsqueeze(0), m)[0]
    for token in range(n):
        near = neighborhoods.nearest(unit, token, m)
        assert len(set(near.tolist()) - {token}) == m
        assert (unit[near] @ unit[token]).mean().item() == pytest.approx(rho[token].item(), abs=1e-5)


@given(st.integers(2, 30), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_links_are_as_long_as_the_separation_and_lead_to_the_densest(n, seed):
    unit = units(n, seed)
    rho = dta.density(unit.unsqueeze(0), 1)  # with ties: mutual neighbours are equally dense
    delta = dta.separation(unit.unsqueeze(0), rho)[0]
    link = neighborhoods.nearest_denser(unit, rho[0])
    roots = [i for i in range(n) if link[i] == i]
    assert len(roots) == 1
    assert rho[0, roots[0]].item() == pytest.approx(rho.max().item(), abs=1e-6)
    for i in set(range(n)) - set(roots):
        assert 1 - (unit[i] @ unit[link[i]]).item() == pytest.approx(delta[i].item(), abs=1e-5)
    assert neighborhoods.climb(link, torch.tensor(roots)).tolist() == [0] * n


def test_climbing_equals_a_walk_along_the_links():
    unit = units(40)
    rho = dta.density(unit.unsqueeze(0), 3)[0]
    link = neighborhoods.nearest_denser(unit, rho)
    tops = torch.tensor([int(rho.argmax()), 5, 17, 30])
    found = neighborhoods.climb(link, tops).tolist()
    for token in range(40):
        at = token
        while at not in tops.tolist():
            at = int(link[at])
        assert tops[found[token]] == at


def test_a_long_chain_is_climbed():
    link = torch.arange(1000).sub(1).clamp_min(0)
    assert neighborhoods.climb(link, torch.tensor([0, 500])).tolist() == [0] * 500 + [1] * 500


def test_one_token_alone():
    assert neighborhoods.nearest_denser(units(1), torch.zeros(1)).tolist() == [0]
    assert neighborhoods.nearest(units(1), 0, 0).tolist() == []


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"0\.\.2, got 3 and 1"):
        neighborhoods.nearest(units(3), 3, 1)
    with pytest.raises(ValueError, match="the densest token must be among the tops"):
        neighborhoods.climb(torch.tensor([0, 0, 1]), torch.tensor([1]))
