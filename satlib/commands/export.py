"""`satlib export`: a network in the form that another place wants, chosen by the target."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from satlib.commands.errors import errors_in_one_line
from satlib.commands.export_onnx import write_onnx
from satlib.commands.on_demand import alone
from satlib.commands.options import choose_model
from satlib.export.hugging_face import write_folder
from satlib.export.openmodeldb import write_entry
from satlib.network.model import SAT
from satlib.weights.checkpoint import bundled, bundled_names, save

Kind = Literal["onnx", "hugging-face", "safetensors", "openmodeldb"]
"""What can be written: a file for programs without torch, a folder for the hub, a file for spandrel and others, an
entry of OpenModelDB."""


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A name such as sat-tiny-x2, or a file of weights.")],
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="An .onnx, .safetensors or .json file, or a new folder.")
    ],
    kind: Annotated[Kind | None, typer.Option(help="What to write, where TARGET does not tell.")] = None,
    explore: Annotated[
        bool, typer.Option("--explore", help="ONNX: K, m, tau, samples as inputs, every layer's choices as outputs.")
    ] = False,
    fp16: Annotated[
        bool, typer.Option("--fp16", help="ONNX: round the weights to float16; bundled networks have such already.")
    ] = False,
    repo: Annotated[str | None, typer.Option(metavar="OWNER/NAME", help="Where on the hub the folder will go.")] = None,
    license_: Annotated[str | None, typer.Option("--license", help="The licence: mit on the hub, MIT else.")] = None,
    url: Annotated[list[str] | None, typer.Option(help="Where the file is published; may be repeated.")] = None,
    author: Annotated[str, typer.Option(help="The author's id in OpenModelDB.")] = "",
    date: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="The day of publication.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="A tag of OpenModelDB; may be repeated.")] = None,
    description: Annotated[str, typer.Option(help="The text of the entry, in Markdown.")] = "",
) -> None:
    """Write a network as ONNX, or for the Hugging Face hub (a folder), OpenModelDB (.json), or spandrel (.safetensors).

    An ONNX file takes a minute or two and is checked with onnxruntime: printed is how far it is from the network at
    three sizes; a file that is too far is not kept (exit code 2).
    """
    with errors_in_one_line():
        chosen, network = kind or choose_kind(target), choose_model(model, None, device="cpu", untrained=False)
        given: dict[str, object] = {
            "--repo": repo,
            "--license": license_,
            "--url": url,
            "--author": author,
            "--date": date,
            "--tag": tag,
        }
        given |= {"--description": description, "--explore": explore, "--fp16": fp16}
        _check_options(chosen, {name for name, value in given.items() if value})
        if not isinstance(network, SAT):
            raise ValueError(f"only a SAT can be exported, got {model!r}")
        if chosen == "onnx":
            write_onnx(network, target, explore=explore, half=fp16)
        elif chosen == "safetensors":
            save(network, target)
        elif chosen == "hugging-face":
            write_folder(network, target, name=_name(model), repo=repo, license=license_)
        else:
            write_entry(
                network,
                target,
                file=_file(model),
                urls=url or [],
                author=author,
                published=date,
                license=license_,
                description=description or f"{network.name}, {network.n_params:,} parameters.",
                tags=tag or [],
            )
    if chosen != "onnx":
        typer.echo(f"{target}: {chosen}")


def choose_kind(target: Path) -> Kind:
    """Return what is written to a target: a file by its extension, a folder for the hub.

    Raises
    ------
    ValueError
        If the extension is none that is known.
    """
    if target.suffix == ".onnx":
        return "onnx"
    if target.suffix == ".safetensors":
        return "safetensors"
    if target.suffix == ".json":
        return "openmodeldb"
    if target.suffix == "" or target.is_dir():
        return "hugging-face"
    known = "an .onnx, .safetensors or .json file or a folder"
    raise ValueError(f"TARGET must be {known}, or --kind given; got {str(target)!r}")


def _check_options(kind: Kind, given: set[str]) -> None:
    """Raise ValueError if an option is given that has nothing to say about what is written."""
    own = {"onnx": {"--explore", "--fp16"}, "hugging-face": {"--repo", "--license"}, "safetensors": set[str]()}
    known = own.get(kind, given - {"--repo", *own["onnx"]})
    if unused := sorted(given - known):
        raise ValueError(f"{unused[0]} says nothing about {kind}")


def _name(model: str) -> str:
    """Return what a card calls a model: a bundled name, or that of its file or repository."""
    return model if model in bundled_names() else Path(model).stem


def _file(model: str) -> Path:
    """Return the file of a model: the bundled one, or the one given."""
    return bundled(model) if model in bundled_names() else Path(model)


app = alone(export)
