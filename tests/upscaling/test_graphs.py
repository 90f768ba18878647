"""Recording needs a GPU: its logic is tested with a stand-in that repeats the work, and as it is where there is one."""

import gc
import weakref

import pytest
import torch
import training_runs

from satlib import SAT, SATConfig, load
from satlib.network.geometry import SIZES
from satlib.training import step as step_module
from satlib.training import train
from satlib.training.config import TrainConfig
from satlib.upscaling import graphs
from satlib.upscaling.graphs import Graph, Recorded, compiled, forward_graph

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
SMALL = SATConfig.preset("sat-tiny", scale=2, groups=(1, 1))


@pytest.fixture
def stand_in(monkeypatch):
    """Let a graph live on the CPU: a replay runs the function again and copies the result to where it was."""
    recorded = []

    def record(run, device):
        output = run()
        recorded.append(device)
        return Recorded(lambda: output.copy_(run()), output)

    def initialise(self, run, *examples, device):
        self.run, self.inputs = run, [t.clone() for t in examples]
        self.recorded = graphs.record(lambda: run(*self.inputs), device)

    monkeypatch.setattr(graphs, "record", record)
    monkeypatch.setattr(Graph, "__init__", initialise)
    return recorded


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_without_a_gpu_there_is_one_clear_error(device):
    with pytest.raises(ValueError, match=f"a CUDA graph needs a GPU that torch can use, got device '{device}'"):
        Graph(lambda x: x, torch.ones(1), device=device)
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="a CUDA graph needs a GPU"):
            forward_graph(SAT(SMALL).eval(), torch.rand(1, 3, 8, 8))


def test_a_network_in_training_mode_is_refused():
    with pytest.raises(ValueError, match=r"call eval\(\) first"):
        forward_graph(SAT(SMALL).train(), torch.rand(1, 3, 8, 8))


def test_a_replay_takes_new_inputs_and_refuses_other_sizes(stand_in):
    model = SAT(SMALL).eval()
    graph = forward_graph(model, torch.rand(1, 3, 9, 10))
    image = torch.rand(1, 3, 9, 10)
    first = graph(image)
    with torch.no_grad():
        assert torch.equal(first, model(image))
    assert graph(torch.rand(1, 3, 9, 10)) is first
    for wrong in ((image[:, :, 1:],), (image.double(),), (image, image), ()):
        with pytest.raises(ValueError, match="the graph was recorded for inputs"):
            graph(*wrong)


def test_a_recorded_network_holds_its_weights_and_geometry(stand_in):
    """Their addresses are in the recording: they stay when the network is gone, and when it has seen other sizes."""
    model = SAT(SMALL).eval()
    graph = forward_graph(model, torch.rand(1, 3, 11, 13))
    geometry = model.geometry((11, 13))
    held = [weakref.ref(t) for t in (geometry.windows[0].split.source, geometry.samples[1], *model.parameters())]
    with torch.no_grad():
        for side in range(4, 4 + SIZES):
            model(torch.rand(1, 3, side, side))
    assert model.geometry((11, 13)) is not geometry, "the network itself has forgotten the size"
    image = torch.rand(1, 3, 11, 13)
    with torch.no_grad():
        expected = model(image)
    del model, geometry
    gc.collect()
    assert all(ref() is not None for ref in held)
    assert torch.equal(graph(image), expected)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_training_with_a_graph_is_training(tmp_path, stand_in, accumulate):
    store = training_runs.make_store(tmp_path)
    settings = training_runs.config(store, steps=6, accumulate=accumulate)
    train(settings, tmp_path / "plain", device="cpu")
    assert stand_in == []
    train(settings.replace(cuda_graph=True), tmp_path / "graph", device="cpu")
    assert len(stand_in) == 1
    plain, graph = (load(tmp_path / name / "last.safetensors").state_dict() for name in ("plain", "graph"))
    assert all(torch.equal(plain[name], graph[name]) for name in plain)


def test_training_with_a_graph_needs_a_gpu(tmp_path):
    store = training_runs.make_store(tmp_path)
    with pytest.raises(ValueError, match="a CUDA graph needs a GPU"):
        train(training_runs.config(store, cuda_graph=True), tmp_path / "run", device="cpu")
    with pytest.raises(ValueError, match="cuda_graph must be True or False, got 1"):
        TrainConfig(network=training_runs.network(), store="x", cuda_graph=1)


def test_several_processes_cannot_record():
    class Two:
        world_size = 2

    with pytest.raises(ValueError, match="cuda_graph needs a single process, got 2"):
        step_module.record_gradients(Two(), None, [])


def check_compiled(backend, device):
    model = SAT(SMALL).eval().to(device)
    whole = compiled(model, torch.empty(1, 3, 12, 16, device=device), backend=backend)
    with torch.no_grad():
        for seed in range(2):
            x = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(seed)).to(device)
            torch.testing.assert_close(whole(x), model(x), rtol=1e-5, atol=1e-5)
        model.head.weight.mul_(2)  # the weights are shared
        torch.testing.assert_close(whole(x), model(x), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's own, while it compiles
def test_the_whole_network_compiles_without_a_break_and_computes_the_same():
    check_compiled("aot_eager", torch.device("cpu"))


def test_a_compiled_network_is_for_one_size_and_for_eval_mode():
    model = SAT(SMALL)
    with pytest.raises(ValueError, match="call eval"):
        compiled(model, torch.empty(1, 3, 12, 16))
    with pytest.raises(ValueError, match=r"compiled for \(1, 3, 12, 16\), got \(1, 3, 16, 12\)"):
        compiled(model.eval(), torch.empty(1, 3, 12, 16))(torch.empty(1, 3, 16, 12))


@needs_gpu
@pytest.mark.filterwarnings("ignore")  # torch's own, while it compiles
def test_a_network_compiled_by_inductor_on_a_gpu():
    check_compiled("inductor", torch.device("cuda"))


@needs_gpu
def test_a_recorded_forward_pass_on_a_gpu():
    model = SAT(SMALL).eval().cuda()
    graph = forward_graph(model, torch.rand(1, 3, 24, 40))
    for _ in range(3):
        image = torch.rand(1, 3, 24, 40)
        with torch.no_grad():
            torch.testing.assert_close(graph(image), model(image.cuda()), rtol=1e-4, atol=1e-4)


@needs_gpu
def test_recorded_training_on_a_gpu(tmp_path):
    store = training_runs.make_store(tmp_path)
    weights = []
    for cuda_graph in (False, True):
        out = tmp_path / str(cuda_graph)
        train(training_runs.config(store, steps=6, cuda_graph=cuda_graph), out, device="cuda")
        weights.append(torch.load(out / "checkpoints" / "step-00000006.pt", map_location="cpu")["model"])
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=1e-3, atol=1e-4)
