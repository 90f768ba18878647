"""Networks in eval mode beside the one given, which keeps its mode; and networks in wrappers."""

import threading

import numpy as np
import pytest
import torch
from selective_networks import SMALL
from torch import nn
from torch.optim.swa_utils import AveragedModel

from satlib import SAT, save, trace, upscale
from satlib.evaluation import evaluate
from satlib.network.model import SAME_IN_BOTH_MODES, as_sat, in_eval, is_sat
from satlib.upscaling.models import get_model

IMAGE = np.random.default_rng(0).integers(0, 256, (12, 14, 3), np.uint8)


@pytest.fixture
def model() -> SAT:
    return SAT(SMALL.replace(drop_path=0.5))


def test_the_twin_shares_weights_and_hooks_and_nothing_of_the_mode(model):
    twin, seen = in_eval(model.train()), []
    assert model.training and model.groups[0].blocks[0].training
    assert not any(module.training for module in twin.modules() if type(module) not in SAME_IN_BOTH_MODES)
    assert all(a is b for a, b in zip(twin.parameters(), model.parameters(), strict=True))
    assert [*twin.state_dict()] == [*model.state_dict()]
    model.register_forward_hook(lambda module, inputs, output: seen.append(module.training))
    upscale(IMAGE, model)
    assert seen == [False] and model.training
    x = torch.rand(1, 3, 9, 9)
    with torch.no_grad():
        assert torch.equal(twin(x), SAT.eval(model)(x))


def test_training_beside_an_inference_stays_training(model):
    """What one thread computes in training mode is not touched by another that upscales with the same network."""
    expected = upscale(IMAGE, model)
    model.train()
    inside, look, modes = threading.Event(), threading.Event(), []

    def pause(module, inputs):
        if not module.training:
            inside.set()
            look.wait()

    handle, results = model.register_forward_pre_hook(pause), []
    thread = threading.Thread(target=lambda: results.append(upscale(IMAGE, model)))
    thread.start()
    inside.wait()
    modes = [module.training for module in (model, *model.groups[0].blocks)]
    model(torch.rand(2, 3, 8, 8)).sum().backward()
    model.eval().train()  # as a training that validates
    look.set()
    thread.join()
    handle.remove()
    assert all(modes) and model.training
    np.testing.assert_array_equal(results[0], expected)


def wrappers(model: SAT) -> list[nn.Module]:
    compiled = torch.compile(model, backend="eager")
    return [compiled, nn.DataParallel(model), nn.DataParallel(compiled), AveragedModel(nn.DataParallel(model))]


def test_a_wrapped_network_is_that_network(model, tmp_path):
    model.eval()
    expected = upscale(IMAGE, model)
    save(model, tmp_path / "expected.safetensors")
    for wrapped in wrappers(model):
        assert is_sat(wrapped) and as_sat(wrapped).config == model.config
        np.testing.assert_array_equal(upscale(IMAGE, wrapped), expected)
        save(wrapped, tmp_path / "found.safetensors")
        assert (tmp_path / "found.safetensors").read_bytes() == (tmp_path / "expected.safetensors").read_bytes()
        assert len(trace(wrapped, IMAGE)) == len(trace(model, IMAGE))


@pytest.mark.parametrize(
    "given", [SMALL, nn.Linear(2, 2), nn.DataParallel(nn.Linear(2, 2)), 7, None, [SMALL], b"x"], ids=repr
)
def test_anything_else_is_named_in_a_line(given, tmp_path):
    uses = [
        lambda: upscale(IMAGE, given),
        lambda: trace(given, IMAGE),
        lambda: save(given, tmp_path / "a.safetensors"),
        lambda: get_model(given),
        lambda: evaluate(given, tmp_path, scale=2),
        lambda: as_sat(given),
    ]
    for use in uses:
        with pytest.raises(ValueError, match="model must be a SAT") as error:
            use()
        assert len(str(error.value)) < 250 and "\n" not in str(error.value)
