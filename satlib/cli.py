"""The command line: `satlib upscale`. Options become calls of the library; errors become one line and exit code 2."""

from functools import partial
from pathlib import Path
from typing import Annotated, Protocol

import torch
import typer

from satlib._version import __version__
from satlib.checkpoint import bundled, parse_name
from satlib.config import PRESETS, SCALES, SATConfig
from satlib.inference import Bicubic, Tile, get_model, scale_of
from satlib.memory import is_out_of_memory
from satlib.model import SAT
from satlib.picture import MAX_PIXELS
from satlib.progress import bar
from satlib.tiles import Report, check_tiles
from satlib.upscaling import image_files, upscale_file

BAD_INPUT = 2
"""Exit code after any error that is told in one line."""

DEFAULT_SCALE = 4

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; the entry point `satlib`."""
    app(prog_name="satlib")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"satlib {__version__}")
        raise typer.Exit


@app.callback()
def _satlib(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """SAT, the Selective Aggregation Transformer for image super-resolution."""


@app.command()
def upscale(
    source: Annotated[
        Path, typer.Argument(metavar="IN", readable=False, help="An image (PNG, JPEG, WebP, TIFF), or a folder.")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", readable=False, help="The image to write; a folder if IN is one.")
    ],
    model: Annotated[
        str | None, typer.Option(help="sat-tiny-x4, sat-tiny (with --scale), bicubic, or a file of weights.")
    ] = None,
    scale: Annotated[int | None, typer.Option(help="The factor, if the model's name leaves it open; else 4.")] = None,
    tile: Annotated[str, typer.Option(help="Side of a tile in pixels; none: whole image; auto: what fits.")] = "auto",
    overlap: Annotated[int, typer.Option(help="Pixels that neighbouring tiles share.")] = 16,
    ensemble: Annotated[bool, typer.Option("--ensemble", help="Average over 8 flips and turns.")] = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda ...; by default a GPU if there is one.")] = None,
    max_pixels: Annotated[int, typer.Option(help="Refuse larger inputs.")] = MAX_PIXELS,
    quality: Annotated[int, typer.Option(help="Of JPEG and WebP, 1 to 100.")] = 95,
    untrained: Annotated[bool, typer.Option("--untrained", help="Give the network random weights.")] = False,
) -> None:
    """Upscale an image, or each image of a folder into another folder under the same name."""
    try:
        side = _parse_tile(tile)
        check_tiles(None if side == "auto" else side, overlap)
        pairs = _pairs(source, target)
        network, remark = _choose_model(model, scale, device, untrained=untrained)
        if source.is_dir():
            target.mkdir(exist_ok=True)
    except (OSError, ValueError) as error:
        _tell(error)
        raise typer.Exit(BAD_INPUT) from None
    run = partial(
        upscale_file, model=network, tile=side, overlap=overlap, ensemble=ensemble, max_pixels=max_pixels,
        quality=quality,
    )  # fmt: skip
    failed = False
    for number, pair in enumerate(pairs, 1):
        label = pair[0].name if len(pairs) == 1 else f"{number}/{len(pairs)} {pair[0].name}"
        try:
            written = _upscale_one(run, *pair, label)
            if remark:
                _note(remark)
            remark = ""
            typer.echo(written)
        except (OSError, ValueError, MemoryError, RuntimeError) as error:
            _tell(error)
            failed = True
    if failed:
        raise typer.Exit(BAD_INPUT)


class _Run(Protocol):
    def __call__(self, source: Path, target: Path, *, report: Report) -> tuple[int, int]: ...


def _upscale_one(run: _Run, source: Path, target: Path, label: str) -> str:
    """Upscale a file behind a progress bar, and return a line that says what was written."""
    totals = [1]
    with bar(label) as report:

        def watch(done: int, total: int) -> None:
            totals.append(total)
            report(done, total)

        width, height = run(source, target, report=watch)
    tiles = f", in {totals[-1]} tiles" if totals[-1] > 1 else ""
    return f"{target}: {width} x {height} pixels{tiles}"


def _tell(error: Exception) -> None:
    """Tell an error in one line on stderr; one that better input would not avoid is raised again."""
    if is_out_of_memory(error):
        _note(f"out of memory: {error}" if str(error) else "out of memory; try a smaller --tile")
    elif isinstance(error, OSError) and error.strerror:
        _note(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    elif isinstance(error, (OSError, ValueError)):
        _note(str(error))
    else:
        raise error


def _note(message: str) -> None:
    typer.echo("satlib: " + " ".join(message.split()), err=True)


def _parse_tile(text: str) -> Tile:
    if text in ("auto", "none"):
        return "auto" if text == "auto" else None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"--tile must be auto, none or a number of pixels, got {text!r}") from None


def _pairs(source: Path, target: Path) -> list[tuple[Path, Path]]:
    """Return each input with its output; of a folder, note the files that are no images."""
    if not source.is_dir():
        return [(source, target)]
    if target.exists() and not target.is_dir():
        raise ValueError(f"{source} is a folder, so the output must be one; {target} is a file")
    if target.is_dir() and target.samefile(source):
        raise ValueError(f"the output folder {target} is the input folder")
    found, others = image_files(source)
    for path in others:
        _note(f"skipped {path}: not an image by its extension")
    if not found:
        raise ValueError(f"no PNG, JPEG, WebP or TIFF files in {source}")
    return [(path, target / path.name) for path in found]


def _choose_model(
    model: str | None, scale: int | None, device: str | None, *, untrained: bool
) -> tuple[SAT | Bicubic, str]:
    """Return the model that the options name, and a remark if it is not the trained network one may expect."""
    if scale not in (None, *SCALES):
        raise ValueError(f"--scale must be one of {', '.join(map(str, SCALES))}, got {scale}")
    factor, remark = scale or DEFAULT_SCALE, ""
    name = f"{model}-x{factor}" if model == "bicubic" or model in PRESETS else model
    if name is None:
        name = f"sat-tiny-x{factor}"
        if not untrained and not bundled(name).is_file():
            name = f"bicubic-x{factor}"
            remark = f"no trained weights are bundled yet; used {name}"
    if untrained:
        remark = f"{name} is untrained: its weights are random, and the result is no super-resolution"
    network = get_model(_untrained(name) if untrained else name, device)
    if scale not in (None, scale_of(network)):
        raise ValueError(f"--scale {scale} does not fit the model {name}, which upscales by {scale_of(network)}")
    return network, remark


def _untrained(name: str) -> SAT:
    """Build a named network with random weights, the same every time."""
    parsed = parse_name(name)
    if parsed is None:
        raise ValueError(f"--untrained needs a model of the form <preset>-x<scale>, got {name!r}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return SAT(SATConfig.preset(parsed[0], scale=parsed[1]))
