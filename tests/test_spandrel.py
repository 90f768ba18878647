"""SAT in spandrel's registry, against the real spandrel where it is installed."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from released_tensors import released_tensors
from safetensors.torch import load_file, save_file

from satlib import SAT, SATConfig, load, save
from satlib.spandrel import describe, holds_sat, install
from satlib.upscaling.other_networks import import_spandrel, load_foreign
from satlib.weights.tensors import CONFIG_TENSOR, pack_config, unpack_config

ROOT = Path(__file__).parents[1]
OURS = SATConfig.preset("sat-tiny", scale=3, groups=(1, 2), keep_ratio=0.2, seed=5)
RELEASED = SATConfig.preset(
    "sat-released", scale=2, channels=32, heads=4, groups=(2, 2), window=(4, 8), upsampler_channels=8
)
LIGHT = RELEASED.replace(upsampler="onestep", qkv_bias=False)
HAS_SPANDREL = importlib.util.find_spec("spandrel") is not None and importlib.util.find_spec("torchvision") is not None
needs_spandrel = pytest.mark.skipif(not HAS_SPANDREL, reason="spandrel is not installed: pip install 'satlib[peers]'")


@pytest.fixture
def spandrel(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The real library; what it loads by default is a copy of its registry, so that no other test sees SAT in it."""
    module = import_spandrel()
    loader = module.ModelLoader.__init__
    monkeypatch.setattr(module, "MAIN_REGISTRY", module.MAIN_REGISTRY.copy())
    monkeypatch.setattr(loader, "__defaults__", (None, module.MAIN_REGISTRY))
    return module


def write(folder: Path, kind: str) -> Path:
    """Write one of the kinds of files that people have."""
    path = folder / f"{kind}.{'pth' if kind.endswith('pth') else 'safetensors'}"
    config = LIGHT if "light" in kind else RELEASED
    tensors = {name: tensor.contiguous() for name, tensor in released_tensors(config, torch.float32).items()}
    if kind == "ours":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            save(SAT(OURS), path)
    elif kind == "wrapped pth":
        torch.save({"params_ema": {f"module.{name}": tensor for name, tensor in tensors.items()}}, path)
    elif path.suffix == ".pth":
        torch.save({"params": tensors}, path)
    else:
        save_file(tensors, path)
    return path


def image() -> torch.Tensor:
    return torch.rand(1, 3, 13, 17, generator=torch.Generator().manual_seed(0))


def read(spandrel: ModuleType, path: Path) -> object:
    with torch.random.fork_rng(devices=[]):
        return spandrel.ModelLoader().load_from_file(path)


@pytest.mark.parametrize(
    ("options", "purpose"), [({}, "SR"), ({"scale": 1}, "Restoration"), ({"in_channels": 1}, "SR")]
)
def test_a_network_is_described_as_what_it_is(options: dict[str, int], purpose: str) -> None:
    """Against a stand-in for the two names of spandrel that are used."""
    model = SAT(OURS.replace(**options))
    stand_in = ModuleType("spandrel")
    stand_in.ImageModelDescriptor = lambda built, weights, **said: said
    stand_in.ModelTiling = SimpleNamespace(DISCOURAGED="discouraged")
    said = describe({**model.state_dict(), CONFIG_TENSOR: pack_config(model.config)}, spandrel=stand_in, architecture=0)
    assert (said["purpose"], said["scale"]) == (purpose, model.scale)
    assert said["input_channels"] == said["output_channels"] == model.in_channels


# With spandrel -------------------------------------------------------------------------------------------------------


