"""Networks in files: ours there and back, the authors' read, and anything else refused in one line that says why."""

import errno
import json
import os
import pickle
import re
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
import torch.nn.utils.prune
from released_tensors import released_tensors
from safetensors.torch import load_file, save_file

import satlib.weights.checkpoint
from satlib import SAT, SATConfig, __version__, dta, load, save

SMALL = SATConfig(
    scale=2, channels=32, heads=2, groups=(2, 1), window=(2, 4), gate_kernel=3, upsampler_channels=4, keep_ratio=0.1
)
RELEASED = SATConfig.preset(
    "sat-released", scale=2, channels=32, heads=4, groups=(2, 2), window=(4, 8), upsampler_channels=8
)
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "released.json").read_text())


def refusal(path, kind=ValueError, **overrides):
    """Load what cannot be loaded, and return the message after checking that it is one line."""
    with pytest.raises(kind) as error:
        load(path, **overrides)
    assert type(error.value) is kind
    message = str(error.value)
    assert message and "\n" not in message and len(message) < 500
    return message


# Ours ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("overrides", [{}, {"upsampler": "onestep", "scale": 3, "qkv_bias": False}], ids=str)
def test_saved_networks_come_back_bit_equal(tmp_path, dtype, overrides):
    model, x = SAT(SMALL.replace(**overrides, seed=3)).eval().to(dtype), torch.rand(1, 3, 7, 9).to(dtype)
    save(model.train(), tmp_path / "a.safetensors")
    again = load(tmp_path / "a.safetensors")
    assert again.config == model.config and not again.training
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value) and again.state_dict()[name].dtype == dtype
    with torch.no_grad():
        assert torch.equal(again(x), model.eval()(x))


def test_the_header_holds_configuration_and_version(tmp_path):
    save(SAT(SMALL), str(tmp_path / "a.safetensors"))
    with satlib.weights.checkpoint.safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        header = file.metadata()
    assert header["version"] == __version__
    assert SATConfig.from_dict(json.loads(header["config"])) == SMALL
    assert set(load_file(tmp_path / "a.safetensors")) == {*SAT(SMALL).state_dict(), "satlib_config"}


def test_overrides_change_the_function_and_not_the_weights(tmp_path):
    save(SAT(SMALL), tmp_path / "a.safetensors")
    plain, changed = (load(tmp_path / "a.safetensors", **o) for o in ({}, {"keep_ratio": 0.5, "sampling": "random"}))
    assert changed.config == SMALL.replace(keep_ratio=0.5, sampling="random")
    assert all(torch.equal(changed.state_dict()[n], v) for n, v in plain.state_dict().items())
    assert "unknown SATConfig field 'keep'" in refusal(tmp_path / "a.safetensors", keep=0.5)
    assert "keep_ratio must be" in refusal(tmp_path / "a.safetensors", keep_ratio=2)
    message = refusal(tmp_path / "a.safetensors", gate_kernel=5)
    assert re.search(
        r"do not fit the configuration: .*gate.weight is \(32, 1, 3, 3\), not \(32, 1, 5, 5\) \(and 5 more\)", message
    )
    assert "is missing" in refusal(tmp_path / "a.safetensors", groups=(2, 2))
    assert "is not part of the network" in refusal(tmp_path / "a.safetensors", groups=(1, 1))


def test_loading_leaves_the_file_alone_and_saving_replaces_it(tmp_path):
    path = tmp_path / "a.safetensors"
    save(SAT(SMALL), path)
    content = path.read_bytes()
    load(path)
    assert path.read_bytes() == content
    save(SAT(SMALL.replace(scale=3)), path)
    assert load(path).config.scale == 3 and [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError, MemoryError])
