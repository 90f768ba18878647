"""`satlib evaluate`: PSNR, SSIM and LPIPS of a model on folders of images, beside what is published."""

import json
from pathlib import Path
from typing import Annotated

import typer

from satlib.commands.errors import BAD_INPUT, errors_in_one_line, note
from satlib.commands.options import choose_model, parse_tile
from satlib.evaluation import Evaluation, published_rows
from satlib.evaluation import evaluate as run
from satlib.support.files import replacing
from satlib.support.progress_bar import bar


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="bicubic, sat-tiny, sat-tiny-x4, a file of weights.")],
    data: Annotated[list[Path], typer.Option("--data", metavar="DIR", help="Images; may be given several times.")],
    scale: Annotated[int, typer.Option(help="Upscaling factor.")],
    lr: Annotated[Path | None, typer.Option(metavar="DIR", help="Low-resolution images of the same names.")] = None,
    tile: Annotated[str, typer.Option(help="Side of a tile in pixels; none: whole image; auto: what fits.")] = "none",
    overlap: Annotated[int, typer.Option(help="Pixels that neighbouring tiles share.")] = 16,
    ensemble: Annotated[bool, typer.Option("--ensemble", help="Average over 8 flips and turns.")] = False,
    metrics: Annotated[str, typer.Option(help="Some of psnr, ssim, lpips, with commas.")] = "psnr,ssim",
    rounded: Annotated[bool, typer.Option("--rounded", help="Round Y to 8 bits, as MATLAB does.")] = False,
    gray: Annotated[str, typer.Option(help="Grey photographs: rgb (as BasicSR) or y (as older code).")] = "rgb",
    save_images: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the upscaled images.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all numbers.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda ...; by default a GPU if there is one.")] = None,
    untrained: Annotated[bool, typer.Option("--untrained", help="Give the network random weights.")] = False,
) -> None:
    """Measure a model on folders of images, as papers do, and print a Markdown table for each.

    With --json, an interrupted run goes on where it stopped: FILE.rows keeps the images that are finished.
    """
    results = []
    rows = None if json_file is None else json_file.with_name(json_file.name + ".rows")
    with errors_in_one_line():
        if lr is not None and len(data) > 1:
            raise ValueError("--lr goes with one --data folder")
        if json_file is not None and not json_file.parent.is_dir():
            raise ValueError(f"cannot write {json_file}: the folder {json_file.parent} does not exist")
        network = choose_model(model, scale, device=device, untrained=untrained)
        if untrained:
            note(f"{model} is untrained: its weights are random, and its numbers say nothing of SAT")
        for folder in data:
            nested = save_images is not None and len(data) > 1
            result = run(
                network, folder, scale=scale, lr=lr, metrics=tuple(metrics.replace(" ", "").split(",")),
                rounded=rounded, gray=gray, tile=parse_tile(tile), overlap=overlap, ensemble=ensemble,
                name=f"{model}, untrained" if untrained else Path(model).name, progress=bar,
                save_images=save_images / folder.resolve().name if save_images and nested else save_images,
                resume=rows,
            )  # fmt: skip
            _show(result, folder)
            results.append(result)
        if json_file is not None:
            _write(results, json_file)
    if any(result.failures for result in results):
        raise typer.Exit(BAD_INPUT)
    if rows is not None:
        rows.unlink(missing_ok=True)


def _show(result: Evaluation, folder: Path) -> None:
    """Print the table on stdout, and what failed on stderr."""
    typer.echo(result.to_markdown(published_rows(folder, result.protocol.scale)))
    for name, reason in result.failures:
        note(reason if name in reason else f"{name}: {reason}")


def _write(results: list[Evaluation], path: Path) -> None:
    with replacing(path) as temporary:
        values = [result.to_dict() for result in results]
        temporary.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n")
