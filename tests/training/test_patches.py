"""Which patches a step sees: fixed by seed and number, whoever asks, and true to the photographs."""

from collections import defaultdict

import numpy as np
import pytest
import torch
from training_runs import config, make_store

from satlib.data import Store
from satlib.data.degradation import PRESETS, Pass, blur, gaussian_kernel, resize
from satlib.data.degradation.steps import INTERPOLATIONS, to_bytes
from satlib.training.patches import Batches, Patches, Plan, orient, split


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(make_store(tmp_path_factory.mktemp("data")), 2)


def test_a_patch_is_fixed_by_seed_and_number(store: Store) -> None:
    first, again, other = (Patches(store, range(4), 6, seed) for seed in (0, 0, 1))
    for number in (0, 1, 10**9):
        assert all(map(torch.equal, first[number], again[number]))
    assert sum(torch.equal(first[i].lr, other[i].lr) for i in range(20)) == 0
    assert len({first[i].lr.numpy().tobytes() for i in range(200)}) > 190


def test_patches_are_places_of_photographs_in_eight_orientations(store: Store) -> None:
    seen = set()
    patches = Patches(store, [1], 6, 0)
    low, high = (torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in (store.lr(1), store.hr(1)))
    places = defaultdict(list)
    for orientation in range(8):
        for top in range(low.shape[1] - 5):
            for left in range(low.shape[2] - 5):
                patch = orient(low[:, top : top + 6, left : left + 6], orientation)
                places[patch.numpy().tobytes()].append((orientation, top, left))
    for number in range(300):
        pair = patches[number]
        assert pair.lr.shape == (3, 6, 6) and pair.hr.shape == (3, 12, 12) and pair.lr.is_contiguous()
        ((orientation, top, left),) = places[pair.lr.numpy().tobytes()]
        assert torch.equal(orient(high[:, 2 * top : 2 * top + 12, 2 * left : 2 * left + 12], orientation), pair.hr)
        seen.add((orientation, top, left))
    assert {orientation for orientation, _, _ in seen} == set(range(8))
    assert len({place[1:] for place in seen}) > 100


def test_orientations_are_the_group_of_the_square() -> None:
    image = torch.arange(9).view(1, 3, 3)
    all_eight = {orient(image, i).numpy().tobytes() for i in range(8)}
    assert len(all_eight) == 8
    assert all(orient(orient(image, i), j).numpy().tobytes() in all_eight for i in range(8) for j in range(8))


@pytest.mark.parametrize(("world", "parts"), [(1, 1), (2, 1), (1, 3), (2, 3), (4, 3)])
def test_processes_and_parts_share_each_batch(world: int, parts: int) -> None:
    plans = [list(Plan(5, 12, parts, rank, world).since(2)) for rank in range(world)]
    for i, step in enumerate(range(2, 5)):
        numbers = [n for plan in plans for part in plan[i * parts : (i + 1) * parts] for n in part]
        assert sorted(numbers) == list(range(step * 12, (step + 1) * 12))
    assert all(len(plan) == 3 * parts for plan in plans)


def test_a_batch_that_cannot_be_divided_is_an_error() -> None:
    with pytest.raises(ValueError, match="batch=12 cannot be divided among 5 processes in 1 parts"):
        Plan(1, 12, 1, 0, 5)


def test_degraded_patches_are_cut_from_the_same_places(store: Store) -> None:
    plain, found, again = (Patches(store, range(4), 6, 0, passes) for passes in ((), *[PRESETS["two-passes"]] * 2))
    for number in (0, 1, 10**9):
        assert torch.equal(found[number].hr, plain[number].hr)
        assert found[number].lr.shape == (3, 6, 6) and found[number].lr.dtype == torch.uint8
        assert not torch.equal(found[number].lr, plain[number].lr)
        assert torch.equal(found[number].lr, again[number].lr)


def test_each_patch_is_degraded_by_a_draw_of_its_own(store: Store) -> None:
    """With blur alone: the low-resolution patch is the blurred and shrunk other one, whatever was drawn before it."""
    still = Pass(sigma=(1.0, 1.0), anisotropic=0.0, up=0.0, down=0.0, noise=0.0, jpeg=None)
    patches, ways = Patches(store, range(4), 6, 0, (still,)), set()
    for number in range(12):
        pair = patches[number]
        soft = blur(pair.hr.float() / 255, gaussian_kernel(21, 1.0, 1.0)).clamp(0, 1)
        made = [to_bytes(resize(soft, (6, 6), how)) for how in INTERPOLATIONS]
        ways.add(next(i for i, low in enumerate(made) if torch.equal(low, pair.lr)))
    assert len(ways) > 1


@pytest.mark.parametrize("degradation", [(), "two-passes"])
@pytest.mark.parametrize("first", [0, 5])
def test_worker_processes_and_interruptions_change_nothing(
    store: Store, first: int, degradation: tuple[()] | str
) -> None:
    c = config(store.path, steps=9, degradation=degradation)
    whole = list(Batches(c, store, [0, 2]).since(0))
    rest = list(Batches(c.replace(workers=2), store, [0, 2]).since(first))
    assert len(rest) == 9 - first and rest[0].lr.shape == (4, 3, 8, 8)
    for expected, found in zip(whole[first:], rest, strict=True):
        assert torch.equal(expected.lr, found.lr) and torch.equal(expected.hr, found.hr)


def test_a_patch_larger_than_all_photographs_is_an_error(store: Store) -> None:
    with pytest.raises(ValueError, match="no photograph of .* has 40 x 40 pixels at scale 1/2"):
        Patches(store, range(4), 40, 0)


@pytest.mark.parametrize(("n", "holdout", "held"), [(10, 0, []), (10, 1, [5]), (10, 3, [1, 5, 8]), (4, 3, [0, 2, 3])])
def test_held_out_photographs_are_evenly_spaced(n: int, holdout: int, held: list[int]) -> None:
    chosen, found = split(n, holdout)
    assert found == held and sorted(chosen + found) == list(range(n))


def test_holding_everything_out_is_an_error() -> None:
    with pytest.raises(ValueError, match="holdout must leave photographs to train on, got 4 of 4"):
        split(4, 4)
