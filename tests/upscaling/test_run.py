"""Choosing a model, the eightfold mean, halving tiles when memory runs out, and leaving the network as it was."""

import re

import numpy as np
import pytest
import torch

from satlib.config import SATConfig
from satlib.images.picture import Picture
from satlib.images.tensors import to_pixels, to_tensor
from satlib.network.model import SAT
from satlib.resize import imresize
from satlib.upscaling import run
from satlib.upscaling.models import Bicubic, get_model
from satlib.upscaling.run import choose_format, eightfold, first_side, halving, upscale_picture
from satlib.upscaling.tiling import Tiling

PIXELS = np.random.default_rng(0).integers(0, 256, (11, 14, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model() -> SAT:
    torch.manual_seed(0)
    return SAT(SATConfig.preset("sat-tiny", scale=2, groups=(1,)))


def test_models_by_name_and_by_object(model):
    assert get_model("bicubic-x3") == Bicubic(3)
    assert get_model(model) is model
    assert get_model(model, "cpu") is model
    for name in ("bicubic-x5", "bicubic", "sat-huge-x2", "no/such/file.safetensors"):
        with pytest.raises((ValueError, OSError), match=re.escape(name)):
            get_model(name)
    with pytest.raises(ValueError, match="model must be a SAT .*, got type"):
        get_model(SAT)


@pytest.mark.parametrize("device", ["cuda:99", "abacus", "xla"])
def test_devices_that_are_not_there_are_named(model, device):
    with pytest.raises(ValueError, match=f"device '{device}' cannot be used") as caught:
        get_model(model, device)
    assert "\n" not in str(caught.value)


def test_a_network_goes_to_another_device_as_a_copy(model, monkeypatch):
    monkeypatch.setattr("satlib.upscaling.models.check_device", torch.device)  # "meta" stands for another one
    moved = get_model(model, "meta")
    assert next(moved.parameters()).device.type == "meta"
    assert next(model.parameters()).device.type == "cpu"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
def test_pixels_to_tensor_and_back(dtype):
    rng = np.random.default_rng(0)
    pixels = (
        rng.random((4, 5, 3)).astype(dtype)
        if np.dtype(dtype).kind == "f"
        else rng.integers(0, 65536, (4, 5, 3)).astype(dtype)
    )
    tensor = to_tensor(pixels)
    assert tensor.shape == (3, 4, 5)
    assert tensor.min() >= 0
    assert tensor.max() <= 1
    np.testing.assert_array_equal(to_pixels(tensor, dtype), pixels, strict=True)


def test_grey_goes_in_as_three_equal_channels():
    tensor = to_tensor(PIXELS[..., :1])
    assert all(torch.equal(channel, torch.from_numpy(PIXELS[..., 0] / np.float32(255))) for channel in tensor)


def test_results_are_clipped_and_rounded_to_nearest():
    values = torch.tensor([[[-0.2, 1.2, 0.5, 100.4 / 255, 100.6 / 255]]])
    assert to_pixels(values, np.uint8).ravel().tolist() == [0, 255, 128, 100, 101]
    assert to_pixels(values, np.float32).ravel().tolist()[:2] == [0, 1]


def test_eightfold_is_the_mean_of_the_eight_turned_runs():
    def run(x: torch.Tensor) -> torch.Tensor:  # depends on the place, so orientations differ
        weight = torch.arange(x[0].numel(), dtype=x.dtype).reshape(x.shape[1:])
        return (x * weight).repeat_interleave(2, 1).repeat_interleave(2, 2)

    x = torch.rand(3, 4, 5, dtype=torch.float64)
    expected = torch.zeros(3, 8, 10, dtype=torch.float64)
    for turns in range(4):
        expected += run(x.rot90(turns, (1, 2))).rot90(-turns, (1, 2))
        expected += run(x.flip(2).rot90(turns, (1, 2))).rot90(-turns, (1, 2)).flip(2)
    torch.testing.assert_close(eightfold(run)(x), expected / 8)
    same = eightfold(lambda t: t)(x)
    torch.testing.assert_close(same, x)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes."),
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
    ],
)
def test_halving_goes_on_until_it_fits_or_is_too_small(error):
    tried = []

    def run(side: int) -> torch.Tensor:
        tried.append(side)
        if side > 150:
            raise error
        return torch.tensor(side)

    assert halving(run, 1001, 64) == 126
    assert tried == [1001, 501, 251, 126]
    with pytest.raises(MemoryError, match="tiles of 160 x 160 pixels"):
        halving(run, 300, 160)


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    def run(side: int) -> torch.Tensor:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        halving(run, 200, 64)


def test_auto_starts_with_the_whole_image_or_what_fits(model, monkeypatch):
    assert first_side(model, (70, 90), 64) == 90
    for free, side in ((0, 64), (2 * run.bytes_needed(model.config, 500, 500), 500)):
        monkeypatch.setattr(run, "bytes_available", lambda device, free=free: free)
        assert first_side(model, (2000, 1000), 64) == side


