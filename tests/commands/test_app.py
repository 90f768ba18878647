"""The command line: what it writes, what it says, and that bad input ends in one line, exit code 2 and no file."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import satlib.upscaling.api
from satlib import samples
from satlib._version import __version__
from satlib.commands.app import app
from satlib.config import SATConfig
from satlib.images.files import read
from satlib.network.model import SAT
from satlib.resize import imresize
from satlib.upscaling import upscale
from satlib.weights.checkpoint import save

RGB = np.random.default_rng(0).integers(0, 256, (18, 25, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.fromarray(RGB).save(tmp_path / "in.png")
    return tmp_path


def run(*arguments: object) -> tuple[int, str, str]:
    """Run `satlib`, and return the exit code, stdout and stderr."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def pixels(path: Path) -> np.ndarray:
    return read(path).pixels


def test_without_a_model_it_is_the_bundled_network(folder):
    code, out, err = run("upscale", folder / "in.png", folder / "out.png")
    assert (code, out, err) == (0, f"{folder / 'out.png'}: 100 x 72 pixels\n", "")
    np.testing.assert_array_equal(pixels(folder / "out.png"), upscale(RGB, "sat-tiny-x4"))


def test_where_no_network_is_bundled_it_is_bicubic_and_says_so(folder):
    code, out, err = run("upscale", folder / "in.png", folder / "out.png", "--scale", 8)
    assert (code, out) == (0, f"{folder / 'out.png'}: 200 x 144 pixels\n")
    assert err == "satlib: no trained weights are bundled for sat-tiny-x8; used bicubic-x8\n"
    np.testing.assert_array_equal(pixels(folder / "out.png"), imresize(RGB, 8))


def test_the_baseline_by_name_says_nothing(folder):
    for arguments in (["--model", "bicubic", "--scale", 3], ["--model", "bicubic-x3"]):
        code, _, err = run("upscale", folder / "in.png", folder / "out.png", *arguments)
        assert (code, err) == (0, "")
        np.testing.assert_array_equal(pixels(folder / "out.png"), imresize(RGB, 3))


def test_the_network_for_real_photographs_is_named_with_its_scale_or_beside_it(folder):
    for arguments in (["sat-tiny-real-x2"], ["sat-tiny-real", "--scale", 2]):
        assert run("upscale", folder / "in.png", folder / "out.png", "--model", *arguments)[0] == 0
        np.testing.assert_array_equal(pixels(folder / "out.png"), upscale(RGB, "sat-tiny-real-x2"))
    code, _, err = run("upscale", folder / "in.png", folder / "out.png", "--model", "sat-tiny-real")
    assert code == 2 and "unknown model 'sat-tiny-real'" in err


def test_an_untrained_network_says_so_and_is_the_same_every_time(folder):
    torch.manual_seed(123)
    for arguments in (["--model", "sat-tiny-x2"], ["--model", "sat-tiny", "--scale", 2], ["--scale", 2]):
        code, out, err = run("upscale", folder / "in.png", folder / "out.png", "--untrained", *arguments)
        assert (code, out.count("\n")) == (0, 1)
        assert err.startswith("satlib: sat-tiny-x2 is untrained")
        assert err.count("\n") == 1
    torch.manual_seed(0)
    expected = upscale(RGB, SAT(SATConfig.preset("sat-tiny", scale=2)))
    np.testing.assert_array_equal(pixels(folder / "out.png"), expected)


def test_a_file_of_weights_with_tiles_and_ensemble(folder):
    model = SAT(SATConfig.preset("sat-tiny", scale=2, groups=(1,)))
    save(model, folder / "net.safetensors")
    code, out, err = run(
        "upscale",
        folder / "in.png",
        folder / "out.png",
        "--model",
        folder / "net.safetensors",
        "--tile",
        16,
        "--overlap",
        4,
        "--ensemble",
        "--device",
        "cpu",
    )
    assert (code, out, err) == (0, f"{folder / 'out.png'}: 50 x 36 pixels, in 4 tiles\n", "")
    np.testing.assert_array_equal(pixels(folder / "out.png"), upscale(RGB, model, tile=16, overlap=4, ensemble=True))
    code, _, err = run(
        "upscale", folder / "in.png", folder / "out.png", "--model", folder / "net.safetensors", "--scale", 4
    )
    assert code == 2
    assert "--scale 4 does not fit the model" in err


@pytest.mark.parametrize("extension", ["png", "jpg", "jpeg", "webp", "tif", "tiff", "PNG"])
def test_the_extension_is_the_format(folder, extension):
    assert run("upscale", folder / "in.png", folder / f"out.{extension}", "--model", "bicubic-x2")[0] == 0
    with Image.open(folder / f"out.{extension}") as image:
        known = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP", "tif": "TIFF", "tiff": "TIFF"}
        assert image.format == known[extension.lower()]
        assert image.size == (50, 36)


