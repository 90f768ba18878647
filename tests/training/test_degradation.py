"""Training and validation on images that are degraded as people's are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from training_runs import config, make_store

from satlib.data import Store
from satlib.data.degradation import PRESETS, degrade_bytes
from satlib.training import train
from satlib.training.validation import degraded, examples_of_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("data"))


def test_validation_images_are_degraded_alike_in_every_validation(store: Path) -> None:
    examples = examples_of_store(Store(store, 2), [0, 1])
    first, again = (degraded(examples, 2, PRESETS["two-passes"]) for _ in range(2))
    for number, (before, a, b) in enumerate(zip(examples, first, again, strict=True)):
        assert a.name == before.name and np.array_equal(a.hr, before.hr)
        assert a.lr.shape == before.lr.shape and np.array_equal(a.lr, b.lr)
        high = torch.from_numpy(before.hr.copy()).permute(2, 0, 1)
        low = degrade_bytes(high, 2, PRESETS["two-passes"], torch.Generator().manual_seed(number))
        assert np.array_equal(a.lr, low.permute(1, 2, 0).numpy())


def test_a_run_says_what_it_does_and_goes_on_with_that_alone(store: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    settings = config(store, steps=4, degradation="one-pass")
    assert train(settings, tmp_path, device="cpu", say=lines.append).finished
    assert "with 3 photographs, degraded in 1 pass;" in lines[0]
    with pytest.raises(ValueError, match=r"holds a run with degradation=\[\{'blur': 1.0,.*, not None; choose"):
        train(config(store, steps=6), tmp_path, device="cpu", resume=True)
    assert train(settings.replace(steps=6), tmp_path, device="cpu", resume=True).step == 6