@pytest.fixture
def gpu(monkeypatch):
    """Let the network seem to be on a GPU, of this capability and with this much memory free."""

    class Parameter:
        device, dtype, itemsize = torch.device("cuda", 0), torch.float32, 4

    class Network(SAT):
        def parameters(self, recurse=True):
            return iter([Parameter()])

    with torch.device("meta"):
        network = Network(SATConfig.preset("sat", scale=2))

    def make(free: int, capability=(9, 0)):
        for name, value in (("memory_reserved", 0), ("memory_allocated", 0), ("mem_get_info", (free, 10**12))):
            monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        return network

    return make


def test_a_gpu_takes_bfloat16_when_float32_does_not_fit(gpu):
    size = (720, 1280)
    wide, half = (run.bytes_needed(gpu(0).config, *size, f) for f in ("float32", "bfloat16"))
    assert half < 0.7 * wide
    assert choose_format(gpu(2 * wide), size, "auto") == "float32"
    assert choose_format(gpu(2 * wide - 2), size, "auto") == "bfloat16"
    assert choose_format(gpu(2 * wide - 2, (7, 5)), size, "auto") == "float32"
    assert choose_format(gpu(0), size, "float32") == "float32"
    assert choose_format(gpu(2 * wide), size, "bfloat16") == "bfloat16"


def test_tiles_follow_the_free_memory_of_a_gpu(gpu):
    size = (720, 1280)
    half = run.bytes_needed(gpu(0).config, *size, "bfloat16")
    assert first_side(gpu(2 * half), size, 64, "bfloat16") == 1280
    assert first_side(gpu(2 * half), size, 64, "float32") == 640
    assert first_side(gpu(0), size, 64, "bfloat16") == 64


def test_on_the_cpu_auto_is_float32(model, monkeypatch):
    monkeypatch.setattr(run, "bytes_available", lambda device: 0)
    assert choose_format(model, (100, 100), "auto") == "float32"


def test_bfloat16_is_close_to_float32_and_not_equal(model):
    exact, half = (
        upscale_picture(Picture(PIXELS / 255), model, Tiling(precision=p)).pixels for p in ("float32", "bfloat16")
    )
    assert exact.dtype == half.dtype
    assert 0 < np.abs(exact - half).max() < 0.05


def test_an_image_survives_a_gpu_that_runs_out_of_memory(model, monkeypatch):
    pixels = np.random.default_rng(1).random((90, 140, 3)).astype(np.float32)
    expected = upscale_picture(Picture(pixels), model, Tiling(tile=70, overlap=4)).pixels
    forward, freed = SAT.forward, []

    def short_of_memory(self, x):
        if x.shape[-1] > 100:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return forward(self, x)

    monkeypatch.setattr(SAT, "forward", short_of_memory)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: freed.append(1))
    found = upscale_picture(Picture(pixels), model, Tiling(tile="auto", overlap=4)).pixels
    assert freed == [1]
    np.testing.assert_array_equal(found, expected)


def test_auto_gives_the_same_as_the_tiles_it_settles_for(model, monkeypatch):
    pixels = np.random.default_rng(1).random((90, 70, 3)).astype(np.float32)
    whole = upscale_picture(Picture(pixels), model, Tiling(tile="auto", overlap=4)).pixels
    np.testing.assert_array_equal(whole, upscale_picture(Picture(pixels), model, Tiling(overlap=4)).pixels)
    monkeypatch.setattr(run, "bytes_available", lambda device: 0)
    tiled = upscale_picture(Picture(pixels), model, Tiling(tile="auto", overlap=4)).pixels
    np.testing.assert_array_equal(tiled, upscale_picture(Picture(pixels), model, Tiling(tile=64, overlap=4)).pixels)


def test_the_network_is_left_as_it_was(model):
    mixed = SAT(model.config)
    mixed.train()
    mixed.groups[0].blocks[1].eval()
    modes = [module.training for module in mixed.modules()]
    upscale_picture(Picture(PIXELS), mixed)
    assert [module.training for module in mixed.modules()] == modes

    def broken(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("broken")

    mixed.upsampler.forward = broken
    with pytest.raises(RuntimeError, match="broken"):
        upscale_picture(Picture(PIXELS), mixed)
    assert [module.training for module in mixed.modules()] == modes


def test_a_network_can_be_trained_and_differentiated_after_upscaling():
    network = SAT(SATConfig.preset("sat-tiny", scale=2, groups=(1,)))
    upscale_picture(Picture(PIXELS), network)
    x = to_tensor(PIXELS)[None]
    for mode in (True, False):  # what the network keeps for an image size must serve with gradients too
        network.train(mode)
        network(x).sum().backward()
    assert network.head.weight.grad is not None


def test_the_global_generator_is_not_touched(model):
    state = torch.get_rng_state()
    upscale_picture(Picture(PIXELS), model, Tiling(ensemble=True))
    assert torch.equal(torch.get_rng_state(), state)


def test_bicubic_is_matlabs_within_the_range():
    step = np.repeat(np.array([[0, 1, 0, 1, 1, 0]], float), 5, axis=0)[..., None]
    out = upscale_picture(Picture(step), Bicubic(3)).pixels
    np.testing.assert_array_equal(out, np.clip(imresize(step, 3), 0, 1))
    assert out.min() == 0
    np.testing.assert_array_equal(upscale_picture(Picture(PIXELS), Bicubic(2)).pixels, imresize(PIXELS, 2))
