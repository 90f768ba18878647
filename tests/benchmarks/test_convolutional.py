"""What is kept of a training: the last weights in float16, and numbers that are those of the kept weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from training_runs import config, make_store

from benchmarks.convolutional import keep, on_record
from benchmarks.test_sets import parse
from satlib.evaluation import evaluate
from satlib.network.convolutional import ConvolutionalConfig
from satlib.support.files import hash_file
from satlib.training import read_table, train
from satlib.weights.convolutional import load_convolutional

NETWORK = ConvolutionalConfig(scale=2, channels=4, blocks=1, upsampler_channels=6)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    store = make_store(folder)
    train(config(store, network=NETWORK, start="interpolation", steps=4), folder / "run", device="cpu")
    return folder / "run"


def test_what_is_kept_is_measured(run: Path, tmp_path: Path) -> None:
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((24, 22), Image.Resampling.BICUBIC).save(photographs / "a.png")
    keep(run, [parse(f"Set5={photographs}")], tmp_path)
    weights = tmp_path / "convolutional-x2.safetensors"
    found, last = load_convolutional(weights), load_convolutional(run / "last.safetensors")
    for name, weight in last.state_dict().items():
        assert torch.equal(found.state_dict()[name], weight.half().float())
    content = json.loads((tmp_path / "convolutional-x2.json").read_text())
    assert (content["steps"], content["sha256"]) == (4, hash_file(weights))
    ours, theirs = (content["networks"][name] for name in ("convolutional-x2", "sat-tiny-x2"))
    few = evaluate(found, photographs, scale=2)
    assert ours["Set5"] == {"psnr": round(few.psnr, 3), "ssim": round(few.ssim, 4)}
    last_row = read_table(run / "valid.csv")[-1]
    assert content["curve"][-1] == [4, round(last_row["psnr"], 3)] == [4, ours["held out"]["psnr"]]
    assert (ours["params"], theirs["params"]) == (found.n_params, 149_432)
    assert theirs == on_record(["Set5"]) and theirs["Set5"] == {"psnr": 37.378, "ssim": 0.9583}


def test_a_set_that_the_other_network_has_not_seen_is_refused() -> None:
    with pytest.raises(ValueError, match="sat-tiny-x2 has been measured on Set5 and Set14, not on Few"):
        on_record(["Few"])


def test_a_training_that_is_not_finished_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text((run / "config.yaml").read_text().replace("steps: 4", "steps: 5"))
    (tmp_path / "valid.csv").write_text((run / "valid.csv").read_text())
    with pytest.raises(ValueError, match="must hold a finished training of 5 steps"):
        keep(tmp_path, [], tmp_path)