def test_an_interrupted_save_leaves_nothing_or_what_was_there(tmp_path, monkeypatch, interruption):
    def write_half(path, content):
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise interruption

    path = tmp_path / "a.safetensors"
    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(interruption):
        save(SAT(SMALL), path)
    assert list(tmp_path.iterdir()) == []
    path.write_text("old")
    with pytest.raises(interruption):
        save(SAT(SMALL), path)
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_saving_to_a_bad_place_is_refused(tmp_path):
    with pytest.raises(ValueError, match="networks are saved as .safetensors, got '.*a.pth'"):
        save(SAT(SMALL), tmp_path / "a.pth")
    with pytest.raises(FileNotFoundError, match="no_folder does not exist"):
        save(SAT(SMALL), tmp_path / "no_folder" / "a.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        save(SAT(SMALL), tmp_path / "folder.safetensors")


def test_a_truncated_file_is_called_damaged_wherever_it_was_cut(tmp_path):
    path = tmp_path / "a.safetensors"
    save(SAT(SMALL), path)
    content = path.read_bytes()
    for length in [0, 1, 7, 8, 9, 100, 1000, len(content) // 2, len(content) - 4, len(content) - 1]:
        path.write_bytes(content[:length])
        assert f"{path} is damaged or is not a safetensors file" in refusal(path)
    path.write_bytes(b"\xff" * 1000)
    assert "is damaged or is not a safetensors file" in refusal(path)


def test_a_foreign_safetensors_file_is_called_foreign(tmp_path):
    path = tmp_path / "a.safetensors"
    for header in (None, {"format": "pt"}, {"format": "satlib"}, {"config": "{}"}):
        save_file({"x": torch.zeros(3)}, path, metadata=header)
        assert f"{path} was not written by satlib" in refusal(path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{}", "scale is missing"),
        ("[]", "scale is missing"),
        ("null", ""),
        ("7", ""),
        ("{", ""),
        ('{"scale": 5}', "scale must be one of 1, 2, 3, 4, 8, got 5"),
        ('{"scale": 4, "depth": 3}', "unknown SATConfig field 'depth'"),
    ],
)
def test_an_unusable_configuration_is_said_with_its_version(tmp_path, config, message):
    path = tmp_path / "a.safetensors"
    save_file({"x": torch.zeros(3)}, path, metadata={"format": "satlib", "version": "9.9", "config": config})
    assert re.search(rf"unusable configuration \(satlib 9\.9\): .*{message}", refusal(path))


def test_weights_that_do_not_fit_are_counted(tmp_path):
    path, model = tmp_path / "a.safetensors", SAT(SMALL)
    state = {**model.state_dict(), "extra": torch.zeros(1)}
    del state["head.bias"]
    save_file(state, path, metadata={"format": "satlib", "config": json.dumps(SMALL.to_dict())})
    assert "do not fit the configuration: head.bias is missing (and 1 more)" in refusal(path)


# Names --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sat-x4", "sat-light-x2", "sat-tiny-x8", "sat-released-x3"])
def test_a_network_that_is_not_bundled_says_how_to_build_it(name, monkeypatch, tmp_path):
    monkeypatch.setattr(satlib.weights.checkpoint, "bundled", lambda name: tmp_path / f"{name}.safetensors")
    preset, scale = name.rsplit("-x", 1)
    message = refusal(name, FileNotFoundError)
    assert name in message and f"SAT(SATConfig.preset({preset!r}, scale={scale}))" in message
    save(SAT(SMALL), tmp_path / f"{name}.safetensors")
    assert load(name).config == SMALL


@pytest.mark.parametrize(
    "name", ["sat", "sat-x5", "sat-huge-x4", "sat-tiny-x", "", "a.bin", "a.onnx", "-x4", "sat-tiny-x04"]
)
def test_an_unknown_name_is_told_what_is_known(name):
    message = refusal(name)
    assert f"unknown model {name!r}" in message and "sat-light" in message and "2, 3, 4, 8" in message


def test_a_missing_file_and_a_folder(tmp_path):
    for suffix in ("safetensors", "pth"):
        assert "no such file" in refusal(tmp_path / f"none.{suffix}", FileNotFoundError)
        (tmp_path / f"folder.{suffix}").mkdir()
        with pytest.raises((OSError, ValueError)):
            load(tmp_path / f"folder.{suffix}")
    assert "unknown model" in refusal(tmp_path)


# The authors' -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "overrides",
    [
        {"scale": 2},
        {"scale": 3},
        {"scale": 4},
        {"scale": 8},
        {"window": (8, 8)},
        {"window": (16, 4)},
        {"channels": 64, "heads": 8, "qk_ratio": 0.25},
        {"qk_ratio": 1.0},
        {"qk_ratio": 1.5, "mlp_ratio": 1.5},
        {"channels": 60, "heads": 6, "qk_ratio": 0.3, "mlp_ratio": 2.1},
        {"groups": (1, 3, 2)},
        {"gate_kernel": 7},
        {"qkv_bias": False},
        {"in_channels": 1},
        {"in_channels": 4, "upsampler": "onestep"},
        {"upsampler": "onestep", "scale": 2},
        {"upsampler": "onestep", "scale": 3},
        {"upsampler": "onestep", "scale": 4, "upsampler_channels": 64, "qkv_bias": False},
    ],
    ids=str,
)
def test_the_configuration_is_read_off_the_authors_tensors(tmp_path, overrides):
    config = RELEASED.replace(**overrides)
    torch.save({"params": released_tensors(config, torch.float32)}, tmp_path / "a.pth")
    found = load(tmp_path / "a.pth").config
    assert (found.qk_channels, found.hidden_channels) == (config.qk_channels, config.hidden_channels)
    assert found.replace(qk_ratio=config.qk_ratio, mlp_ratio=config.mlp_ratio) == config


