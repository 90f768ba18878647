"""`satlib data`: what image sets there are, fetching and verifying them, and preparing them for training."""

from pathlib import Path
from typing import Annotated

import typer

from satlib import data
from satlib.commands.errors import BAD_INPUT, errors_in_one_line, note, tell_failures
from satlib.commands.paths import Command
from satlib.data.record import left_out, read_record
from satlib.support.progress_bar import bar

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Image sets: list, fetch, verify, prepare.")
Root = Annotated[Path, typer.Option("--root", metavar="DIR", help="The folder of all image sets.")]


@app.command("list", cls=Command, short_help="List image sets, their terms, and which are here.")
def list_sets(root: Root = Path("data")) -> None:
    """List the image sets of super-resolution, their terms, and which are here."""
    with errors_in_one_line():
        lines = [_line(dataset, root) for dataset in data.CATALOGUE]
    typer.echo(f"{'name':<10}{'images':>7}{'download':>11}  {'here':<5}{'use'}")
    for line in lines:
        typer.echo(line)
    typer.echo("\nTerms:")
    for dataset in data.CATALOGUE:
        typer.echo(f"  {dataset.name}: {dataset.terms}")


def _line(dataset: data.Dataset, root: Path) -> str:
    size = sum(archive.size or archive.rough_size or 0 for archive in dataset.archives)
    here = (root / dataset.name).is_dir() and read_record(root / dataset.name) is not None
    shown = f"{size / 1e6:,.0f} MB" if size else "-"
    return f"{dataset.name:<10}{dataset.images or '-':>7}{shown:>11}  {'yes' if here else 'no':<5}{dataset.use}"


@app.command("fetch", cls=Command)
def fetch_sets(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Image sets, as `satlib data list` names them.")
    ],
    root: Root = Path("data"),
    keep: Annotated[bool, typer.Option("--keep", help="Keep the downloaded archives.")] = False,
) -> None:
    """Download image sets into DIR/NAME. An interrupted download goes on where it stopped."""
    with errors_in_one_line():
        for dataset in [data.find_dataset(name) for name in names]:
            folder = data.fetch(dataset, root, keep=keep, progress=bar)
            typer.echo(f"{folder}: {dataset.images} images. {dataset.terms}")


@app.command("verify", cls=Command, short_help="Check every file of a folder.")
def verify_folder(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An image set, a store, any folder.")],
) -> None:
    """Check every file of a folder: against its record where it has one, else by decoding it."""
    with errors_in_one_line():
        problems = data.verify(folder, progress=bar)
        recorded = read_record(folder) is not None
    for problem in problems:
        note(problem)
    if problems:
        raise typer.Exit(BAD_INPUT)
    typer.echo(f"{folder}: every file is as recorded" if recorded else f"{folder}: no record; every image can be read")


@app.command("prepare", cls=Command, short_help="Make a store, which training reads, of a folder of images.")
def prepare_store(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="High-resolution images, in DIR and folders inside it.")
    ],
    to: Annotated[Path | None, typer.Option(metavar="STORE", help="The store; by default DIR.store.")] = None,
    scale: Annotated[
        list[int] | None, typer.Option(help="A scale to add; may be repeated; 1: photographs alone. [2, 3, 4]")
    ] = None,
    channels: Annotated[int | None, typer.Option(help="3: RGB; 1: grey. [3, or what the store has]")] = None,
    low: Annotated[
        Path | None, typer.Option(metavar="LOW", help="Low-resolution files of your own, for one --scale.")
    ] = None,
) -> None:
    """Make a store that training reads fast: images decoded once, and downscaled once per scale.

    Images that cannot be used are left out: a table names them in the end, and the exit code is 1.
    """
    with errors_in_one_line():
        store = data.prepare(
            folder, to, scales=scale or (2, 3, 4), channels=channels, low=low, leave_out=True, progress=bar
        )
        record = read_record(store)
        assert record is not None
    count, files = len(record["about"]["store"]), sorted(record["files"].items())
    content = ", ".join(f"{name} {_size(file['bytes'])}" for name, file in files)
    typer.echo(f"{store}: {count:,} photograph{'' if count == 1 else 's'}; {content}")
    tell_failures([(photo.name, photo.reason) for photo in left_out(record)], count, "images")


def _size(n_bytes: int) -> str:
    """Return a number of bytes in MB, or in kB below 1 MB."""
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:,.1f} kB"
