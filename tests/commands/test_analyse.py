"""`satlib analyse`: numbers, maps and sheets for several networks; what is done is not done again."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from satlib import samples
from satlib.analysis.attribution import Square, attribution
from satlib.analysis.squares import strongest_square
from satlib.commands import analyse
from satlib.commands.app import app
from satlib.images.degradation import low_resolution
from satlib.images.inputs import small_image
from satlib.images.tensors import to_pixels
from satlib.upscaling.models import Bicubic


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for name in ("coffee", "brick"):
        pixels = to_pixels(low_resolution(samples.load(name), side=20), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{name}.png")
    return tmp_path / "photos"


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["analyse", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


MODELS = ("--model", "bicubic", "--model", "sat-tiny", "--scale", 2, "--steps", 3, "--side", 8)


@pytest.mark.slow
def test_a_folder_by_two_networks_and_again(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    code, text, err = run(photos, *MODELS, "--out", out)
    assert (code, err) == (0, "")
    for name in ("brick", "coffee"):
        image = small_image(photos / f"{name}.png", None)
        square = strongest_square(image, 2, 8)
        numbers = json.loads((out / f"{name}.json").read_text())
        assert numbers["square"] == square._asdict() and list(numbers["models"]) == ["bicubic", "sat-tiny"]
        expected = attribution(Bicubic(2), image, square, steps=3)
        np.testing.assert_array_equal(np.load(out / f"{name}-bicubic.npy"), expected.map.numpy())
        assert numbers["models"]["bicubic"] == {
            "diffusion_index": expected.diffusion_index,
            "gained": expected.gained,
            "missing": expected.missing,
        }
        assert f"{name}.png: square {square.row},{square.column}: diffusion index bicubic" in text
        with Image.open(out / f"{name}.png") as drawn:
            assert drawn.width > 500
    assert sorted(p.suffix for p in out.iterdir()) == [".json"] * 2 + [".npy"] * 4 + [".png"] * 2

    def never(*arguments: object, **named: object) -> None:
        raise AssertionError("computed again")

    with monkeypatch.context() as patched:
        patched.setattr(analyse, "attribution", never)
        code, text, _ = run(photos, *MODELS, "--out", out)
    assert code == 0 and text.count("done before") == 2
    code, text, _ = run(photos / "brick.png", *MODELS, "--out", out, "--square", "3,4")
    assert "square 3,4" in text and json.loads((out / "brick.json").read_text())["square"]["column"] == 4


def test_a_large_image_is_cut_around_the_square_and_says_so(photos: Path, tmp_path: Path) -> None:
    given = (photos / "coffee.png", *MODELS, "--out", tmp_path / "out", "--around", 12)
    code, _, err = run(*given, "--square", "20,20")
    assert (code, err) == (0, f"satlib: {photos / 'coffee.png'}: looked at 12 x 12 of 20 x 20 pixels\n")
    part = small_image(photos / "coffee.png", None)[:, 6:18, 6:18]
    expected = attribution(Bicubic(2), part, Square(8, 8, 8), steps=3).map.numpy()
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "coffee-bicubic.npy"), expected)


def test_a_damaged_image_does_not_end_the_others(photos: Path, tmp_path: Path) -> None:
    (photos / "a.png").write_bytes(b"no image")
    code, text, err = run(photos, *MODELS, "--out", tmp_path / "out")
    assert code == 1 and text.count("diffusion index") == 2
    assert (
        "1 of 3 images could not be used; the others are done" in err
        and "| a.png |" in err
        and not list((tmp_path / "out").glob("a*"))
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--model or --other must name at least one network"),
        (("--model", "bicubic-x2", "--model", "bicubic-x3"), "all models must upscale by one factor, got"),
        (("--model", "bicubic-x2", "--square", "3"), "--square must be Y,X, two numbers of pixels, got '3'"),
        (("--model", "bicubic-x2", "--square", "39,0"), "square must be in an output of 40 x 40 pixels"),
        (("--model", "no-such"), "no-such"),
        (("--other", "none.pth"), "no such file: none.pth"),
    ],
)
def test_what_cannot_be_is_one_line(photos: Path, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    code, _, err = run(photos / "coffee.png", *arguments, "--out", tmp_path / "out")
    assert code == 2 and message in err.splitlines()[0]
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize(("option", "least"), [("--steps", 1), ("--side", 2), ("--around", 8)])
def test_numbers_that_cannot_be_are_refused_before_a_folder_is_made(
    photos: Path, tmp_path: Path, option: str, least: int
) -> None:
    code, _, err = run(photos / "coffee.png", "--model", "bicubic-x2", option, least - 1, "--out", tmp_path / "out")
    assert code == 2 and f"'{option}': Input should be greater than or equal to {least}" in err
    assert not (tmp_path / "out").exists()


def test_two_images_of_one_name_are_refused(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "brick.png").write_bytes((photos / "brick.png").read_bytes())
    code, _, err = run(photos, tmp_path / "more", *MODELS, "--out", tmp_path / "out")
    assert code == 2 and "two images are called brick" in err
