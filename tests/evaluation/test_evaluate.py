"""Evaluation: the field's published numbers, each choice of the protocol, resuming, failures, and the command."""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from slowness import slow_but
from torch import nn
from typer.testing import CliRunner

from satlib import samples
from satlib.commands.evaluate import evaluate as command
from satlib.config import SATConfig
from satlib.evaluation import Evaluation, Protocol, Score, evaluate, published_rows, run
from satlib.evaluation.published import BICUBIC, SETS
from satlib.images.folder import read_8bit, with_channels
from satlib.metrics import psnr, ssim
from satlib.network.model import SAT
from satlib.resize import imresize
from satlib.upscaling import upscale
from satlib.upscaling.models import Bicubic

DATA = Path(__file__).parents[2] / "../shared/data"
TINY = {"channels": 8, "heads": 2, "groups": (1,), "window": (4, 8), "upsampler_channels": 8}

app = typer.Typer()
app.command()(command)


def photograph(seed: int, height: int, width: int) -> np.ndarray:
    """Return smooth random colours, (height, width, 3)."""
    noise = np.random.default_rng(seed).integers(0, 256, (height // 4 + 2, width // 4 + 2, 3), dtype=np.uint8)
    return np.asarray(imresize(noise, 5))[:height, :width]


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, size in enumerate([(50, 61), (47, 40), (64, 64)]):
        Image.fromarray(photograph(i, *size)).save(folder / f"{'abc'[i]}.png")
    return folder


@pytest.fixture
def network() -> SAT:
    torch.manual_seed(0)
    return SAT(SATConfig.preset("sat-tiny", scale=2, **TINY))


def count_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the name of each image that is really computed."""
    names, measure = [], run.measure

    def noting(hr_file: Path, *arguments: object) -> object:
        names.append(hr_file.name)
        return measure(hr_file, *arguments)

    monkeypatch.setattr(run, "measure", noting)
    return names


def data(name: str) -> Path:
    if not (DATA / name).is_dir():
        pytest.skip(f"the images of {name} are not here")
    return DATA / name


# Known answers: unrounded, rounded; for Set14 also the grey image as Y.
SET5 = {2: (33.682, 0.9305, 33.649, 0.9295), 3: (30.405, 0.8690, 30.386, 0.8679), 4: (28.431, 0.8113, 28.419, 0.8102)}
SET14 = {2: (30.330, 30.318, 30.236), 3: (27.634, 27.627, 27.540), 4: (26.092, 26.087, 25.997)}


@pytest.mark.parametrize("scale", SET5)
def test_bicubic_on_set5_is_as_published(scale: int) -> None:
    for rounded, expected in ((False, SET5[scale][:2]), (True, SET5[scale][2:])):
        found = evaluate("bicubic", data("Set5"), scale=scale, rounded=rounded)
        assert (found.psnr, found.ssim) == pytest.approx(expected, abs=0.0006)
    assert (found.psnr, found.ssim) == pytest.approx(BICUBIC["Set5", scale], abs=0.012)
    assert len(found.images) == 5 and found.data == "Set5"


@pytest.mark.parametrize("scale", slow_but([2], SET14))
def test_bicubic_on_set14_is_as_published_in_both_readings_of_its_grey_image(scale: int) -> None:
    options: tuple[dict[str, object], ...] = ({}, {"rounded": True}, {"gray": "y"})
    for chosen, expected in zip(options, SET14[scale], strict=True):
        found = evaluate("bicubic", data("Set14"), scale=scale, metrics=("psnr",), **chosen)
        assert found.psnr == pytest.approx(expected, abs=0.0006)
    assert found.psnr == pytest.approx(BICUBIC["Set14", scale][0], abs=0.012)


def test_command_prints_the_row_of_the_field() -> None:
    result = CliRunner().invoke(app, ["bicubic", "--data", str(data("Set5")), "--scale", "4"])
    assert result.exit_code == 0
    assert "| **mean of 5**                             | **28.431** | **0.8113** |" in result.stdout
    assert "| bicubic, published (Y rounded, grey as Y) |      28.42 |     0.8104 |" in result.stdout
    assert "| SAT, the paper's Table 1                  |      33.19 |     0.9073 |" in result.stdout


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_rows_are_those_of_a_plain_loop(folder: Path, scale: int) -> None:
    found = evaluate("bicubic", folder, scale=scale)
    assert [score.name for score in found.images] == ["a.png", "b.png", "c.png"]
    for score in found.images:
        hr = pixels(folder / score.name)
        hr = hr[: hr.shape[0] // scale * scale, : hr.shape[1] // scale * scale]
        sr = imresize(imresize(hr, 1 / scale), scale)
        assert score.psnr == psnr(sr, hr, border=scale)
        assert score.ssim == ssim(sr, hr, border=scale)
        assert score.lpips is None and score.seconds > 0
    assert found.psnr == pytest.approx(np.mean([score.psnr for score in found.images]))
    assert found.lpips is None
    assert found.seconds == pytest.approx(sum(score.seconds for score in found.images))
    assert found.peak_bytes > 2**20


@pytest.mark.parametrize("options", [{}, {"tile": 16, "overlap": 4}, {"ensemble": True}])
def test_network_is_run_as_by_upscale(folder: Path, network: SAT, options: dict[str, int], tmp_path: Path) -> None:
    found = evaluate(network, folder, scale=2, save_images=tmp_path / "sr", **options)
    for score in found.images:
        hr = pixels(folder / score.name)
        hr = hr[: hr.shape[0] // 2 * 2, : hr.shape[1] // 2 * 2]
        sr = upscale(imresize(hr, 0.5), network, margin=0, **options)
        assert sr.dtype == np.uint8
        np.testing.assert_array_equal(pixels(tmp_path / "sr" / score.name), sr)
        assert score.psnr == psnr(sr, hr, border=2)
    assert found.model.startswith("SAT x2 (") and found.protocol.describe().startswith(
        "Y of BT.601, not rounded, 2 pixels of border shaved"
    )


def test_two_readings_of_a_grey_photograph(tmp_path: Path, network: SAT) -> None:
    Image.fromarray(photograph(0, 48, 48)[..., 0]).save(tmp_path / "gray.png")
    as_rgb, as_y = (evaluate("bicubic", tmp_path, scale=2, gray=gray) for gray in ("rgb", "y"))
    assert as_rgb.psnr - as_y.psnr == pytest.approx(20 * math.log10(255 / 219))
    for gray, ndim in (("rgb", 3), ("y", 2)):
        evaluate(network, tmp_path, scale=2, gray=gray, save_images=tmp_path / gray)
        assert pixels(tmp_path / gray / "gray.png").ndim == ndim


def test_networks_for_grey_are_measured_on_grey_photographs(folder: Path, tmp_path: Path) -> None:
    gray = SAT(SATConfig.preset("sat-tiny", 2, in_channels=1, groups=(1,)))
    measured = evaluate(gray, folder, scale=2, gray="all", metrics=("psnr",))
    for score in measured.images:
        pixels = with_channels(read_8bit(folder / score.name), 1)[..., 0]
        pixels = pixels[: len(pixels) // 2 * 2, : pixels.shape[1] // 2 * 2]
        sr = upscale(imresize(pixels, 0.5), gray, margin=0)
        assert score.psnr == pytest.approx(psnr(sr, pixels, border=2), abs=1e-9)
    assert "2 pixels of border shaved, all photographs made grey" in measured.to_markdown()
    assert evaluate("bicubic", folder, scale=2, gray="all").psnr != evaluate("bicubic", folder, scale=2).psnr
    with pytest.raises(ValueError, match=r"takes images of 1 channel; gray='all' \(--gray all\) makes all photographs"):
        evaluate(gray, folder, scale=2)
    with pytest.raises(ValueError, match="takes images of 4 channels; photographs have 1 or 3"):
        evaluate(SAT(gray.config.replace(in_channels=4)), folder, scale=2, gray="all")


def test_sixteen_bits_are_rounded_to_eight(tmp_path: Path) -> None:
    gray = photograph(0, 48, 48)[..., 0]
    deep = np.minimum(gray.astype(np.int64) * 257 + 100, 65535).astype(np.uint16)
    for name, image in (("8", gray), ("16", deep)):
        (tmp_path / name).mkdir()
        Image.fromarray(image).save(tmp_path / name / "a.png")
    found = [evaluate("bicubic", tmp_path / name, scale=2).psnr for name in ("8", "16")]
    assert found[0] == found[1]


@pytest.mark.parametrize("suffix", ["", "x2", "_LRBI_x2"])
def test_given_low_resolution_images_are_taken(folder: Path, tmp_path: Path, suffix: str) -> None:
    made = evaluate("bicubic", folder, scale=2)
    (tmp_path / "lr").mkdir()
    for path in folder.iterdir():
        hr = pixels(path)
        low = imresize(hr[: hr.shape[0] // 2 * 2, : hr.shape[1] // 2 * 2], 0.5)
        Image.fromarray(low // 8 if path.stem == "b" else low).save(tmp_path / "lr" / f"{path.stem}{suffix}.png")
    given = evaluate("bicubic", folder, scale=2, lr=tmp_path / "lr")
    assert [score.psnr for score in given.images][::2] == [score.psnr for score in made.images][::2]
    assert given.images[1].psnr < 15 < made.images[1].psnr


def test_low_resolution_images_that_do_not_fit_are_named(folder: Path, tmp_path: Path) -> None:
    lr = tmp_path / "lr"
    lr.mkdir()
    Image.new("RGB", (30, 25)).save(lr / "a.png")
    Image.new("RGB", (20, 24)).save(lr / "b.png")
    found = evaluate("bicubic", folder, scale=2, lr=lr)
    assert [score.name for score in found.images] == ["a.png"]
    (b, b_reason), (c, c_reason) = found.failures
    assert (b, c) == ("b.png", "c.png")
    assert b_reason == f"{lr / 'b.png'} has 24 x 20 pixels; {folder / 'b.png'} at scale 2 asks for 23 x 20"
    assert c_reason == f"{lr} has no low-resolution version of c.png"
    Image.new("L", (30, 25)).save(lr / "a.png")
    with pytest.raises(ValueError, match=r"no image of .* could be evaluated; a\.png: one of .* is grey"):
        evaluate("bicubic", folder, scale=2, lr=lr, gray="y")


@pytest.mark.parametrize(("what", "alike"), [("noisy", True), ("flat", True), ("mirrored", False), ("another", False)])
def test_a_low_resolution_version_of_something_else_is_named(tmp_path: Path, what: str, alike: bool) -> None:
    for name in ("hr", "lr"):
        (tmp_path / name).mkdir()
    photograph, random = pixels(samples.path("coffee"))[:200, :240], np.random.default_rng(0)
    low = imresize(photograph, 0.5)
    other = {
        "noisy": (low + random.normal(0, 50, low.shape)).clip(0, 255).astype(np.uint8),
        "flat": np.full_like(low, 90),
        "mirrored": low[::-1],
        "another": imresize(pixels(samples.path("chelsea"))[:200, :240], 0.5),
    }[what]
    Image.fromarray(photograph).save(tmp_path / "hr/a.png")
    Image.fromarray(photograph).save(tmp_path / "hr/b.png")
    Image.fromarray(low).save(tmp_path / "lr/a.png")
    Image.fromarray(other).save(tmp_path / "lr/b.png")
    found = evaluate("bicubic", tmp_path / "hr", scale=2, lr=tmp_path / "lr")
    names = f"{tmp_path / 'lr/b.png'} and {tmp_path / 'hr/b.png'} show different things"
    assert [names in reason for _, reason in found.failures] == ([] if alike else [True])


def test_one_bad_image_does_not_stop_the_others(folder: Path, tmp_path: Path) -> None:
    expected = evaluate("bicubic", folder, scale=2)
    (folder / "aa.png").write_bytes((folder / "a.png").read_bytes()[:200])
    Image.new("RGB", (9, 9)).save(folder / "tiny.png")
    found = evaluate("bicubic", folder, scale=2)
    assert [score.psnr for score in found.images] == [score.psnr for score in expected.images]
    assert [name for name, _ in found.failures] == ["aa.png", "tiny.png"]
    assert "aa.png is damaged or truncated" in found.failures[0][1]
    assert "SSIM needs 11x11 pixels, got 4x4" in found.failures[1][1]
    report = tmp_path / "report.json"
    result = CliRunner().invoke(app, ["bicubic", "--data", str(folder), "--scale", "2", "--json", str(report)])
    assert result.exit_code == 1
    assert "mean of 3" in result.stdout
    assert result.stderr.splitlines()[0].startswith(f"satlib: {folder / 'aa.png'} is damaged or truncated")
    assert result.stderr.splitlines()[1].startswith("satlib: tiny.png: SSIM needs")
    assert result.stderr.splitlines()[2].startswith("satlib: 2 of 5 images or folders could not be used")
    assert [name for name, _ in json.loads(report.read_text())[0]["failures"]] == ["aa.png", "tiny.png"]


def interrupt_after(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    left, measure = [n], run.measure

    def interrupted(*arguments: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return measure(*arguments)

    monkeypatch.setattr(run, "measure", interrupted)


class Brighter:
    """Interpolates, and adds to it."""

    name, scale, n_params = "brighter", 2, 0

    def __init__(self, by: float) -> None:
        self.by = by

    def __call__(self, x: torch.Tensor, /) -> torch.Tensor:
        return Bicubic(2)(x) + self.by


@dataclass(frozen=True)
class Told(Brighter):
    by: float


@pytest.mark.parametrize(
    "hidden", [torch.nn.Linear(2, 2), torch.zeros(3), np.zeros(2000)], ids=["net", "tensor", "array"]
)
def test_a_model_with_fields_that_a_text_does_not_tell_apart_is_not_resumed(
    folder: Path, tmp_path: Path, hidden: object
) -> None:
    with pytest.raises(ValueError, match="a dataclass of numbers and texts; got 'brighter', a Told"):
        evaluate(Told(hidden), folder, scale=2, resume=tmp_path / "rows")


def test_rows_of_one_model_are_not_those_of_another_of_its_name(folder: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    for by in (0.0, 0.1):
        expected = evaluate(Brighter(by), folder, scale=2).psnr
        assert evaluate(Told(by), folder, scale=2, resume=rows).psnr == expected
        with pytest.raises(
            ValueError, match="resume needs a model whose rows can be told .*; got 'brighter', a Brighter"
        ):
            evaluate(Brighter(by), folder, scale=2, resume=rows)


def test_interrupted_run_is_resumed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tmp_path / "rows"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(patch, 2)
        evaluate("bicubic", folder, scale=2, resume=rows)
    rows.write_text(rows.read_text() + '{"key": "torn')
    computed = count_calls(monkeypatch)
    found = evaluate("bicubic", folder, scale=2, resume=rows)
    assert computed == ["c.png"]
    assert [(s.psnr, s.ssim) for s in found.images] == [
        (s.psnr, s.ssim) for s in evaluate("bicubic", folder, scale=2).images
    ]
    computed.clear()
    evaluate("bicubic", folder, scale=2, resume=rows)
    assert computed == []


def test_rows_of_anything_else_are_not_reused(
    folder: Path, tmp_path: Path, network: SAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tmp_path / "rows"
    computed = count_calls(monkeypatch)

    def again(model: SAT, **options: object) -> list[str]:
        computed.clear()
        evaluate(model, folder, scale=2, resume=rows, **options)
        return list(computed)

    everything = ["a.png", "b.png", "c.png"]
    assert again(network) == everything and again(network) == []
    for options in ({"rounded": True}, {"gray": "y"}, {"ensemble": True}, {"tile": 40}, {"metrics": ("psnr",)}):
        assert again(network, **options) == everything, options
    with torch.no_grad():
        next(network.parameters()).view(-1)[0] += 1e-6
    assert again(network) == everything
    other = SAT(network.config.replace(seed=1))
    other.load_state_dict(network.state_dict())
    assert again(other) == everything
    Image.fromarray(photograph(9, 47, 40)).save(folder / "b.png")
    assert again(network) == ["b.png"]
    (folder / "b.png").rename(folder / "d.png")
    assert again(network) == []
    assert again(network, save_images=tmp_path / "sr") == ["a.png", "c.png", "d.png"]
    assert again(network, save_images=tmp_path / "sr") == []


def test_command_resumes_and_cleans_up(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = tmp_path / "report.json"
    arguments = ["bicubic", "--data", str(folder), "--scale", "2", "--json", str(report)]
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        assert CliRunner().invoke(app, arguments).exit_code != 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "report.json.rows"]
    computed = count_calls(monkeypatch)
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert computed == ["c.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "report.json"]
    (content,) = json.loads(report.read_text())
    expected = evaluate("bicubic", folder, scale=2).to_dict()
    for key in ("model", "data", "protocol", "mean", "failures", "device"):
        assert content[key] == expected[key]
    assert [image["name"] for image in content["images"]] == ["a.png", "b.png", "c.png"]


def test_command_with_several_folders_and_saved_images(folder: Path, tmp_path: Path) -> None:
    second = tmp_path / "Set5"
    second.mkdir()
    Image.fromarray(photograph(5, 40, 40)).save(second / "bird.png")
    options = ["--scale", "2", "--save-images", str(tmp_path / "sr"), "--untrained", "--metrics", "psnr"]
    result = CliRunner().invoke(app, ["sat-tiny", "--data", str(folder), "--data", str(second), *options])
    assert result.exit_code == 0, result.stderr
    assert "satlib: sat-tiny is untrained" in result.stderr
    assert result.stdout.count("| **mean of") == 2 and result.stdout.count("Table 1") == 1
    saved = sorted(path.relative_to(tmp_path / "sr").as_posix() for path in (tmp_path / "sr").rglob("*.png"))
    assert saved == ["Set5/bird.png", "photos/a.png", "photos/b.png", "photos/c.png"]


def test_folders_of_one_name_would_save_over_each_other(tmp_path: Path) -> None:
    folders = [tmp_path / "a" / "val", tmp_path / "b" / "val"]
    for seed, folder in enumerate(folders):
        folder.mkdir(parents=True)
        Image.fromarray(photograph(seed, 40, 40)).save(folder / "p.png")
    named = [part for folder in folders for part in ("--data", str(folder))]
    saving = ["--save-images", str(tmp_path / "sr")]
    result = CliRunner().invoke(app, ["bicubic", *named, "--scale", "2", *saving])
    assert result.exit_code == 2 and "two are called 'val'" in result.stderr
    assert not (tmp_path / "sr").exists()
    assert CliRunner().invoke(app, ["bicubic", *named, "--scale", "2"]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense", "--data", ".", "--scale", "2"], "unknown model 'nonsense'"),
        (["bicubic", "--data", "missing", "--scale", "2"], "no such folder: missing"),
        (["bicubic", "--data", "a.png", "--scale", "2"], "a.png is a file; a folder of images is needed"),
        (["bicubic", "--data", ".", "--scale", "5"], "--scale must be one of 1, 2, 3, 4, 8, got 5"),
        (["sat-tiny-x4", "--data", ".", "--scale", "2", "--untrained"], "--scale 2 does not fit the model sat-tiny-x4"),
        (["bicubic", "--data", ".", "--scale", "2", "--untrained"], "--untrained needs a model of the form"),
        (["bicubic", "--data", ".", "--scale", "2", "--tile", "big"], "--tile must be auto, none or a number"),
        (["bicubic", "--data", ".", "--scale", "2", "--tile", "8"], "tile must be None"),
        (["bicubic", "--data", ".", "--scale", "2", "--metrics", "psnr,mse"], "got psnr, mse"),
        (["bicubic", "--data", ".", "--scale", "2", "--gray", "no"], "gray must be one of rgb, y, all, got 'no'"),
        (["bicubic", "--data", ".", "--data", ".", "--lr", ".", "--scale", "2"], "--lr goes with one --data"),
        (["bicubic", "--data", ".", "--scale", "2", "--json", "no/x.json"], "the folder no does not exist"),
        (["bicubic", "--data", ".", "--scale", "2", "--json", "."], "cannot write .: it is a folder"),
        (["bicubic", "--data", ".", "--scale", "2", "--json", "/"], "cannot write /: it is a folder"),
        (["bicubic", "--data", ".", "--scale", "2", "--device", "tpu9"], "device 'tpu9' cannot be used"),
    ],
)
def test_command_tells_bad_input_in_one_line(
    arguments: list[str], message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1 and message in result.stderr and result.stdout == ""


class Halving(nn.Module):
    """In place of the LPIPS network: one minus the share of equal values."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a != b).float().mean().view(1, 1, 1, 1)


def test_lpips_takes_whole_rgb_images(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("load_lpips", "load_dists"):
        monkeypatch.setattr(run, name, lambda device: Halving())
    found = evaluate("bicubic", folder, scale=2, metrics=("lpips", "psnr", "dists"))
    hr = pixels(folder / "c.png")
    sr = imresize(imresize(hr, 0.5), 2)
    assert found.images[2].lpips == pytest.approx((sr != hr).mean(), rel=1e-5)
    assert [score.dists for score in found.images] == [score.lpips for score in found.images]
    assert found.lpips is not None and found.dists == found.lpips and found.ssim is None
    titles = [cell.strip() for cell in found.to_markdown().split("|")[2:6]]
    assert titles == ["LPIPS", "PSNR (dB)", "DISTS", "seconds"]


def test_bad_protocols() -> None:
    for options, message in (
        ({"scale": 5}, "scale must be one of 1, 2, 3, 4, 8, got 5"),
        ({"scale": True}, "got True"),
        ({"scale": 2.0}, "got 2.0"),
        ({"scale": 2, "metrics": ("psnr", 1)}, "got psnr, 1"),
        ({"scale": 2, "metrics": ()}, "got none"),
        ({"scale": 2, "metrics": ("psnr", "psnr")}, "got psnr, psnr"),
        ({"scale": 2, "tile": 40, "overlap": 20}, "more than twice the overlap"),
    ):
        with pytest.raises(ValueError, match=message):
            Protocol(**options)


def test_bad_input(folder: Path, network: SAT, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="upscales by 2, not by 3"):
        evaluate(network, folder, scale=3)
    with pytest.raises(ValueError, match="upscales by 4, not by 3"):
        evaluate(Bicubic(4), folder, scale=3)
    with pytest.raises(ValueError, match="has no images"):
        evaluate("bicubic", tmp_path, scale=2)
    Image.fromarray(pixels(folder / "a.png")).save(folder / "a.tif")
    with pytest.raises(ValueError, match="two images are called a"):
        evaluate("bicubic", folder, scale=2, save_images=tmp_path / "sr")


def test_restoration_needs_images_to_restore(folder: Path, network: SAT, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="scale 1 restores images, and there are none: give their folder"):
        evaluate("unrestored", folder, scale=1)
    with pytest.raises(ValueError, match="by 1 changes nothing; the baseline of scale 1 is 'unrestored'"):
        evaluate("bicubic", folder, scale=1, degradation="one-pass")
    with pytest.raises(ValueError, match="degradation must be None beside a folder of low-resolution images"):
        evaluate(network, folder, scale=2, lr=tmp_path, degradation="one-pass")
    with pytest.raises(ValueError, match="degradation must be one of one-pass, two-passes, mild, or a list"):
        evaluate(network, folder, scale=2, degradation="three-passes")
    with pytest.raises(ValueError, match="upscales by 1, not by 2"):
        evaluate("unrestored", folder, scale=2)


def test_degraded_images_are_known_again_by_their_number(folder: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    first, again = (evaluate("bicubic", folder, scale=2, degradation="one-pass", resume=rows) for _ in range(2))
    assert [a.psnr for a in first.images] == [b.psnr for b in again.images]
    assert first.images == again.images  # with the seconds of the first run
    (folder / "a.png").rename(folder / "z.png")
    moved = {score.name: score.psnr for score in evaluate("bicubic", folder, scale=2, degradation="one-pass").images}
    assert moved["z.png"] != first.images[0].psnr
    assert [dict(p)["blur"] for p in first.to_dict()["protocol"]["degradation"]] == [1.0]


def test_command_restores(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    noise = "[{blur: 0, up: 0, down: 0, jpeg: null}]"
    run = ["unrestored", "--data", ".", "--scale", "1", "--degradation"]
    for degradation in ("one-pass", noise):
        result = CliRunner().invoke(app, [*run, degradation])
        assert result.exit_code == 0 and "| unrestored ×1, " in result.stdout, result.stderr
    for value in ("[{blurr: 0}]", "[", "nothing"):
        result = CliRunner().invoke(app, [*run, value])
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1) and "degradation" in result.stderr


def result(*scores: Score) -> Evaluation:
    return Evaluation("model", "data", Protocol(scale=2), scores, (), "cpu", 2**30)


def test_markdown_and_json() -> None:
    found = result(Score("a|b.png", 30.12345, 0.9, None, 0.5), Score("c.png", 20.0, 0.8, None, 1.0))
    assert found.to_markdown({"theirs": {"psnr": 31.5}, "other": {"lpips": 0.1}}) == (
        "| model ×2, data |  PSNR (dB) |       SSIM |  seconds |\n"
        "|----------------|-----------:|-----------:|---------:|\n"
        "| a\\|b.png       |     30.123 |     0.9000 |     0.50 |\n"
        "| c.png          |     20.000 |     0.8000 |     1.00 |\n"
        "| **mean of 2**  | **25.062** | **0.8500** | **0.75** |\n"
        "| theirs         |       31.5 |            |          |\n"
        "\nY of BT.601, not rounded, 2 pixels of border shaved, grey photographs as RGB; cpu, peak memory 1.00 GiB.\n"
    )
    content = json.loads(found.to_json())
    assert content["mean"] == {"psnr": found.psnr, "ssim": found.ssim}
    assert content["images"][0] == {
        "name": "a|b.png",
        "psnr": 30.12345,
        "ssim": 0.9,
        "lpips": None,
        "seconds": 0.5,
        "dists": None,
    }


def test_identical_images_have_infinite_psnr(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), (9, 8, 7)).save(tmp_path / "flat.png")
    found = evaluate("bicubic", tmp_path, scale=2)
    assert (found.psnr, found.ssim) == (math.inf, 1)
    assert json.loads(found.to_json())["mean"]["psnr"] == "inf"


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", SETS)
def test_published_rows_exist_for_every_test_set(name: str, scale: int, tmp_path: Path) -> None:
    rows = published_rows(tmp_path / name / "HR", scale)
    bicubic, sat = rows["bicubic, published (Y rounded, grey as Y)"], rows["SAT, the paper's Table 1"]
    assert 2 < sat["psnr"] - bicubic["psnr"] < 10.5 and sat["ssim"] > bicubic["ssim"] > 0.6
    assert ("SAT, the paper's Table B" in rows) == (scale == 4)
    assert published_rows(tmp_path / "mine", scale) == {}
    assert published_rows(tmp_path / name, 8) == {}


def test_sets_are_known_by_their_other_names(tmp_path: Path) -> None:
    assert published_rows(tmp_path / "BSDS100", 4) == published_rows(tmp_path / "B100", 4) != {}


def test_scores_are_values() -> None:
    score = Score("a", 1.0, 0.5, None, 0.1)
    assert replace(score, name="a") == score
