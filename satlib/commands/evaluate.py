"""`satlib evaluate`: PSNR, SSIM, LPIPS and DISTS of a model on folders of images, beside what is published."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from satlib.commands.errors import MENDABLE, errors_in_one_line, note, reason, tell_failures
from satlib.commands.on_demand import alone
from satlib.commands.options import choose_model, parse_tile
from satlib.data.degradation import PRESETS, Pass, passes_of
from satlib.evaluation import Evaluation, Protocol, published_rows
from satlib.evaluation import evaluate as run
from satlib.evaluation.run import check_given
from satlib.images.folder import image_files
from satlib.support.files import replacing
from satlib.support.paths import check_folder, check_writable
from satlib.support.progress_bar import bar


def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="bicubic, sat-tiny-x4, sat-tiny-real-x2, a file, unrestored.")
    ],
    data: Annotated[list[Path], typer.Option("--data", metavar="DIR", help="Images; may be given several times.")],
    scale: Annotated[int, typer.Option(help="Upscaling factor; 1: restoration.")],
    lr: Annotated[Path | None, typer.Option(metavar="DIR", help="Low-resolution images of the same names.")] = None,
    tile: Annotated[str, typer.Option(help="Side of a tile in pixels; none: whole image; auto: what fits.")] = "none",
    overlap: Annotated[int, typer.Option(help="Pixels that neighbouring tiles share.")] = 16,
    ensemble: Annotated[bool, typer.Option("--ensemble", help="Average over 8 flips and turns.")] = False,
    metrics: Annotated[str, typer.Option(help="Some of psnr, ssim, lpips, dists, with commas.")] = "psnr,ssim",
    rounded: Annotated[bool, typer.Option("--rounded", help="Round Y to 8 bits, as MATLAB does.")] = False,
    gray: Annotated[
        str, typer.Option(help="Grey photographs: rgb (as BasicSR), y (as older code); all: all made grey.")
    ] = "rgb",
    degradation: Annotated[
        str | None, typer.Option(help="Make the inputs so: one-pass, two-passes, mild, or a list of passes as YAML.")
    ] = None,
    save_images: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the upscaled images.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all numbers.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, mps ...; by default CUDA's if there is one.")] = None,
    untrained: Annotated[bool, typer.Option("--untrained", help="Give the network random weights.")] = False,
) -> None:
    """Measure a model on folders of images, as papers do, and print a Markdown table for each.

    With --json, an interrupted run goes on where it stopped: FILE.rows keeps the images that are finished. Exit code: 0
    if all went well; 1 if some images or folders could not be measured, which a table names in the end; 2 if none was.
    """
    results: list[Evaluation] = []
    failures: list[tuple[str, str]] = []
    rows = None if json_file is None else Path(f"{json_file}.rows")
    with errors_in_one_line():
        if lr is not None and len(data) > 1:
            raise ValueError("--lr goes with one --data folder")
        for folder in data:
            image_files(folder)
        for file in [path for path in (json_file, rows) if path is not None]:
            check_writable(file)
        if save_images is not None:
            check_folder(save_images)
            _check_different([folder.resolve().name for folder in data])
        options: dict[str, Any] = {
            "metrics": tuple(metrics.replace(" ", "").split(",")),
            "rounded": rounded,
            "gray": gray,
            "degradation": _passes(degradation),
            "tile": parse_tile(tile),
            "overlap": overlap,
            "ensemble": ensemble,
            "scale": scale,
        }
        network = choose_model(model, scale, device=device, untrained=untrained)
        protocol = Protocol(**options)  # what it refuses is told before anything is measured
        check_given(protocol, lr)
        if untrained:
            note(f"{model} is untrained: its weights are random, and its numbers say nothing of SAT")
        name = f"{model}, untrained" if untrained else Path(model).name
        for folder in data:
            nested = save_images is not None and len(data) > 1
            target = save_images / folder.resolve().name if save_images and nested else save_images
            try:
                result = run(
                    network, folder, lr=lr, name=name, progress=bar, resume=rows, save_images=target, **options
                )
            except MENDABLE as error:
                if len(data) == 1:
                    raise
                failures.append((str(folder), reason(error)))
                note(failures[-1][1])
                continue
            _show(result, folder)
            results.append(result)
            failures += result.failures
        if results and json_file is not None:
            _write(results, json_file)
    tell_failures(failures, sum(len(result.images) for result in results), "images or folders")
    if rows is not None:
        rows.unlink(missing_ok=True)


def _check_different(names: list[str]) -> None:
    """Raise ValueError if two folders of one name would write their upscaled images over each other's."""
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"--save-images has a folder for each of --data, and two are called {twice[0]!r}")


def _passes(text: str | None) -> tuple[Pass, ...]:
    """Return the passes that --degradation asks for; a list needs PyYAML."""
    if text is None or text in PRESETS:
        return passes_of(text)
    from satlib.support.yaml_files import parse_yaml

    return passes_of(parse_yaml(text, "--degradation"))


def _show(result: Evaluation, folder: Path) -> None:
    """Print the table on stdout, and what failed on stderr."""
    protocol = result.protocol
    typer.echo(result.to_markdown({} if protocol.degradation else published_rows(folder, protocol.scale)))
    for name, text in result.failures:
        note(text if name in text else f"{name}: {text}")


def _write(results: list[Evaluation], path: Path) -> None:
    with replacing(path) as temporary:
        values = [result.to_dict() for result in results]
        temporary.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n")


app = alone(evaluate)