@needs_spandrel
@pytest.mark.filterwarnings("ignore")  # of torch, about the ways in which spandrel loads
@pytest.mark.parametrize("kind", ["ours", "released", "pth", "wrapped pth", "light", "light pth"])
def test_files_of_every_kind_compute_through_spandrel_what_load_computes(
    tmp_path: Path, spandrel: ModuleType, kind: str
) -> None:
    install()
    path = write(tmp_path, kind)
    found, expected = read(spandrel, path), load(path)
    assert isinstance(found, spandrel.ImageModelDescriptor) and isinstance(found.model, SAT)
    assert (found.architecture.id, found.scale, found.purpose) == ("SAT", expected.scale, "SR")
    assert found.model.config == expected.config and not found.model.training
    with torch.no_grad():
        assert torch.equal(found(image()), expected(image()).clamp(0, 1))


@needs_spandrel
@pytest.mark.filterwarnings("ignore")
def test_a_network_of_ours_says_what_it_can_do(tmp_path: Path, spandrel: ModuleType) -> None:
    install()
    found = read(spandrel, write(tmp_path, "ours"))
    assert found.tiling is spandrel.ModelTiling.DISCOURAGED and found.size_requirements.none
    assert found(torch.rand(1, 3, 1, 1)).shape == (1, 3, 3, 3)
    with pytest.raises(spandrel.UnsupportedDtypeError):
        found.half()
    exact = found(image())
    narrow = found.bfloat16()(image().bfloat16()).float()
    assert 0 < (narrow - exact).square().mean() < 1e-4  # 40 dB


@needs_spandrel
def test_sat_is_asked_before_rgt_and_only_once(spandrel: ModuleType) -> None:
    before = [support.architecture.id for support in spandrel.MAIN_REGISTRY]
    install()
    install()
    order = [support.architecture.id for support in spandrel.MAIN_REGISTRY.architectures("detection")]
    assert sorted(order) == sorted([*before, "SAT"]) and order.index("SAT") == order.index("RGT") - 1
    for config in (RELEASED, LIGHT):
        claiming = [s.architecture.id for s in spandrel.MAIN_REGISTRY if s.detect(released_tensors(config))]
        assert [name for name in order if name in claiming][0] == "SAT"


@needs_spandrel
@pytest.mark.filterwarnings("ignore:torch.meshgrid")
def test_files_of_rgt_stay_those_of_rgt(spandrel: ModuleType) -> None:
    install()
    rgt = type(spandrel.MAIN_REGISTRY["RGT"].architecture).__init__.__globals__["RGT"]
    with torch.random.fork_rng(devices=[]):
        state = rgt(embed_dim=36, depth=[2, 2], num_heads=[2, 2], split_size=[8, 8], upscale=2).state_dict()
    assert not holds_sat(state)
    assert spandrel.MAIN_REGISTRY.load(state).architecture.id == "RGT"


@needs_spandrel
@pytest.mark.filterwarnings("ignore")
def test_spandrel_alone_does_not_read_sat(tmp_path: Path, spandrel: ModuleType) -> None:
    """Pinned, so that we notice when spandrel learns it: RGT claims the authors' files, nobody the others."""
    with pytest.raises(KeyError, match=r"layers\.0\.blocks\.1\.attn\.conv\.weight"):
        read(spandrel, write(tmp_path, "pth"))
    for kind in ("ours", "light"):
        with pytest.raises(spandrel.UnsupportedModelError):
            read(spandrel, write(tmp_path, kind))


@needs_spandrel
def test_a_registry_of_ones_own_and_one_with_another_sat(spandrel: ModuleType) -> None:
    own = spandrel.ArchRegistry()
    install(own)
    assert "SAT" in own and "SAT" not in spandrel.MAIN_REGISTRY
    other = spandrel.ArchRegistry()
    rgt = type(spandrel.MAIN_REGISTRY["RGT"].architecture)()
    rgt._id = "SAT"
    other.add(spandrel.ArchSupport.from_architecture(rgt))
    with pytest.raises(ValueError, match="has another architecture that is called 'SAT'"):
        install(other)


