"""The kernels that choose (density, separation, assignment) against the torch functions that they stand in for.

Where products have no rounding error, results are the same to the bit, ties and duplicates included. On random tokens
they are the same wherever more than rounding decides.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels_device import DEVICE, exact_tokens, exact_units, random_tokens
from torch.utils._python_dispatch import TorchDispatchMode

from satlib import dta
from satlib.dta import kernels
from satlib.dta.kernels import largest, nearest
from satlib.dta.kernels.nearest import nearest as find_nearest
from satlib.dta.vectors import comparable_

SIZES = [(1, 1, 1, 1), (1, 2, 1, 3), (3, 65, 1, 4), (1, 64, 64, 36), (2, 67, 66, 5), (1, 130, 70, 33)]
"""Images, tokens, centres, channels."""


@pytest.fixture(autouse=True)
def many_rows_together(monkeypatch):
    """What the interpreter needs to be quick: few programs, each with many rows."""
    monkeypatch.setattr(largest, "TOGETHER", 64)


@pytest.mark.parametrize("programs", [1, 10**6])
@pytest.mark.parametrize(("n_images", "n_tokens", "n_centers", "channels"), SIZES)
def test_assignment_without_rounding_is_the_same(n_images, n_tokens, n_centers, channels, programs, monkeypatch):
    monkeypatch.setattr(nearest, "PROGRAMS", programs)  # one part of the columns, or a part for each tile
    x = exact_tokens(n_images, n_tokens, channels)
    units = dta.normalize(x[:, :n_centers])
    assert torch.equal(kernels.assign(x, units), dta.assign(x, units))


def test_assignment_of_random_tokens_is_the_same_where_rounding_does_not_decide():
    compared = 0
    for seed in range(5):
        x = random_tokens(2, 150, 12, seed)
        units = dta.normalize(x[:, ::5])
        best = (dta.normalize(x.double()) @ units.double().mT).topk(2).values
        decided = best[..., 0] - best[..., 1] > 2.0**-19  # similarities are compared in steps of 2^-20
        assert torch.equal(kernels.assign(x, units)[decided], dta.assign(x, units)[decided])
        compared += int(decided.sum())
    assert compared >= 0.99 * 5 * 2 * 150


def test_equal_similarities_go_to_the_first_centre():
    x = random_tokens(1, 3, 6)[:, [0, 1, 2, 2]]
    units = dta.normalize(x[:, 2:3]).expand(-1, 140, -1).clone()  # three tiles of columns
    units[:, :70] = -units[:, :70]
    assert kernels.assign(x[:, 2:], units).tolist() == [[70, 70]]


def test_tokens_that_are_zero_join_the_first_centre():
    units = dta.normalize(random_tokens(1, 3, 6))
    assert kernels.assign(torch.zeros(1, 2, 6, device=DEVICE), units).tolist() == [[0, 0]]


@pytest.mark.parametrize("scale", [1e15, 1e-5])
def test_tokens_of_extreme_length(scale):
    x = exact_units(1, 40, 16) * scale
    assert torch.equal(kernels.assign(x, dta.normalize(x[:, :9])), dta.assign(x, dta.normalize(x[:, :9])))


def test_comparison_is_in_the_same_steps():
    """Half steps go to the even one; one column of ones makes the products the numbers themselves."""
    step = 2.0**-20
    x = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, 1e6 + 0.5, 1e6 + 1.5, -(2**20)], device=DEVICE) * step
    padded = torch.cat((x.view(1, -1, 1), (1 - x.double() ** 2).sqrt().float().view(1, -1, 1)), -1)
    got = find_nearest(padded, torch.tensor([[[1.0, 0.0]]], device=DEVICE), "tokens")[0]
    inverse = 1 / torch.linalg.vector_norm(padded, dim=-1)
    assert torch.equal(got, comparable_(padded[..., 0] * inverse))


@settings(max_examples=15)
@given(rows=st.integers(1, 9), length=st.integers(2, 70), share=st.floats(0.01, 1), seed=st.integers(0, 99))
def test_mean_of_largest_without_rounding_is_the_same(rows, length, share, seed):
    """Numbers are eighths, many of them equal: sums of them are exact."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(-8, 9, (2, rows, length), generator=generator).float() / 8
    x[..., seed % length] = -torch.inf
    m = max(1, int(share * (length - 1)))
    expected = x.sort(dim=-1, descending=True).values[..., :m].sum(-1) / m
    assert torch.equal(largest.mean_of_largest(x.to(DEVICE), m).cpu(), expected)


