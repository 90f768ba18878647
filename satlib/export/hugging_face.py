"""A folder for the Hugging Face hub: the weights, the configuration, and a model card with its front matter.

`satlib.load("hf://owner/name")` reads such a folder from the hub (`satlib.weights.hub`).
"""

import json
from os import PathLike
from pathlib import Path

from satlib._version import __version__
from satlib.export.records import Result, read_prose, read_results
from satlib.network.model import SAT, as_sat
from satlib.support.files import replacing
from satlib.support.paths import check_folder
from satlib.weights.checkpoint import FORMAT, save
from satlib.weights.hub import CONFIG, WEIGHTS, check_repo
from satlib.weights.tensors import check_own

UPSCALING = ["super-resolution", "image-super-resolution"]
"""Tags of a network that makes images larger."""

CARD = "README.md"
"""What the hub calls a model card."""


def write_folder(
    model: SAT, folder: str | PathLike[str], *, name: str, repo: str | None = None, license: str | None = None
) -> Path:
    """Write a network as a folder of three files for the Hugging Face hub.

    Parameters
    ----------
    model
        The network.
    folder
        The folder; it is made if it is not there, and may hold none of the files yet.
    name
        What the card calls the network. Of a bundled network, its name: the card then has its measured numbers.
    repo
        "owner/name" on the hub, if it is known where the folder will go; the card then says how to load it from there.
    license
        As the hub spells it, for example "mit"; ``None``: the card names none.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ValueError
        If ``repo`` is no "owner/name", or the network is none that :func:`satlib.save` takes. No folder is made then.
    OSError
        If one of the files is there already, or cannot be written.
    """
    model, target = as_sat(model), check_folder(folder)
    if repo is not None:
        check_repo(repo)
    for file in (WEIGHTS, CONFIG, CARD):
        if (target / file).exists():
            raise FileExistsError(f"{target / file} is there already; give a new folder")
    check_own(model, lambda: SAT(model.config))  # what cannot be saved leaves no folder behind
    card = model_card(model, name=name, repo=repo, license=license)
    target.mkdir(parents=True, exist_ok=True)
    save(model, target / WEIGHTS)
    config = {"format": FORMAT, "version": __version__, "config": model.config.to_dict()}
    with replacing(target / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    with replacing(target / CARD) as temporary:
        temporary.write_text(card, encoding="utf-8")
    return target


def model_card(model: SAT, *, name: str, repo: str | None = None, license: str | None = None) -> str:
    """Return a model card in Markdown, its front matter first; the arguments are those of :func:`write_folder`."""
    model, results = as_sat(model), read_results(name)
    address = f"hf://{repo}" if repo else WEIGHTS
    task = "the restoration of images" if model.scale == 1 else "super-resolution"
    what = f"SAT, the Selective Aggregation Transformer, for {task}"
    whose = (
        ["", "Trained by the authors of satlib, not by those of the paper, who published no weights."]
        if results
        else []
    )
    start = [
        f"# {name}",
        "",
        f"{what}, x{model.scale}, {model.n_params:,} parameters.",
        *whose,
        "",
        "```python",
        "import satlib",
        "",
        f'model = satlib.load("{address}")',
        'satlib.upscale("photo.png", model)',
        "```",
        "",
        "## Quality",
        "",
    ]
    front = _front_matter(model, name, license, results)
    return "\n".join([*front, "", *start, *_table(results), *read_prose(name), ""])


def _front_matter(model: SAT, name: str, license: str | None, results: list[Result]) -> list[str]:
    """Return the lines of the front matter: YAML, whose values are written as JSON, which is YAML, too."""
    values: dict[str, object] = {"license": license} if license else {}
    values |= {
        "library_name": FORMAT,
        "pipeline_tag": "image-to-image",
        "tags": [*(["image-restoration"] if model.scale == 1 else UPSCALING), "transformer", f"x{model.scale}"],
    }
    if results:
        values["metrics"] = ["psnr", "ssim"]
        values["model-index"] = [{"name": name, "results": [_indexed(result) for result in results]}]
    return ["---", *(f"{key}: {json.dumps(value)}" for key, value in values.items()), "---"]


def _indexed(result: Result) -> dict[str, object]:
    """Return the numbers of one set of images as the hub's index of models has them."""
    return {
        "task": {"type": "image-to-image", "name": f"Super-resolution x{result.scale}"},
        "dataset": {"type": result.data.lower(), "name": result.data},
        "metrics": [
            {"type": "psnr", "name": "PSNR on Y in dB", "value": round(result.psnr, 3)},
            {"type": "ssim", "name": "SSIM on Y", "value": round(result.ssim, 4)},
        ],
    }


def _table(results: list[Result]) -> list[str]:
    """Return the lines of a table of all numbers, or the line that says that there are none."""
    if not results:
        return ["Not measured: there is no record of this network's numbers."]
    rows = [f"| {r.data} | {r.psnr:.3f} / {r.ssim:.4f} | {r.baseline} |" for r in results]
    said = "PSNR in dB and SSIM on Y, inputs made by MATLAB's bicubic, as many pixels shaved as the scale."
    return [said, "", "| set | this network | bicubic |", "|---|---|---|", *rows]
