"""`satlib export`: what it prints, and that bad input ends in one line, exit code 2 and no file."""

from importlib.util import find_spec
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from satlib import SAT, SATConfig, save
from satlib.commands import export_onnx
from satlib.commands.app import app


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["export", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("name", "out", "options", "said"),
    [
        ("sat-tiny-x2", "net.pt", [], "TARGET must be an .onnx, .safetensors or .json file or a folder"),
        ("sat-tiny-x2", "nowhere/net.onnx", [], "nowhere"),
        ("sat-x4", "net.onnx", [], "no trained weights are bundled for 'sat-x4'"),
        ("bicubic-x2", "net.onnx", [], "only a SAT can be exported, got 'bicubic-x2'"),
        ("grid.safetensors", "net.onnx", [], "sampling 'grid' is not drawn in a file"),
        ("large.safetensors", "net.onnx", ["--fp16"], "too large for float16"),
    ],
)
def test_bad_input_is_one_line_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, out: str, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    model = SAT(SATConfig.preset("sat-tiny", 2, sampling="grid"))
    save(model, "grid.safetensors")
    model.head.weight.data[0] = 1e5
    save(model, "large.safetensors")
    before = set(tmp_path.iterdir())
    code, shown, error = run(name, out, *options)
    assert (code, shown, error.count("\n")) == (2, "", 1)
    assert said in error
    assert set(tmp_path.iterdir()) == before


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_onnx, "find_spec", lambda name: None if name == "onnxscript" else find_spec(name))
    code, _, error = run("sat-tiny-x2", tmp_path / "net.onnx")
    assert (code, error) == (2, "satlib: exporting needs the package onnxscript: pip install 'satlib[onnx]'\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "option", "n_inputs"), [("sat-tiny-x2", "--explore", 5), ("sat-tiny-x4", "--fp16", 1)]
)
def test_a_bundled_network_is_small_and_its_file_says_so(tmp_path: Path, name: str, option: str, n_inputs: int) -> None:
    """The file from image to picture without options is made by `book/use/out_of_torch.md`, in its test."""
    out = tmp_path / "net.onnx"
    code, shown, error = run(name, out, option)
    assert (code, error.count("\n")) == (0, 1), error
    *agreements, last = shown.splitlines()
    assert [line.partition(":")[0] for line in agreements] == ["1 x 1", "50 x 31", "72 x 96"]
    assert all("samples equal, sets of centers 100% equal" in line for line in agreements)
    for line in agreements:
        difference = float(line.partition("largest difference ")[2].partition(",")[0])
        assert difference <= (2e-5 if line.endswith("after a near tie") else 2e-6)
    assert last == f"{out}: {out.stat().st_size:,} bytes"
    assert out.stat().st_size < 800_000
    assert len(onnx.load(out).graph.input) == n_inputs
