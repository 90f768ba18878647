"""Folders for the Hugging Face hub: their files, and loading them by huggingface_hub from its cache."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from typer.testing import CliRunner

from satlib import SAT, SATConfig, load, save
from satlib.commands.app import app
from satlib.export.hugging_face import model_card, write_folder
from satlib.weights import bundled_names, hub
from satlib.weights.hub import read_folder_config

ROOT = Path(__file__).parents[2]
CONFIG = SATConfig.preset("sat-tiny", scale=2, groups=(1,), seed=7)
HAS_HUB = importlib.util.find_spec("huggingface_hub") is not None
needs_hub = pytest.mark.skipif(not HAS_HUB, reason="huggingface_hub is not installed: pip install 'satlib[hub]'")


def small() -> SAT:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return SAT(CONFIG).eval()


def front_matter(card: str) -> dict[str, object]:
    return yaml.safe_load(card.split("---\n")[1])


def in_cache(home: Path, commit: str = "a" * 40) -> Path:
    """Lay a network into huggingface_hub's cache, as if it had been fetched; return its folder."""
    repo = home / "hub" / "models--some--sat"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text(commit)
    return write_folder(small(), repo / "snapshots" / commit, name="sat", repo="some/sat")


def python(code: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", **environment}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )


# The folder ----------------------------------------------------------------------------------------------------------


def test_a_folder_has_weights_configuration_and_card(tmp_path: Path) -> None:
    folder, model = write_folder(small(), tmp_path / "new", name="mine", repo="some/sat", license="mit"), small()
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    again, x = load(folder / "model.safetensors"), torch.rand(1, 3, 8, 9)
    with torch.no_grad():
        assert torch.equal(again(x), model(x))
    assert read_folder_config((folder / "config.json").read_text(), "x") == CONFIG
    card = (folder / "README.md").read_text()
    assert front_matter(card)["license"] == "mit" and 'satlib.load("hf://some/sat")' in card
    assert "Not measured" in card and "model-index" not in front_matter(card)
    with pytest.raises(FileExistsError, match=r"model.safetensors is there already"):
        write_folder(small(), folder, name="mine")


def test_a_network_in_a_wrapper_is_written_without_it(tmp_path: Path) -> None:
    folder = write_folder(torch.nn.DataParallel(small()), tmp_path / "new", name="mine")
    plain = write_folder(small(), tmp_path / "plain", name="mine")
    for file in plain.iterdir():
        assert (folder / file.name).read_bytes() == file.read_bytes()


def test_a_network_that_cannot_be_saved_leaves_no_folder(tmp_path: Path) -> None:
    model = small()
    torch.nn.utils.parametrizations.weight_norm(model.head)
    with pytest.raises(ValueError, match="cannot be saved"):
        write_folder(model, tmp_path / "new", name="mine")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("repo", ["sat", "a/b/c", "hf://a/b", "a/", "/b", "a b/c"])
def test_a_repository_is_owner_and_name(tmp_path: Path, repo: str) -> None:
    with pytest.raises(ValueError, match="is owner/name, got"):
        write_folder(small(), tmp_path / "new", name="mine", repo=repo)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", bundled_names())
def test_the_card_of_a_bundled_network_has_the_numbers_and_words_of_ours(name: str) -> None:
    ours, card = (ROOT / "MODEL_CARD.md").read_text(), model_card(load(name), name=name)
    for row in re.findall(rf"^\| x\d \| `{name}` \| (.*?) \| (.*?) \|$", ours, re.M):
        assert all(f"| {numbers} |" in card for numbers in row)
    indexed = front_matter(card)["model-index"][0]["results"]
    assert [result["dataset"]["name"] for result in indexed] == ["Set5", "Set14"]
    for title in ("Data", "Limits"):
        (section,) = re.findall(rf"^## {title}\n\n.*?(?=\n## |\Z)", ours, re.M | re.S)
        assert section.strip() in card
    assert "not by those of the paper" in card
    assert "hf://" not in card and 'satlib.load("model.safetensors")' in card, "an address is an argument"


@needs_hub
def test_the_hubs_own_library_reads_the_card() -> None:
    from huggingface_hub import ModelCard

    data = ModelCard(model_card(load("sat-tiny-x2"), name="sat-tiny-x2", license="mit")).data
    assert (data.license, data.library_name, data.pipeline_tag) == ("mit", "satlib", "image-to-image")
    assert [(r.dataset_name, r.metric_type) for r in data.eval_results][:2] == [("Set5", "psnr"), ("Set5", "ssim")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "config.json is no JSON"),
        ("[]", "was not written by satlib"),
        ('{"format": "x"}', "was not written"),
        ('{"format": "satlib", "config": {"scale": 2}, "depth": 3}', "unknown field 'depth'; the fields are config, f"),
        ('{"format": "satlib", "config": {"scale": 2, "depth": 3}}', "unusable .* unknown SATConfig field 'depth'"),
        ('{"format": "satlib"}', "unusable configuration"),
    ],
)
def test_a_configuration_that_is_none_is_refused(content: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^hf://a/b: .*{message}") as error:
        read_folder_config(content, "hf://a/b")
    assert "\n" not in str(error.value)


# The hub -------------------------------------------------------------------------------------------------------------


@needs_hub
@pytest.mark.parametrize("address", ["hf://some/sat", "hf://some/sat@main", f"hf://some/sat@{'a' * 40}"])
def test_a_network_in_the_cache_loads_offline(tmp_path: Path, address: str) -> None:
    in_cache(tmp_path)
    code = f"import satlib; m = satlib.load({address!r}, keep_ratio=0.5); print(m.config.seed, m.config.keep_ratio)"
    done = python(code, tmp_path, HF_HUB_OFFLINE="1")
    assert (done.returncode, done.stdout.split()) == (0, ["7", "0.5"]), done.stderr


@needs_hub
@pytest.mark.parametrize("environment", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:1"}])
def test_without_network_a_message_says_what_to_do(tmp_path: Path, environment: dict[str, str]) -> None:
    code = "import satlib\ntry: satlib.load('hf://some/other')\nexcept OSError as error: print(error)"
    done = python(code, tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"hf://some/other could not be had: .*; without network, or with HF_HUB_OFFLINE=1, .*\n", done.stdout
    )


@needs_hub
def test_files_that_disagree_are_refused(tmp_path: Path) -> None:
    folder = in_cache(tmp_path)
    content = json.loads((folder / "config.json").read_text())
    content["config"]["seed"] = 8
    (folder / "config.json").write_text(json.dumps(content))
    code = "import satlib\ntry: satlib.load('hf://some/sat')\nexcept ValueError as error: print(error)"
    done = python(code, tmp_path, HF_HUB_OFFLINE="1")
    assert "hf://some/sat: config.json and model.safetensors have different configurations" in done.stdout


def test_without_the_package_a_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(OSError, match=r"hf://a/b needs the package huggingface_hub; .* pip install 'satlib\[hub\]'"):
        load("hf://a/b")
    for address in ("hf://a", "hf://", "hf://a/b/c"):
        with pytest.raises(ValueError, match="is owner/name, got"):
            load(address)
    with pytest.raises(ValueError, match="names no revision"):
        load("hf://a/b@")


def test_a_repository_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hub:
        @staticmethod
        def hf_hub_download(repo: str, name: str, *, revision: str | None) -> str:
            assert (repo, name, revision) == ("a/b", "config.json", "v1")
            raise OSError("404 Client Error\nRepository Not Found")

    monkeypatch.setattr(hub, "importlib", type("", (), {"import_module": staticmethod(lambda name: Hub)}))
    with pytest.raises(OSError, match=r"^hf://a/b@v1 could not be had: 404 Client Error; check owner, name and rev.*$"):
        load("hf://a/b@v1")


# The command ---------------------------------------------------------------------------------------------------------


def export(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["export", *map(str, words)])
    return done.exit_code, done.output


def test_the_target_chooses_what_is_written(tmp_path: Path) -> None:
    assert export("sat-tiny-x2", tmp_path / "hub", "--license", "mit")[0] == 0
    assert "| 37.378 / 0.9583 |" in (tmp_path / "hub" / "README.md").read_text()
    assert export("sat-tiny-x2", tmp_path / "a.safetensors") == (0, f"{tmp_path / 'a.safetensors'}: safetensors\n")
    assert load(tmp_path / "a.safetensors").config == load("sat-tiny-x2").config
    where = ("--url", "https://example.org/a.safetensors", "--author", "me", "--date", "2026-11-26", "--license", "MIT")
    assert export(tmp_path / "a.safetensors", tmp_path / "2x-a.json", *where)[0] == 0
    entry = json.loads((tmp_path / "2x-a.json").read_text())
    assert entry["resources"][0]["size"] == (tmp_path / "a.safetensors").stat().st_size
    assert export("sat-tiny-x2", tmp_path / "some.folder", "--kind", "hugging-face")[0] == 0


def test_what_cannot_be_exported_is_told_in_one_line(tmp_path: Path) -> None:
    save(small(), tmp_path / "a.safetensors")
    for words, message in (
        (("bicubic", tmp_path / "hub"), "only a SAT can be exported"),
        (("sat-tiny-x2", tmp_path / "a.bin"), "TARGET must be an .onnx, .safetensors or .json file or a folder"),
        (("sat-tiny-x2", tmp_path / "b.safetensors", "--license", "mit"), "--license says nothing about safetensors"),
        (("sat-tiny-x2", tmp_path / "hub", "--date", "2026-01-01"), "--date says nothing about hugging-face"),
        (("sat-tiny-x2", tmp_path / "2x-a.json"), "the addresses must be one or more"),
        ((tmp_path / "none.pth", tmp_path / "hub"), "no such file"),
    ):
        code, output = export(*words)
        assert code == 2 and message in output and output.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_the_card_of_a_network_that_restores_says_so() -> None:
    card = model_card(SAT(CONFIG.replace(scale=1)), name="mine")
    assert "SAT, the Selective Aggregation Transformer, for the restoration of images, x1, " in card
    assert front_matter(card)["tags"] == ["image-restoration", "transformer", "x1"]
    card = model_card(small(), name="mine")
    assert "Transformer, for super-resolution, x2, " in card
    assert front_matter(card)["tags"] == ["super-resolution", "image-super-resolution", "transformer", "x2"]
