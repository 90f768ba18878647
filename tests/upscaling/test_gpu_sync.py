"""Neither a forward pass nor a training step waits for a GPU.

Without a GPU, two stand-ins. On torch's "meta" device tensors have no values, so whatever looks at a value or needs
one for a shape is an error. And on the CPU every operation is watched: those that a GPU would wait for are noted, and
so are copies between devices, which are allowed in the first call alone, when the geometry is made and kept.
"""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from slowness import slow_but
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from satlib import SAT, SATConfig, dta
from satlib.data.store import Pair
from satlib.network import attend
from satlib.training import TrainConfig
from satlib.training.checkpoints import State
from satlib.training.optimizer import Adam
from satlib.training.step import train_step

WAITING = {
    "_local_scalar_dense",
    "nonzero",
    "is_nonzero",
    "masked_select",
    "unique",
    "_unique",
    "_unique2",
    "unique_dim",
    "unique_consecutive",
    "bincount",
    "histc",
    "repeat_interleave",
    "equal",
    "allclose",
    "item",
}
"""Operators that need a value on the host, or the number of results."""


class Watch(TorchDispatchMode):
    """Notes what a GPU would wait for, and copies between devices."""

    def __init__(self):
        super().__init__()
        self.waiting, self.copies = [], []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        indices = [t for t in tree_leaves(args[1:2]) if isinstance(t, torch.Tensor)] if name.startswith("index") else []
        if name in WAITING or any(t.dtype in (torch.bool, torch.uint8) for t in indices):
            self.waiting.append(name)
        result = func(*args, **(kwargs or {}))
        tensors = [t for t in tree_leaves((args, kwargs, result)) if isinstance(t, torch.Tensor) and t.ndim > 0]
        if len({t.device for t in tensors}) > 1:
            self.copies.append(name)
        return result


def watched(run):
    run()
    with Watch() as watch:
        run()
    return watch


@pytest.fixture
def meta(monkeypatch):
    """Let autocast pass over the meta device, for which torch has none."""
    autocast = torch.autocast
    monkeypatch.setattr(
        torch, "autocast", lambda device, *a, **k: nullcontext() if device == "meta" else autocast(device, *a, **k)
    )
    return torch.device("meta")


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Take torch's attention kernels on the CPU, too."""
    monkeypatch.setattr(attend, "_way", lambda *_: attend._windows_by_torch)
    return torch.device("cpu")


def network(device, **changes):
    with device:
        return SAT(SATConfig.preset("sat-tiny", scale=2, groups=(1, 1), drop_path=0.2, **changes))


@pytest.mark.parametrize(
    ("run", "name"),
    [
        (lambda x: bool(x.sum() > 0), "_local_scalar_dense"),
        (lambda x: x[x > 0], "index"),
        (lambda x: x.masked_fill_(x > 0, 0).nonzero(), "nonzero"),
        (lambda x: x.long().flatten().bincount(), "bincount"),
        (lambda x: x.__setitem__(x > 0, 1.0), "index_put_"),
    ],
)
def test_the_watch_sees_what_it_must(run, name):
    assert name in watched(lambda: run(torch.rand(3, 4))).waiting


def test_the_watch_sees_copies_between_devices():
    assert watched(lambda: torch.rand(3).to("meta")).copies == ["_to_copy"]
    assert watched(lambda: torch.rand(4, device="meta")[torch.tensor([1, 2])]).copies == ["index"]


OPTIONS = [
    {},
    {"sampling": "strips"},
    {"sampling": "grid"},
    {"sampling": "random", "neighbors": 1},
    {"aggregation": "mean", "norm_restoration": "mean"},
    {"aggregation": "center", "size_bias": True},
]