def make_inputs(folder: Path) -> None:
    """Add bad inputs of every sort beside in.png."""
    data = (folder / "in.png").read_bytes()
    (folder / "truncated.png").write_bytes(data[: len(data) // 2])
    (folder / "text.png").write_text("not an image")
    Image.fromarray(RGB[..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
    Image.fromarray(RGB).convert("RGBA").save(folder / "clear.png")
    Image.fromarray(RGB).save(folder / "pages.webp", save_all=True, append_images=[Image.fromarray(255 - RGB)])
    (folder / "bad.safetensors").write_bytes(b"damaged")
    (folder / "empty").mkdir()


BAD = {
    "missing.png out.png": "missing.png: No such file or directory",
    "text.png out.png": "text.png is not a PNG, JPEG, WebP, TIFF, BMP or GIF image",
    "truncated.png out.png": "truncated.png is damaged or truncated",
    "pages.webp out.png": "pages.webp: it holds 2 pages or frames, not one image",
    "in.png in.png": "the output in.png is the input",
    "in.png out.png --max-pixels 449": "25 x 18 pixels, more than max_pixels = 449",
    "in.png out.png --model sat-huge-x2": "unknown model 'sat-huge-x2'",
    "in.png out.png --model sat-tiny-x8": (
        "bundled for 'sat-tiny-x8', only for sat-tiny-x2, sat-tiny-x3, sat-tiny-x4; --untrained runs it"
    ),
    "in.png out.png --model bad.safetensors": "bad.safetensors is damaged",
    "in.png out.png --model none.safetensors": "no such file: none.safetensors",
    "in.png out.png --model bad.safetensors --untrained": "--untrained needs a model of the form",
    "in.png out.png --model sat-tiny-x2 --scale 4 --untrained": "--scale 4 does not fit the model sat-tiny-x2",
    "in.png out.png --scale 5": "--scale must be one of 1, 2, 3, 4, 8, got 5",
    "in.png out.png --tile 32": "tile must be more than twice the overlap of 16, got 32",
    "in.png out.png --tile 8 --overlap 0": "an integer >= 16, got 8",
    "in.png out.png --tile big": "--tile must be auto, none or a number of pixels, got 'big'",
    "in.png out.png --overlap -1": "overlap must be an integer >= 0, got -1",
    "in.png out.png --device abacus --model sat-tiny-x2 --untrained": (
        "device 'abacus' cannot be used: give cpu, mps, cuda or, of several GPUs, cuda:1"
    ),
    "in.png out.jpg --quality 101": "quality must be in 1..100, got 101",
    "in.png out.bmp": ".bmp is not one of",
    "in.png out": "no extension is not one of",
    "in.png none/out.png": "the folder none does not exist",
    "in.png empty": "cannot write empty: it is a folder; name a file, as empty/in.png",
    "deep.png out.jpg": "JPEG does not hold uint16; choose .png or .tif",
    "clear.png out.jpg": "JPEG does not hold transparency",
    "empty out": "no PNG, JPEG, WebP, TIFF, BMP or GIF files in empty",
    ". none/large": "cannot write into none/large: the folder none does not exist",
    ". large --model sat-huge-x2": "unknown model 'sat-huge-x2'",
    ". .": "the output folder . is the input folder",
    ". in.png": "so the output must be one; in.png is a file",
}


@pytest.mark.parametrize("arguments", BAD)
def test_bad_input_is_one_line_and_exit_code_2(folder, monkeypatch, arguments):
    make_inputs(folder)
    monkeypatch.chdir(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    code, out, err = run("upscale", *arguments.split())
    lines = [line for line in err.splitlines() if "skipped" not in line]
    assert (code, out, len(lines)) == (2, "", 1), err
    assert lines[0].startswith("satlib: ")
    assert BAD[arguments] in lines[0]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_an_unwritable_target(folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    code, _, err = run("upscale", folder / "in.png", folder / "out.png")
    assert (code, err.count("\n")) == (2, 1)
    assert "out.png: permission denied" in err


@pytest.mark.parametrize("arguments", [[], ["data"]])
def test_the_help_says_of_every_command_what_it_does_and_cuts_nothing_off(arguments):
    _, out, _ = run(*arguments, "--help")
    listed = out.split("Commands:\n")[1].splitlines()
    assert len(listed) >= 4
    assert [line for line in listed if not line.endswith(".") or line.endswith("...")] == []


def test_complexity_takes_a_name_with_its_scale():
    for arguments in (["sat-tiny-x2"], ["sat-tiny-x2", "--scale", 2], ["sat-tiny", "--scale", 2]):
        code, out, _ = run("complexity", *arguments)
        assert (code, out.split(",")[0]) == (0, "sat-tiny x2")
    assert run("complexity", "sat-tiny-x2", "--scale", 4) == (
        2,
        "",
        "satlib: --scale 4 does not fit the name sat-tiny-x2\n",
    )


def test_usage_errors_exit_with_2(folder):
    for arguments in ([], ["--scale", "two"], ["--nonsense"]):
        assert run("upscale", folder / "in.png", *arguments)[0] == 2


def test_out_of_memory_is_one_line(folder, monkeypatch):
    def exhausted(*args: object, **options: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 9 GiB.")

    monkeypatch.setattr(satlib.upscaling.api, "upscale_picture", exhausted)
    code, _, err = run("upscale", folder / "in.png", folder / "out.png")
    assert (code, err) == (2, "satlib: out of memory: CUDA out of memory. Tried to allocate 9 GiB.\n")


def test_a_folder_into_a_folder(folder):
    source, target = folder / "photos", folder / "large"
    source.mkdir()
    for name in ("a.png", "b.jpg", "c.webp", "d.tif"):
        Image.fromarray(RGB).save(source / name)
    (source / "notes.txt").touch()
    (source / "bad.png").write_text("not an image")
    (source / "sub").mkdir()
    code, out, err = run("upscale", source, target, "--model", "bicubic-x2")
    assert code == 1  # for the one that could not be read
    assert sorted(path.name for path in target.iterdir()) == ["a.png", "b.jpg", "c.webp", "d.tif"]
    assert [line.split(":")[0] for line in out.splitlines()] == [
        str(target / n) for n in ("a.png", "b.jpg", "c.webp", "d.tif")
    ]
    skipped, bad, *after = err.splitlines()
    assert "skipped" in skipped
    assert "notes.txt" in skipped
    assert "bad.png is not a PNG" in bad
    assert after[0] == "satlib: 1 of 5 images could not be used; the others are done"
    assert after[1].startswith("| file ") and after[-1].startswith("| bad.png ")
    (source / "bad.png").unlink()
    (target / "a.png").write_bytes(b"old")
    code, _, _ = run("upscale", source, target, "--model", "bicubic-x2")
    assert code == 0
    np.testing.assert_array_equal(pixels(target / "a.png"), imresize(RGB, 2))


def test_what_is_called_an_image_in_a_folder_and_is_none_is_told(folder):
    source, target = folder / "photos", folder / "large"
    source.mkdir()
    Image.fromarray(RGB).save(source / "a.png")
    (source / "gone.png").symlink_to(folder / "nothing.png")
    (source / "round.png").symlink_to(source / "round.png")
    os.mkfifo(source / "pipe.png")
    code, out, err = run("upscale", source, target, "--model", "bicubic-x2")
    assert (code, out) == (1, f"{target / 'a.png'}: 50 x 36 pixels\n")
    assert f"satlib: skipped {source / 'pipe.png'}: not a file\n" in err
    assert f"{source / 'gone.png'}: No such file or directory\n" in err
    assert f"{source / 'round.png'}: Too many levels of symbolic links\n" in err
    assert "satlib: 2 of 3 images could not be used; the others are done\n" in err
    assert [path.name for path in target.iterdir()] == ["a.png"]


def test_an_interrupted_run_leaves_nothing(folder, monkeypatch):
    def interrupted(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:10])
        raise KeyboardInterrupt

    (folder / "out.png").write_bytes(b"old")
    monkeypatch.setattr(Path, "write_bytes", interrupted)
    result = CliRunner().invoke(app, ["upscale", str(folder / "in.png"), str(folder / "out.png")])
    monkeypatch.undo()
    assert result.exit_code != 0
    assert sorted(path.name for path in folder.iterdir()) == ["in.png", "out.png"]
    assert (folder / "out.png").read_bytes() == b"old"


@pytest.mark.slow
def test_as_a_module_in_a_fresh_process(folder):
    environment = {**os.environ, "PYTHONPATH": str(Path(satlib.__file__).parents[1])}

    def module(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "satlib", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)

    version = module("--version")
    assert (version.returncode, version.stdout, version.stderr) == (0, f"satlib {__version__}\n", "")
    done = module("upscale", str(samples.path("text")), "out.jpg", "--model", "bicubic-x2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "out.jpg: 480 x 336 pixels\n", "")
    failed = module("upscale", "missing.png", "out.jpg")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == "satlib: missing.png: No such file or directory\n"


@pytest.mark.slow
def test_what_a_reader_did_is_one_line_on_stderr(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (9, 7), color) for color in ("red", "green", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    command = [sys.executable, "-m", "satlib", "upscale", "a.gif", "b.png", "--model", "bicubic", "--scale", "2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "b.png: 18 x 14 pixels\n")
    assert "satlib: a.gif: the first of its 3 frames was taken" in done.stderr.splitlines()
