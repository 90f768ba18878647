"""`satlib upscale`: an image, or a folder of images, through a network or the bicubic baseline."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Protocol

import typer

from satlib.commands.errors import BAD_INPUT, MENDABLE, errors_in_one_line, note, reason, tell_failures
from satlib.commands.on_demand import alone
from satlib.commands.options import choose_model, full_name, parse_tile
from satlib.images.folder import images_and_others
from satlib.images.formats import READ, is_image, written_name
from satlib.images.picture import MAX_PIXELS
from satlib.support.paths import check_folder
from satlib.support.progress import Progress, Report
from satlib.support.progress_bar import bar
from satlib.support.temporary import sweep
from satlib.upscaling.api import upscale_file
from satlib.upscaling.care import MARGIN, check_margin
from satlib.upscaling.models import Upscaler
from satlib.upscaling.precision import FORMATS
from satlib.upscaling.tiling import Precision, Tiling
from satlib.weights.checkpoint import bundled


def upscale(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", readable=False, help="An image (PNG, JPEG, WebP, TIFF, BMP, GIF), or a folder."),
    ],
    target: Annotated[
        Path,
        typer.Argument(metavar="OUT", readable=False, help="The image to write or replace; a folder if IN is one."),
    ],
    model: Annotated[
        str | None, typer.Option(help="sat-tiny-x4, sat-tiny (with --scale), sat-tiny-real-x2, bicubic, or a file.")
    ] = None,
    scale: Annotated[int | None, typer.Option(help="The factor, if the model's name leaves it open; else 4.")] = None,
    tile: Annotated[str, typer.Option(help="Side of a tile in pixels; none: whole image; auto: what fits.")] = "auto",
    overlap: Annotated[int, typer.Option(help="Pixels that neighbouring tiles share.")] = 16,
    ensemble: Annotated[bool, typer.Option("--ensemble", help="Average over 8 flips and turns.")] = False,
    precision: Annotated[
        str, typer.Option(help="float32, bfloat16; auto: float32, or bfloat16 on a GPU for what does not fit.")
    ] = "auto",
    device: Annotated[str | None, typer.Option(help="cpu, cuda, mps ...; by default CUDA's if there is one.")] = None,
    margin: Annotated[
        int, typer.Option(help="Pixels of mirror image around the input, so that its border keeps its brightness.")
    ] = MARGIN,
    max_pixels: Annotated[int, typer.Option(help="Refuse larger inputs.")] = MAX_PIXELS,
    quality: Annotated[int, typer.Option(help="Of JPEG and WebP, 1 to 100.")] = 95,
    untrained: Annotated[bool, typer.Option("--untrained", help="Give the network random weights.")] = False,
) -> None:
    """Upscale an image, or each image of a folder into another folder under the same name.

    Exit code: 0 if all went well; 1 if some images of a folder could not be upscaled, which a table names in the end; 2
    if nothing was.
    """
    with errors_in_one_line():
        number_format = parse_precision(precision)
        tiling = Tiling(tile=parse_tile(tile), overlap=overlap, ensemble=ensemble, precision=number_format)
        check_margin(margin)
        network, remark = _choose(model, scale, device, untrained=untrained)
        pairs = _pairs(source, target)
    run = partial(upscale_file, model=network, tiling=tiling, margin=margin, max_pixels=max_pixels, quality=quality)
    failures: list[tuple[str, str]] = []
    for number, pair in enumerate(pairs, 1):
        label = pair[0].name if len(pairs) == 1 else f"{number}/{len(pairs)} {pair[0].name}"
        try:
            written = _upscale_one(run, *pair, label)
        except MENDABLE as error:
            failures.append((pair[0].name, reason(error)))
            note(failures[-1][1])
            continue
        if remark:
            note(remark)
        remark = ""
        typer.echo(written)
    if source.is_dir():
        tell_failures(failures, len(pairs) - len(failures), "images")
    elif failures:
        raise typer.Exit(BAD_INPUT)


def parse_precision(text: str) -> Precision:
    """Return the number format that --precision asks for."""
    if text == "auto":
        return "auto"
    for known in FORMATS:
        if text == known:
            return known
    raise ValueError(f"--precision must be float32, bfloat16 or auto, got {text!r}")


class _Run(Protocol):
    def __call__(self, source: Path, target: Path, *, progress: Progress) -> tuple[int, int]: ...


def _upscale_one(run: _Run, source: Path, target: Path, title: str) -> str:
    """Upscale a file behind a progress bar, and return a line that says what was written."""
    totals = [1]

    @contextmanager
    def counting(label: str) -> Iterator[Report]:
        with bar(title) as report:

            def count(done: int, total: int) -> None:
                totals.append(total)
                report(done, total)

            yield count

    height, width = run(source, target, progress=counting)
    tiles = f", in {totals[-1]} tiles" if totals[-1] > 1 else ""
    return f"{target}: {width} x {height} pixels{tiles}"


def _pairs(source: Path, target: Path) -> list[tuple[Path, Path]]:
    """Return each input with its output; for a folder, make the output folder and note the files that are no images."""
    if not source.is_dir():
        return [(source, target)]
    if target.exists() and not target.is_dir():
        raise ValueError(f"{source} is a folder, so the output must be one; {target} is a file")
    if target.is_dir() and target.samefile(source):
        raise ValueError(f"the output folder {target} is the input folder")
    found, others = images_and_others(source)
    for path in others:
        note(f"skipped {path}: {'not a file' if is_image(path) else 'not an image by its extension'}")
    if not found:
        raise ValueError(f"no {READ} files in {source}")
    if not target.parent.is_dir():
        raise ValueError(f"cannot write into {target}: the folder {target.parent} does not exist")
    check_folder(target).mkdir(exist_ok=True)
    sweep(target)
    return [(path, target / name) for path, name in zip(found, _names(found), strict=True)]


def _names(found: list[Path]) -> list[str]:
    """Return a name for each output, no two the same: the input's, with .png for a format that is not written."""
    own = {path.name for path in found}
    names = [written_name(path) for path in found]
    return [
        f"{path.name}.png" if name != path.name and (name in own or names.count(name) > 1) else name
        for path, name in zip(found, names, strict=True)
    ]


def _choose(model: str | None, scale: int | None, device: str | None, *, untrained: bool) -> tuple[Upscaler, str]:
    """Return the model that the options name, and a remark if it is not the trained network one may expect."""
    name, remark = full_name(model or "sat-tiny", scale), ""
    if model is None and not untrained and not bundled(name).is_file():
        missing, name = name, full_name("bicubic", scale)
        remark = f"no trained weights are bundled for {missing}; used {name}"
    if untrained:
        remark = f"{name} is untrained: its weights are random, and the result is no super-resolution"
    return choose_model(name, scale, device=device, untrained=untrained), remark


app = alone(upscale)
