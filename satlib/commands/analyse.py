"""`satlib analyse`: what a square of the output is made of, for one network or several side by side."""

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from torch import Tensor

from satlib.analysis.attribution import Attribution, Square, attribution
from satlib.analysis.squares import part_around, strongest_square
from satlib.commands.errors import MENDABLE, errors_in_one_line, note, reason, tell_failures
from satlib.commands.on_demand import alone
from satlib.commands.options import choose_model
from satlib.evaluation.finished_rows import fingerprint
from satlib.evaluation.protocol import Protocol
from satlib.images.folder import image_files
from satlib.images.inputs import small_image
from satlib.support.files import hash_file, replacing
from satlib.support.paths import as_path, check_folder
from satlib.support.progress import named
from satlib.support.progress_bar import bar
from satlib.support.temporary import sweep
from satlib.upscaling.models import Upscaler, weight_of
from satlib.upscaling.other_networks import load_foreign


@dataclass(frozen=True)
class _Request:
    """What is asked of every image."""

    models: dict[str, Upscaler]
    square: tuple[int, int] | None
    side: int
    around: int
    steps: int

    @property
    def scale(self) -> int:
        return next(iter(self.models.values())).scale

    def key(self, image: Path) -> str:
        """Return what an image's results depend on, as text."""
        weights = [fingerprint(m, Protocol(scale=m.scale), weight_of(m).device) for m in self.models.values()]
        choices = (self.square, self.side, self.around, self.steps, list(self.models))
        return json.dumps([hash_file(image), *weights, choices])


def analyse(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Low-resolution images, or folders.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Maps, numbers and sheets; made if missing.")],
    model: Annotated[
        list[str] | None, typer.Option(help="sat-tiny-x2, bicubic, a file of weights; may be given several times.")
    ] = None,
    other: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A network of others, which spandrel reads.")
    ] = None,
    scale: Annotated[int | None, typer.Option(help="The factor, if the models' names leave it open; else 4.")] = None,
    square: Annotated[
        str | None,
        typer.Option(metavar="Y,X", help="Upper left pixel of the square, in the output; else where detail is most."),
    ] = None,
    side: Annotated[int, typer.Option(min=2, help="Of the square, in output pixels.")] = 16,
    around: Annotated[int, typer.Option(min=8, help="Look at no more than so many input pixels around it.")] = 96,
    steps: Annotated[int, typer.Option(min=1, help="Of the path from blurred to sharp.")] = 50,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, mps ...; by default CUDA's if there is one.")] = None,
) -> None:
    """Attribute a square of the output to input pixels: local attribution maps (LAM) with their diffusion index.

    For each image: NAME.json with the numbers, NAME-MODEL.npy with each map, NAME.png with all beside each other. An
    image that is done with the same models and options is not done again. Exit code: 0 if all went well; 1 if some
    images could not be used, which a table names in the end; 2 if none was.
    """
    with errors_in_one_line():
        if find_spec("matplotlib") is None:
            raise OSError("satlib analyse draws with matplotlib, which is missing: pip install 'satlib[notebook]'")
        models = {Path(name).name: choose_model(name, scale, device=device, untrained=False) for name in model or []}
        models |= {path.name: load_foreign(path, device=device or "cpu") for path in other or []}
        _check(models, scale)
        request = _Request(models, _place(square), side, around, steps)
        files = _files([as_path(path, "IMAGE") for path in images])
        out = check_folder(out)
        out.mkdir(parents=True, exist_ok=True)
        sweep(out)
    failures: list[tuple[str, str]] = []
    for file in files:
        try:
            typer.echo(_one(file, request, out))
        except MENDABLE as error:
            failures.append((file.name, reason(error)))
            note(failures[-1][1])
    tell_failures(failures, len(files) - len(failures), "images")


def _check(models: dict[str, Upscaler], scale: int | None) -> None:
    """Raise ValueError unless there are models, all of one scale, the one that is asked for."""
    if not models:
        raise ValueError("--model or --other must name at least one network")
    scales = {name: found.scale for name, found in models.items()}
    if len({*scales.values(), *([] if scale is None else [scale])}) > 1:
        raise ValueError(f"all models must upscale by one factor{f', {scale}' if scale else ''}, got {scales}")


def _place(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        row, column = map(int, text.split(","))
    except ValueError:
        raise ValueError(f"--square must be Y,X, two numbers of pixels, got {text!r}") from None
    return row, column


def _files(images: list[Path]) -> list[Path]:
    """Return the images, those of folders among them; no two may have one name without its extension."""
    files = [file for path in images for file in (image_files(path) if path.is_dir() else [path])]
    stems = [file.stem for file in files]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        raise ValueError(f"two images are called {twice}; both would be written as {twice}.json")
    return files


def _one(file: Path, request: _Request, out: Path) -> str:
    """Look at one image, unless that has been done, and return a line on it."""
    numbers, key = out / f"{file.stem}.json", request.key(file)
    if numbers.is_file() and json.loads(numbers.read_text()).get("key") == key:
        return f"{file}: done before, in {numbers}"
    image, scale = small_image(file, None), request.scale
    square = Square(*(request.square or strongest_square(image, scale, request.side)[:2]), request.side)
    part, place = part_around(image, square, scale, request.around)
    if part.shape != image.shape:
        note(f"{file}: looked at {part.shape[1]} x {part.shape[2]} of {image.shape[1]} x {image.shape[2]} pixels")
    maps = {}
    for name, model in request.models.items():
        maps[name] = attribution(model, part, place, steps=request.steps, progress=named(bar, f"{file.name} {name}"))
    _write(file, part, place, request, maps, out)
    rows = {name: _numbers(found) for name, found in maps.items()}
    content = {"image": file.name, "square": square._asdict(), "models": rows, "key": key}
    with replacing(numbers) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
    listed = ", ".join(f"{name} {found.diffusion_index:.2f}" for name, found in maps.items())
    return f"{file}: square {square.row},{square.column}: diffusion index {listed}"


def _numbers(found: Attribution) -> dict[str, float]:
    return {"diffusion_index": found.diffusion_index, "gained": found.gained, "missing": found.missing}


def _write(file: Path, part: Tensor, place: Square, request: _Request, maps: dict[str, Attribution], out: Path) -> None:
    """Write the maps and the sheet."""
    from satlib.figures.kit.show import png
    from satlib.figures.network.attributions import sheet

    for name, found in maps.items():
        with replacing(out / f"{file.stem}-{Path(name).stem}.npy") as temporary, temporary.open("wb") as stream:
            np.save(stream, found.map.numpy())
    with replacing(out / f"{file.stem}.png") as temporary:
        temporary.write_bytes(png(sheet(part, place, request.scale, maps)))


app = alone(analyse)