@pytest.mark.parametrize("training", slow_but([False], [False, True]))
@pytest.mark.parametrize("options", OPTIONS)
def test_no_value_is_needed_and_nothing_copied_on_a_device_without_values(meta, training, options):
    model = network(meta, **options).train(training)
    image = torch.empty(2, 3, 12, 20, device=meta)

    def run():
        out = model(image)
        if training:
            out.mean().backward()

    assert watched(run).copies == []


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_a_pass_does_nothing_that_a_gpu_would_wait_for(as_on_a_gpu, monkeypatch, training, options):
    monkeypatch.setattr("satlib.dta.checks._check_positions", lambda sample, n_tokens: None)  # for the CPU alone
    model = network(as_on_a_gpu, **options).train(training)
    image = torch.rand(2, 3, 12, 20)
    assert watched(lambda: model(image).mean().backward()).waiting == []


def test_a_check_of_a_sample_waits_only_on_the_cpu(as_on_a_gpu, meta):
    model = network(as_on_a_gpu).eval()
    assert "_local_scalar_dense" in watched(lambda: model(torch.rand(1, 3, 12, 20))).waiting
    network(meta).eval()(torch.empty(1, 3, 12, 20, device=meta))  # would be an error
    with pytest.raises(ValueError, match="sample must hold distinct positions"):  # looked at before it goes to a GPU
        dta.aggregate(torch.empty(1, 9, 4, device=meta), 2, sample=torch.tensor([3, 3, 5]))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_training_step_does_nothing_that_a_gpu_would_wait_for(as_on_a_gpu, monkeypatch, accumulate):
    monkeypatch.setattr("satlib.dta.checks._check_positions", lambda sample, n_tokens: None)  # for the CPU alone
    step, state = training_step(as_on_a_gpu, accumulate)
    assert watched(step).waiting == []
    assert state.step == 2
    assert state.tally.steps == 2


def training_step(device, accumulate=1):
    model = network(device).train()
    config = TrainConfig(network=model.config, store="none", batch=4, accumulate=accumulate, clip=1.0, ema=0.99)
    average = network(device).requires_grad_(False)
    sums = torch.zeros(4, dtype=torch.float64, device=device)
    state = State(model, average, Adam(model.parameters(), config), sums=sums)
    parts = [
        Pair(*(torch.randint(256, (2, 3, side, side), dtype=torch.uint8) for side in (12, 24)))
        for _ in range(accumulate)
    ]
    if device.type == "cuda":
        parts = [Pair(*(t.pin_memory() for t in pair)) for pair in parts]
    fabric = SimpleNamespace(
        device=device,
        global_rank=0,
        world_size=1,
        backward=torch.Tensor.backward,
        no_backward_sync=lambda model, enabled: nullcontext(),
    )
    return lambda: train_step(fabric, model, state.optimizer, state, parts, config), state


class Sums(TorchDispatchMode):
    """Notes sums of floats that a GPU makes in any order."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__.strip("_")
        if name in ("index_add", "scatter_add", "cumsum", "histc", "bincount") and result.is_floating_point():
            self.found.append(name)
        return result


@pytest.mark.parametrize("options", OPTIONS)
def test_no_sum_of_a_forward_pass_is_made_in_any_order(meta, options):
    image = torch.rand(2, 3, 12, 20)
    for device in (torch.device("cpu"), meta):
        model = network(device, **options).eval()
        model.geometry((12, 20))  # made once, on the CPU
        with Sums() as sums:
            model(image.to(device))
        assert bool(sums.found) == (device.type == "cpu" and options.get("aggregation") != "center")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("options", OPTIONS)
def test_a_forward_pass_on_a_gpu_has_the_same_bits_each_time(options):
    model, image = network(torch.device("cuda"), **options).eval(), torch.rand(2, 3, 64, 96, device="cuda")
    with torch.no_grad():
        first = model(image)
        assert all(torch.equal(model(image), first) for _ in range(5))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_is_not_waited_for():
    cuda = torch.device("cuda")
    model, image = network(cuda), torch.rand(2, 3, 24, 40, device=cuda)
    step, _ = training_step(cuda)

    def passes():
        for training in (False, True):
            model.train(training)(image).mean().backward()
        step()

    passes()
    torch.cuda.set_sync_debug_mode("error")
    try:
        passes()
    finally:
        torch.cuda.set_sync_debug_mode("default")
