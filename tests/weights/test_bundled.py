"""The bundled weights: there, ours, better than bicubic by what the model card says, and used by default."""

import json
from pathlib import Path

import numpy as np
import pytest

from satlib import SATConfig, load, samples, upscale
from satlib.evaluation import evaluate
from satlib.images.degradation import crop_to_multiple, downscale
from satlib.metrics import psnr
from satlib.resize import imresize

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "satlib" / "weights"
NAMES = sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))
DATA = ROOT.parent / "shared" / "data"


def scale_of(name: str) -> int:
    return int(name[-1])


def test_the_tiny_networks_are_bundled() -> None:
    assert {"sat-tiny-x2", "sat-tiny-x4"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_network_is_its_preset(name: str) -> None:
    model = load(name)
    assert model.config == SATConfig.preset(name.rsplit("-x", 1)[0], scale=scale_of(name))
    assert not model.training and all(parameter.isfinite().all() for parameter in model.parameters())
    assert f"`{name}`" in (ROOT / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_network_beats_bicubic_on_every_sample(name: str) -> None:
    scale = scale_of(name)
    for sample in samples.names():
        photo = crop_to_multiple(np.asarray(samples.load(sample)), scale)
        low = downscale(photo, scale)
        ours, baseline = (
            psnr(image, photo, border=scale) for image in (upscale(low, name, margin=0), imresize(low, scale))
        )
        assert ours > baseline, sample


@pytest.mark.skipif(not DATA.is_dir(), reason="no ../shared/data")
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_numbers_of_set5_are_right(name: str) -> None:
    record = json.loads((WEIGHTS / f"{name}.json").read_text())
    (recorded,) = [r["mean"] for r in record["evaluations"] if (r["data"], r["model"]) == ("Set5", name)]
    found = evaluate(name, DATA / "Set5", scale=scale_of(name))
    assert found.psnr == pytest.approx(recorded["psnr"], abs=2e-3)
    assert found.ssim == pytest.approx(recorded["ssim"], abs=1e-4)
