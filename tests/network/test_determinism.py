"""The same image, the same result: alone, in a batch, again, in another network of the same seed; and what may vary."""

import copy

import pytest
import torch

from satlib import SAT, SATConfig, load, save, trace

SMALL = SATConfig(
    scale=2, channels=16, heads=2, groups=(2, 1), window=(2, 4), gate_kernel=3, upsampler_channels=4, keep_ratio=0.1
)


def network(**overrides):
    torch.manual_seed(0)
    return SAT(SMALL.replace(**overrides))


@pytest.mark.parametrize("sampling", ["stratified", "strips", "grid", "random"])
def test_the_same_image_twice_is_bit_equal(sampling):
    model, x = network(sampling=sampling).eval(), torch.rand(2, 3, 17, 23)
    with torch.no_grad():
        first = model(x)
        torch.rand(5)
        assert torch.equal(model(x), first)
        assert torch.equal(model(torch.cat([x[:1], x[:1]]))[0], model(torch.cat([x[:1], x[:1]]))[1])


@pytest.fixture
def default_float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("sampling", ["stratified", "strips", "random"])
def test_torchs_default_dtype_changes_no_sample(sampling, request):
    x = torch.rand(1, 3, 17, 23)
    with torch.no_grad():
        model = network(sampling=sampling).eval()
        samples, first = [layer.aggregation.sample for layer in trace(model, x)], model(x)
        request.getfixturevalue("default_float64")
        twin = copy.deepcopy(model)  # without what it keeps of sizes
        assert all(map(torch.equal, samples, [layer.aggregation.sample for layer in trace(twin, x)]))
        assert torch.equal(twin(x), first)


@pytest.mark.parametrize("training", [False, True])
def test_a_network_that_is_built_in_float64_runs_in_it(training, default_float64):
    model, x = network(drop_path=0.0).train(training), torch.rand(1, 3, 17, 23)
    torch.manual_seed(1)
    out = model(x)
    torch.manual_seed(1)
    assert out.dtype == torch.float64
    torch.testing.assert_close(out, copy.deepcopy(model).float().double()(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (17, 23), (32, 40)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_alone_or_in_a_batch(size, dtype):
    model, x = network().eval().to(dtype), torch.rand(5, 3, *size).to(dtype)
    with torch.no_grad():
        together = model(x)
        for i in range(5):
            assert (model(x[i : i + 1])[0] - together[i]).abs().max() <= 1e-6


@pytest.mark.parametrize("preset", ["sat-tiny", "sat-light"])
def test_alone_or_in_a_batch_with_the_presets(preset):
    model, x = SAT(SATConfig.preset(preset, scale=2, groups=(1, 1))).eval(), torch.rand(3, 3, 32, 24)
    with torch.no_grad():
        assert (model(x[1:2])[0] - model(x)[1]).abs().max() <= 1e-6


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 5e-4)])
@pytest.mark.parametrize("gray", [0.0, 0.5])
def test_flat_images_alone_or_in_a_batch(gray, dtype, tolerance):
    """All comparisons are ties here, which rounding must not decide.

    In float32 the layers' rounding, which depends on the size of the batch, grows beyond what counts as a tie.
    """
    model = SAT(SATConfig.preset("sat-tiny", scale=2)).eval().to(dtype)
    x = torch.full((3, 48, 48), gray, dtype=dtype)
    others = torch.rand(3, 3, 48, 48, dtype=dtype)
    with torch.no_grad():
        alone, together = model(x.unsqueeze(0))[0], model(torch.cat((others[:1], x[None], others[1:])))[1]
    assert (alone - together).abs().max() <= tolerance


def test_the_seed_of_the_configuration_chooses_the_sample():
    x = torch.rand(1, 3, 17, 23)
    with torch.no_grad():
        a, b, c = (network(seed=seed).eval()(x) for seed in (0, 0, 1))
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_the_global_generator_is_left_alone(tmp_path):
    model, x = network().eval(), torch.rand(2, 3, 17, 23)
    state = torch.get_rng_state()
    with torch.no_grad():
        model(x)
    trace(model, x[:1])
    save(model, tmp_path / "a.safetensors")
    load(tmp_path / "a.safetensors")
    assert torch.equal(torch.get_rng_state(), state)


def test_eval_does_not_depend_on_the_global_generator():
    model, x = network().eval(), torch.rand(1, 3, 17, 23)
    outputs = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        with torch.no_grad():
            outputs.append(model(x))
    assert torch.equal(*outputs)


@pytest.mark.parametrize("sampling", ["stratified", "strips", "random"])
def test_in_training_each_image_and_each_layer_draws_its_own_sample(sampling):
    model = network(sampling=sampling, drop_path=0.0).train()
    x = torch.rand(1, 3, 12, 12).expand(6, -1, -1, -1)
    samples = [layer.aggregation.sample for layer in model.layers(x)]
    rows = [tuple(row) for sample in samples for row in sample.tolist()]
    assert len(samples) == 3 and len(set(rows)) == 18


def test_in_training_the_draw_changes_from_step_to_step():
    model, x = network(drop_path=0.0).train(), torch.rand(2, 3, 12, 12)
    with torch.no_grad():
        assert not torch.equal(model(x), model(x))


def test_a_seeded_training_run_repeats():
    def run():
        torch.manual_seed(4)
        model = SAT(SMALL.replace(drop_path=0.3))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        for _ in range(3):
            optimizer.zero_grad()
            (model(torch.rand(2, 3, 9, 11)) - 0.5).abs().mean().backward()
            optimizer.step()
        return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    first = run()
    torch.rand(7)
    assert torch.equal(run(), first)