@needs_spandrel
@pytest.mark.filterwarnings("ignore")
def test_what_is_wrong_with_a_file_is_said_through_spandrel(tmp_path: Path, spandrel: ModuleType) -> None:
    install()
    path = write(tmp_path, "ours")
    state = load_file(path)
    for damaged, message in (
        ({**state, CONFIG_TENSOR: state[CONFIG_TENSOR][:-3]}, "unusable configuration, the tensor satlib_config"),
        ({**state, CONFIG_TENSOR: torch.zeros(2, 2)}, "it is no text"),
        ({**state, "head.bias": torch.zeros(1)}, "do not fit the configuration: head.bias"),
    ):
        save_file(damaged, path)
        with pytest.raises(ValueError, match=message):
            read(spandrel, path)
        with pytest.raises(ValueError, match=f"{path.name} cannot be read as a network: the .*{message}"):
            load_foreign(path)


# Without spandrel ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_module_needs_no_spandrel_until_it_is_installed_into() -> None:
    code = (
        "import sys, importlib.util; sys.modules['spandrel'] = None; find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'spandrel' else find(name, *rest)\n"
        "import satlib.spandrel as ours\n"
        "try: ours.install()\nexcept OSError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip().endswith("pip install 'satlib[peers]'")


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.float32, torch.int64])
def test_a_configuration_survives_as_a_tensor_of_any_dtype(dtype: torch.dtype) -> None:
    assert unpack_config(pack_config(OURS).to(dtype)) == OURS


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.zeros(2, 2), r"it is no text: \(2, 2\), float32"),
        (torch.tensor(3), r"it is no text: \(\), int64"),
        (torch.tensor([123.5]), "it is no text"),
        (torch.tensor([300]), "it is no text"),
        (torch.tensor([float("nan")]), "it is no text"),
        (torch.tensor([], dtype=torch.uint8), "Expecting value"),
        (torch.tensor([123, 255], dtype=torch.uint8), "decode"),
        (pack_config(OURS)[:-1], "delimiter"),
    ],
)
def test_a_damaged_configuration_is_refused_in_one_line(tensor: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        unpack_config(tensor)
    assert "\n" not in str(error.value)


def test_a_file_that_lost_its_header_loads_and_one_that_lost_the_tensor_too(tmp_path: Path) -> None:
    path = write(tmp_path, "ours")
    expected, state = load(path), load_file(path)
    save_file(state, tmp_path / "bare.safetensors")
    torch.save({"params": {f"module.{name}": tensor for name, tensor in state.items()}}, tmp_path / "bare.pth")
    for name in ("bare.safetensors", "bare.pth"):
        found = load(tmp_path / name)
        assert found.config == OURS
        assert all(torch.equal(a, b) for a, b in zip(found.parameters(), expected.parameters(), strict=True))
    save_file({**state, CONFIG_TENSOR: torch.zeros(3)}, tmp_path / "bare.safetensors")
    with pytest.raises(ValueError, match=r"bare.safetensors has an unusable configuration, the tensor satlib_config"):
        load(tmp_path / "bare.safetensors")
    assert CONFIG_TENSOR not in load_file(ROOT / "satlib/weights/sat-tiny-x2.safetensors"), "an old file, which loads"
    assert load("sat-tiny-x2").scale == 2


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        (released_tensors(RELEASED), True),
        (released_tensors(LIGHT), True),
        ({CONFIG_TENSOR: torch.zeros(1)}, True),
        ({}, False),
        (SAT(OURS).state_dict(), False),
        ({**released_tensors(RELEASED), "layers.0.blocks.1.attn.conv.weight": torch.zeros(1)}, False),
    ],
    ids=["classic", "light", "ours", "nothing", "ours without a configuration", "RGT"],
)
def test_what_is_a_sat(tensors: dict[str, torch.Tensor], expected: bool) -> None:
    assert holds_sat(tensors) is expected
    assert holds_sat({f"_orig_mod.{name}": tensor for name, tensor in tensors.items()}) is expected
