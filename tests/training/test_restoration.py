"""Scale 1: training on degraded photographs, what a run begins with, and what it is measured against."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from training_runs import config, make_store, network

from satlib import SAT, load, upscale
from satlib.data import Store, prepare
from satlib.data.degradation import passes_of
from satlib.evaluation import evaluate
from satlib.images.folder import read_8bit
from satlib.metrics import psnr
from satlib.training import read_table, train
from satlib.training.first_weights import adopt, interpolate
from satlib.training.trials.experiment import read_experiment
from satlib.training.validation import examples_of_store

STILL = {"blur": 0.0, "up": 0.0, "down": 0.0, "jpeg": None}
NOISE = [{**STILL, "poisson_share": 0.0, "gray": 0.0, "gaussian": [25.0, 25.0]}]
"""Gaussian noise of 25 levels and nothing else, as networks for denoising are trained."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs, and a store of them alone."""
    folder = tmp_path_factory.mktemp("data")
    make_store(folder)
    assert sorted(path.name for path in prepare(folder / "photographs", folder / "alone", scales=(1,)).iterdir()) == [
        ".lock",
        "hr.u8",
        "record.json",
    ]
    return folder


@pytest.mark.slow
def test_a_network_learns_to_denoise(folder: Path, tmp_path: Path) -> None:
    options = {"steps": 150, "log_every": 50, "learning_rate": 5e-3, "patch": 16, "start": "interpolation", "ema": None}
    settings = config(folder / "alone", network=network(scale=1), degradation=NOISE, **options)
    result = train(settings, tmp_path, device="cpu")
    losses = [row["loss"] for row in read_table(tmp_path / "train.csv")]
    assert result.finished and losses[-1] < 0.6 * losses[0]
    first, last = (load(tmp_path / f"{name}.safetensors") for name in ("first", "last"))
    measured = {"scale": 1, "degradation": NOISE, "metrics": ("psnr",)}
    before = evaluate("unrestored", folder / "photographs", **measured).psnr
    untrained, trained = (evaluate(model, folder / "photographs", **measured).psnr for model in (first, last))
    assert abs(untrained - before) < 0.5 and trained > before + 4


def test_noise_is_that_of_its_standard_deviation(folder: Path) -> None:
    photograph = np.full((300, 300, 3), 128, np.uint8)
    (folder / "flat").mkdir()
    Image.fromarray(photograph).save(folder / "flat" / "flat.png")
    found = evaluate("unrestored", folder / "flat", scale=1, degradation=NOISE, metrics=("psnr",))
    # Y has 219/255 of the contrast of grey and mixes three independent noises.
    share = np.sqrt(65.481**2 + 128.553**2 + 24.966**2) / 255
    assert found.psnr == pytest.approx(20 * np.log10(255 / (25 * share)), abs=0.05)
    assert "0 pixels of border shaved" in found.to_markdown() and "degraded in 1 pass;" in found.to_markdown()


def test_pairs_of_ones_own_need_no_degradation(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "noisy").mkdir()
    random = np.random.default_rng(0)
    for path in (folder / "photographs").iterdir():
        photograph = read_8bit(path)
        pixels = photograph + random.normal(0, 25, photograph.shape)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / "noisy" / path.name)
    path = prepare(folder / "photographs", tmp_path / "store", scales=(1,), low=tmp_path / "noisy")
    store = Store(path, 1)
    assert store.paired and store.lr(0).shape == store.hr(0).shape and not np.array_equal(store.lr(0), store.hr(0))
    result = train(config(path, network=network(scale=1), steps=5), tmp_path / "run", device="cpu")
    example = examples_of_store(store, [2])[0]
    restored = upscale(example.lr, tmp_path / "run" / "last.safetensors", margin=0)
    assert result.psnr == pytest.approx(psnr(restored, example.hr), abs=1e-3)


def test_without_anything_to_restore_a_run_does_not_begin(folder: Path, tmp_path: Path) -> None:
    settings = config(folder / "alone", network=network(scale=1))
    with pytest.raises(ValueError, match="degradation must say what is restored at scale 1, got None"):
        train(settings, tmp_path, device="cpu")
    with pytest.raises(ValueError, match=r"has no scale 2; .*--scale 2` adds it"):
        train(config(folder / "alone"), tmp_path, device="cpu")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("upsampler", ["classic", "onestep"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_start_gives_about_its_input(upsampler: str, channels: int) -> None:
    model = SAT(network(scale=1, upsampler=upsampler, in_channels=channels)).eval()
    x = torch.rand(1, channels, 20, 20)
    with torch.no_grad():
        before = (model(x) - x).abs().mean()
        interpolate(model)
        after = (model(x) - x).abs().mean()
    assert 0 < after < 0.2 * before and after < 0.02
    model(x).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.head.parameters())


@pytest.mark.parametrize(("ours", "theirs"), [(1, 2), (2, 1)])
def test_the_upsampler_of_another_kind_of_network_is_not_taken(ours: int, theirs: int) -> None:
    for upsampler in ("classic", "onestep"):
        model, other = (SAT(network(scale=s, upsampler=upsampler)) for s in (ours, theirs))
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        fresh = adopt(model, other)
        assert fresh == [name for name in before if name.startswith("upsampler.")]
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, before[name] if name in fresh else other.state_dict()[name])
    assert adopt(SAT(network(scale=1)), SAT(network(scale=1))) == []


def test_an_experiment_needs_something_to_interpolate(tmp_path: Path) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(
        "training: {store: photos, degradation: one-pass, network: {preset: sat-tiny, scale: 1}}\n"
        "rows: {all: []}\nseeds: [1]\n"
    )
    with pytest.raises(ValueError, match=r"row all: network.scale must be 2, 3, 4 or 8 in an experiment, got 1"):
        read_experiment(file, tmp_path)


def test_the_passes_of_a_run_are_those_of_its_evaluation(folder: Path, tmp_path: Path) -> None:
    """Held-out photographs apart: what a folder gives in a validation, it gives in an evaluation."""
    options = {"holdout": 0, "validation": str(folder / "photographs"), "degradation": "two-passes", "steps": 3}
    result = train(config(folder / "alone", network=network(scale=1), **options), tmp_path, device="cpu")
    last = load(tmp_path / "last.safetensors")
    measured = evaluate(last, folder / "photographs", scale=1, degradation=passes_of("two-passes"))
    assert measured.psnr == pytest.approx(result.psnr, abs=1e-3)
