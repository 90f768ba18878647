"""An entry of OpenModelDB, a public list of networks that make images larger: one JSON file for each network.

The fields are those of `src/lib/schema.ts` in github.com/OpenModelDB/open-model-database, and of its published entries,
which have files of safetensors. SAT is not among its architectures yet, and has to be added to
`data/architectures.json` with the first entry.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import date
from os import PathLike
from pathlib import Path

from satlib.network.model import SAT, as_sat
from satlib.support.files import replacing
from satlib.support.paths import as_path, check_writable

ARCHITECTURE = "sat"
"""The id of the architecture."""
IDENTIFIER = re.compile(r"[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*")
"""Users and tags."""
MODEL = re.compile(r"\d+x-[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*")
"""Names of entries: the scale first."""
TYPES = {".safetensors": "safetensors", ".pth": "pth"}
"""Extensions of files, and what they are called."""


def write_entry(
    model: SAT,
    path: str | PathLike[str],
    *,
    file: str | PathLike[str],
    urls: Sequence[str],
    author: str,
    published: str,
    license: str | None,
    description: str,
    tags: Sequence[str] = (),
) -> Path:
    """Write the entry of a network.

    Parameters
    ----------
    model
        The network.
    path
        "<scale>x-<name>.json", as "2x-SAT-tiny.json"; the name of the entry is that of the file.
    file
        The file of weights as it is published: its size and its SHA-256 are in the entry.
    urls
        Where it is published, one address or several.
    author
        The author's id in OpenModelDB, letters and digits with hyphens between.
    published
        The day, yyyy-mm-dd.
    license
        As SPDX spells it, for example "MIT"; ``None`` for none.
    description
        Markdown.
    tags
        Ids of OpenModelDB's tags.

    Raises
    ------
    ValueError
        If one of them is not as OpenModelDB asks for it; the message names it.
    OSError
        If the file cannot be read or the entry not be written.
    """
    model = as_sat(model)
    target, weights = check_writable(path), as_path(file, "file")
    _require(target.suffix == ".json" and MODEL.fullmatch(target.stem), "the entry's file", target.name, "2x-Name.json")
    scale = int(target.stem.split("x")[0])
    _require(scale == model.scale, "the entry's file", target.name, f"{model.scale}x-..., as the network's scale")
    _require(weights.suffix in TYPES, "the file of weights", weights.name, "a .safetensors or .pth file")
    _require(len(urls) > 0, "the addresses", list(urls), "one or more")
    for url in urls:
        _require(re.fullmatch(r"https?://[^\s/]+/\S+", url), "an address", url, "https://host/path")
    for name, value in (("author", author), *(("a tag", tag) for tag in tags)):
        _require(IDENTIFIER.fullmatch(value), name, value, "letters and digits, with hyphens between")
    _require(_is_day(published), "published", published, "a day, yyyy-mm-dd")
    resource = {
        "platform": "pytorch",
        "type": TYPES[weights.suffix],
        "size": weights.stat().st_size,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "urls": list(urls),
    }
    entry = {
        "name": target.stem.split("-", 1)[1],
        "author": author,
        "license": license,
        "tags": list(tags),
        "description": description,
        "date": published,
        "architecture": ARCHITECTURE,
        "size": [f"{model.config.channels}ch"],
        "scale": model.scale,
        "inputChannels": model.in_channels,
        "outputChannels": model.in_channels,
        "resources": [resource],
        "images": [],
    }
    with replacing(target) as temporary:
        temporary.write_text(json.dumps(entry, indent=4, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _require(condition: object, name: str, value: object, wanted: str) -> None:
    if not condition:
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
