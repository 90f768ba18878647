"""Rows that an interrupted evaluation has finished, so that the next one need not compute them again.

A row is filed under a key that is a hash of everything that made it: the network's configuration and every weight, the
protocol, the device's kind, the versions of satlib and torch, and the bytes of both images. A row of another model,
scale, option or image is therefore never found. Rows are appended, one JSON line each; a torn last line is ignored.
"""

import hashlib
import json
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path

import torch
from torch import nn

from satlib._version import __version__
from satlib.evaluation.evaluation import Score
from satlib.evaluation.protocol import Protocol
from satlib.network.model import SAT
from satlib.support.files import errors_of, hash_file
from satlib.upscaling.models import Upscaler


def fingerprint(model: Upscaler, protocol: Protocol, device: torch.device) -> str:
    """Return a hash of what all rows of an evaluation have in common.

    Raises
    ------
    ValueError
        If nothing tells the model from another one of its name: it is neither a module nor a dataclass
        of numbers and texts.
    """
    digest = hashlib.sha256()
    options = json.dumps(asdict(protocol), sort_keys=True)
    common = [__version__, torch.__version__, device.type, _settings(model), options]
    digest.update(json.dumps(common).encode())
    if isinstance(model, nn.Module):
        for name, tensor in model.state_dict().items():
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _settings(model: Upscaler) -> str:
    """Return what a model is, without its weights."""
    if isinstance(model, SAT):
        return json.dumps(model.config.to_dict(), sort_keys=True)
    kind = f"{model.name} {type(model).__qualname__}"
    if isinstance(model, nn.Module):
        return f"{kind} {model!r}"
    values = {one.name: getattr(model, one.name) for one in fields(model)} if is_dataclass(model) else model
    try:
        return f"{kind} {json.dumps(values)}"
    except TypeError as error:  # no dataclass, or a field, such as a network, that a text does not tell from another
        raise ValueError(
            "resume needs a model whose rows can be told from others', a torch.nn.Module or a dataclass of numbers and "
            f"texts; got {model.name!r}, a {type(model).__name__}"
        ) from error


def row_key(common: str, hr_file: Path, lr_file: Path | None) -> str:
    """Return the key of an image's row, given the evaluation's fingerprint.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    files = [hash_file(hr_file), "" if lr_file is None else hash_file(lr_file)]
    return hashlib.sha256(" ".join([common, *files]).encode()).hexdigest()


class Ledger:
    """A file of finished rows."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier run has left at ``path``, if anything; lines that are no rows are ignored."""
        self.path = path
        self._rows: dict[str, Score] = {}
        lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
        for line in lines:
            try:
                row = json.loads(line)
                key = str(row.pop("key"))
                self._rows[key] = Score(**row)
            except (ValueError, TypeError, KeyError, AttributeError):
                continue

    def find(self, key: str) -> Score | None:
        """Return the row filed under a key."""
        return self._rows.get(key)

    def add(self, key: str, score: Score) -> None:
        """File a row; it is on disk when this returns."""
        with errors_of(self.path), self.path.open("a") as file:
            file.write("\n" + json.dumps({"key": key, **asdict(score)}) + "\n")