@pytest.mark.parametrize(("together", "lanes"), [(1, 1024), (4, 16), (16, 32)])
def test_mean_of_largest_for_rows_longer_than_a_program_holds(together, lanes, monkeypatch):
    monkeypatch.setattr(largest, "TOGETHER", together)
    monkeypatch.setattr(largest, "LANES", lanes)
    x = torch.rand(1, 6, 77)
    x[0, 1] = 0.3  # all equal
    x[0, 2, :40] = 0  # half of them
    x[0, 3] = torch.nextafter(torch.tensor(1.0), torch.tensor(0.0))  # neighbours among the floats
    x[0, 3, ::2] = 1
    x[0, 4] *= 1e-30
    for m in (1, 20, 60, 77):
        expected = x.sort(dim=-1, descending=True).values[..., :m].double().mean(-1)
        got = largest.mean_of_largest(x.to(DEVICE), m).cpu().double()
        torch.testing.assert_close(got, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize(("n_images", "n_sampled", "channels"), [(1, 2, 1), (2, 3, 4), (2, 66, 20), (1, 130, 36)])
@pytest.mark.parametrize("m", [1, 2, 40, 10**6])
def test_density_without_rounding_is_the_same(n_images, n_sampled, channels, m, monkeypatch):
    monkeypatch.setattr(largest, "SCRATCH", 1)  # blocks of as few rows as can be
    unit, m = exact_units(n_images, n_sampled, channels), min(m, n_sampled - 1)
    torch.testing.assert_close(kernels.density(unit, m), dta.density(unit, m), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("m", [1, 3, 49])
def test_density_of_random_tokens(m):
    unit = dta.normalize(random_tokens(2, 101, 40))
    torch.testing.assert_close(kernels.density(unit, m), dta.density(unit, m), rtol=1e-6, atol=1e-6)


def test_density_of_one_token_is_zero():
    assert kernels.density(random_tokens(2, 1, 3), 0).tolist() == [[0], [0]]


@pytest.mark.parametrize("programs", [1, 10**6])
@pytest.mark.parametrize(("n_images", "n_sampled", "channels"), [(2, 1, 3), (2, 2, 1), (3, 66, 5), (1, 131, 36)])
def test_separation_without_rounding_is_the_same(n_images, n_sampled, channels, programs, monkeypatch):
    monkeypatch.setattr(nearest, "PROGRAMS", programs)
    unit = exact_units(n_images, n_sampled, channels)
    rho = torch.randint(0, 9, unit.shape[:2], generator=torch.Generator().manual_seed(1)).to(unit) / 8  # many are equal
    assert torch.equal(kernels.separation(unit, rho), dta.separation(unit, rho))


def test_separation_of_random_tokens():
    unit = dta.normalize(random_tokens(2, 101, 40))
    rho = torch.rand(2, 101, generator=torch.Generator().manual_seed(1)).to(DEVICE)
    torch.testing.assert_close(kernels.separation(unit, rho), dta.separation(unit, rho), rtol=1e-6, atol=1e-6)


def test_an_image_gets_the_same_bits_alone_and_in_a_batch():
    x = random_tokens(3, 90, 40)
    unit, units = dta.normalize(x[:, :70]), dta.normalize(x[:, :20])
    rho, one = kernels.density(unit, 7), slice(1, 2)
    assert torch.equal(kernels.density(unit[one], 7), rho[one])
    assert torch.equal(kernels.density(unit[one], 1), kernels.density(unit, 1)[one])
    assert torch.equal(kernels.separation(unit[one], rho[one]), kernels.separation(unit, rho)[one])
    assert torch.equal(kernels.assign(x[one], units[one]), kernels.assign(x, units)[one])


class Largest(TorchDispatchMode):
    """Records the number of elements of the largest tensor that any operation returns.

    Bytes are not counted: the interpreter copies the storage of what a kernel is given.
    """

    elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, torch.Tensor) and tensor.dtype != torch.uint8:
                self.elements = max(self.elements, tensor.numel())
        return result


def test_no_matrix_of_similarities_is_kept(monkeypatch):
    monkeypatch.setattr(largest, "SCRATCH", 64 * 200)
    x = random_tokens(1, 200, 8)
    unit, few, rho = dta.normalize(x), dta.normalize(x[:, ::2]), torch.rand(1, 200, device=DEVICE)
    for run, limit in (
        (lambda: kernels.assign(x, few), 200 * 8),
        (lambda: kernels.separation(unit, rho), 200 * 8),
        (lambda: kernels.density(unit, 9), 64 * 200),
    ):
        with Largest() as seen:
            run()
        assert 0 < seen.elements <= limit