def test_every_way_to_wrap_the_tensors(tmp_path):
    tensors = released_tensors(RELEASED)
    other = {name: torch.zeros_like(value) for name, value in tensors.items()}
    module = OrderedDict((f"module.{name}", value) for name, value in tensors.items())
    x, outputs = torch.rand(1, 3, 8, 8, dtype=torch.float64), []
    for content in (
        tensors,
        {"params": tensors},
        {"params_ema": tensors},
        {"params": other, "params_ema": tensors},
        {"params_ema": module},
        module,
        {"params": module, "iter": 5},
    ):
        torch.save(content, tmp_path / "a.pth")
        model = load(tmp_path / "a.pth")
        assert model.config == RELEASED and next(model.parameters()).dtype == torch.float64
        with torch.no_grad():
            outputs.append(model(x))
    assert all(torch.equal(output, outputs[0]) for output in outputs)
    torch.save(tensors, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert load(tmp_path / "old.pt").config == RELEASED


def test_without_buffers_the_released_window_is_assumed(tmp_path):
    torch.save({n: v for n, v in released_tensors(RELEASED).items() if "rpe_biases" not in n}, tmp_path / "a.pth")
    assert load(tmp_path / "a.pth").config == RELEASED.replace(window=(8, 32))
    assert load(tmp_path / "a.pth", window=(4, 8)).config == RELEASED


def test_half_precision_becomes_single(tmp_path):
    torch.save(released_tensors(RELEASED, torch.float16), tmp_path / "a.pth")
    assert {p.dtype for p in load(tmp_path / "a.pth").parameters()} == {torch.float32}


def test_a_released_network_can_be_saved_as_ours(tmp_path):
    torch.save({"params": released_tensors(RELEASED)}, tmp_path / "a.pth")
    model, x = load(tmp_path / "a.pth"), torch.rand(1, 3, 6, 9, dtype=torch.float64)
    save(model, tmp_path / "a.safetensors")
    with torch.no_grad():
        assert torch.equal(load(tmp_path / "a.safetensors")(x), model(x))


@pytest.mark.parametrize(
    "name", ["conv_first.weight", "norm.bias", "layers.0.blocks.1.attn.q.weight", "conv_last.bias"]
)
def test_a_missing_or_extra_or_misshapen_tensor_is_named(tmp_path, name):
    path, tensors = tmp_path / "a.pth", released_tensors(RELEASED)
    torch.save({n: v for n, v in tensors.items() if n != name}, path)
    refusal(path)
    torch.save({**tensors, "surprise.weight": torch.zeros(1)}, path)
    assert "surprise.weight is not part of the network" in refusal(path)
    for shape in ((), (1,), (7, 5), (2, 3, 4, 5, 6)):
        torch.save({**tensors, name: torch.zeros(shape)}, path)
        refusal(path)


@pytest.mark.parametrize("upsampler", ["classic", "onestep"])
def test_released_networks_of_scale_1_are_refused(tmp_path, upsampler):
    """They differ from ours: in what the last convolution is added to."""
    tensors = released_tensors(RELEASED.replace(upsampler=upsampler, scale=2))
    if upsampler == "classic":
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("upsample.")}
    else:
        tensors["upsample_lightweight.0.weight"] = tensors["upsample_lightweight.0.weight"][:3]
    torch.save(tensors, tmp_path / "a.pth")
    assert "its scale is 1, where the authors' network adds the mean colour and ours its input" in refusal(
        tmp_path / "a.pth"
    )


def test_an_odd_number_of_blocks_is_refused(tmp_path):
    tensors = {n: v for n, v in released_tensors(RELEASED).items() if not n.startswith("layers.1.blocks.3.")}
    torch.save(tensors, tmp_path / "a.pth")
    assert "group 1 has 3 blocks; they come in pairs" in refusal(tmp_path / "a.pth")


@pytest.mark.parametrize(
    "content", [[torch.zeros(3)], torch.zeros(3), {"a": 5}, {"params": 5}, 7, "text", None, {}], ids=repr
)
def test_other_contents_are_foreign(tmp_path, content):
    torch.save(content, tmp_path / "a.pth")
    assert "is not a SAT checkpoint" in refusal(tmp_path / "a.pth")


def test_pickled_objects_are_never_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    for name, write in (("a.pth", torch.save), ("b.pth", lambda o, path: path.write_bytes(pickle.dumps(o)))):
        write({"params": Trap()}, tmp_path / name)
        assert "holds more than tensors and is not opened" in refusal(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_checkpoint_is_called_damaged_wherever_it_was_cut(tmp_path, zipped):
    path = tmp_path / "a.pth"
    torch.save({"params": released_tensors(RELEASED)}, path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    for length in [0, 1, 2, 5, 10, 50, 100, 1000, len(content) // 2, len(content) - 30, len(content) - 1]:
        path.write_bytes(content[:length])
        assert f"{path} is damaged" in refusal(path)


@pytest.mark.parametrize(
    "content",
    [
        b"0",
        b"a",
        b"(",
        b"h\x00",
        b"\x80\x02q\x24",
        b"\x85\xf3",
        b"RL\xeb",
        b"X\x04\x00\x00\x00\xff\xff\xff\xff.",
        b"hello",
        b"\x89PNG\r\n\x1a\n",
        b"<html>404</html>",
        b"\x00" * 64,
        b"\xff" * 64,
        b"}",
        b"G\x00",
        b"\x80\x02}q\x00.",
    ],
    ids=repr,
)
def test_any_bytes_are_refused_in_one_line(tmp_path, content):
    (tmp_path / "a.pth").write_bytes(content)
    assert str(tmp_path / "a.pth") in refusal(tmp_path / "a.pth")


# Golden: the outputs of the authors' own code -----------------------------------------------------------------------


@pytest.mark.parametrize("case", GOLDEN["networks"], ids=lambda case: case["name"])
def test_released_networks_compute_what_the_authors_code_computed(tmp_path, case):
    """Their code with S = N (so that it draws nothing) and no noise on the densities; made-up weights, float64.

    Each case lists values of the output at positions spread over it, and the sums that no other output shares.
    """
    config = SATConfig.from_dict(case["config"])
    torch.save({"params": released_tensors(config)}, tmp_path / "a.pth")
    model = load(tmp_path / "a.pth", keep_ratio=config.keep_ratio, subsample=config.subsample)
    assert model.config.replace(qk_ratio=config.qk_ratio, mlp_ratio=config.mlp_ratio) == config
    with torch.no_grad():
        out = model(golden_image(case["size"])).flatten()
    expected = torch.tensor(case["values"], dtype=torch.float64)
    assert (out[case["positions"]] - expected).abs().max() <= 1e-10 * expected.abs().max()
    assert abs(out.sum().item() - case["sum"]) <= 1e-10 * out.abs().sum().item()
    assert abs(out.norm().item() - case["norm"]) <= 1e-10 * case["norm"]


@pytest.mark.parametrize("case", GOLDEN["aggregations"], ids=lambda case: case["name"])
def test_aggregation_computes_what_the_authors_code_computed(case):
    x = golden_tokens(case["n_tokens"], case["channels"])
    got = dta.aggregate(
        x,
        case["n_centers"],
        sample=torch.tensor(case["sample"]),
        neighbors=1.0,
        aggregation="mean",
        norm_restoration=case["norm_restoration"],
    )
    expected = torch.tensor(case["tokens"], dtype=torch.float64)
    assert (got.tokens[0] - expected).abs().max() <= 1e-10 * expected.abs().max()


def golden_image(size):
    position = torch.arange(3 * size[0] * size[1], dtype=torch.int64)
    return ((position * 7919 + position**2 * 31) % 257).double().view(1, 3, *size) / 256


def golden_tokens(n_tokens, channels):
    position = torch.arange(n_tokens * channels, dtype=torch.int64)
    return ((position * 7919 + position**2 * 37) % 509).double().view(1, n_tokens, channels) / 256 - 0.9


# What people report -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_named(tmp_path, value):
    model = SAT(SMALL)
    model.groups[0].blocks[1].mlp.reduce.weight.data[0, 0] = value
    save(model, tmp_path / "a.safetensors")
    message = refusal(tmp_path / "a.safetensors")
    assert message.endswith("are not finite: groups.0.blocks.1.mlp.reduce.weight has NaN or infinite values")
    assert str(tmp_path / "a.safetensors") in message


def test_the_same_network_gives_the_same_bytes(tmp_path):
    model = SAT(SMALL)
    contents = set()
    for _ in range(16):
        save(model, tmp_path / "a.safetensors")
        contents.add((tmp_path / "a.safetensors").read_bytes())
    assert len(contents) == 1
    save(load(tmp_path / "a.safetensors"), tmp_path / "b.safetensors")
    assert (tmp_path / "b.safetensors").read_bytes() in contents


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_of_wrapped_networks_are_read_from_both_kinds_of_files(tmp_path, prefix, suffix):
    tensors = released_tensors(RELEASED, torch.float32)
    named = {prefix + name: tensor.clone().contiguous() for name, tensor in tensors.items()}
    path = tmp_path / f"a{suffix}"
    if suffix == ".pth":
        torch.save({"params": named}, path)
    else:
        save_file(named, path)
    torch.save({"params": tensors}, tmp_path / "expected.pth")
    found, expected = load(path), load(tmp_path / "expected.pth")
    assert found.config == expected.config
    assert all(torch.equal(a, b) for a, b in zip(found.parameters(), expected.parameters(), strict=True))


def test_a_full_disk_names_the_file_and_leaves_nothing(tmp_path, monkeypatch):
    def full(path, content):
        path.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # of an open file, so that it has no name

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*/a\.safetensors'$"):
        save(SAT(SMALL), tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save(SAT(SMALL), "~/a.safetensors")
    assert (tmp_path / "a.safetensors").is_file() and load("~/a.safetensors").config == SMALL


def test_a_network_without_values_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match=r"^the network has no values to save: \S+ is on the device 'meta'$"):
        save(SAT(SMALL).to("meta"), tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_could_not_be_loaded_is_not_saved(tmp_path):
    model, pruned = SAT(SMALL), SAT(SMALL)
    torch.nn.utils.parametrizations.weight_norm(model.head)
    torch.nn.utils.prune.l1_unstructured(pruned.head, "weight", 0.5)
    state = torch.get_rng_state()
    for network in (model, pruned):
        with pytest.raises(
            ValueError, match=r"^the network cannot be saved, .*: head.weight is missing \(and . more\)$"
        ):
            save(network, tmp_path / "a.safetensors")
    torch.nn.utils.prune.remove(pruned.head, "weight")
    assert list(tmp_path.iterdir()) == []
    save(pruned, tmp_path / "a.safetensors")
    assert torch.equal(load(tmp_path / "a.safetensors").head.weight, pruned.head.weight)
    assert torch.equal(torch.get_rng_state(), state)
