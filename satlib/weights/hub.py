"""Networks from the Hugging Face hub, by addresses "hf://owner/name" or, with a branch, tag or commit, "...@revision".

`huggingface_hub` (the extra `hub`) fetches the files, keeps them in its cache, and heeds HF_HUB_OFFLINE, HF_HOME and
HF_TOKEN.
"""

import importlib
import json
import re
from pathlib import Path

from satlib.config import SATConfig
from satlib.support.errors import first_line
from satlib.weights.tensors import read_config

ADDRESS = "hf://"
WEIGHTS, CONFIG = "model.safetensors", "config.json"
"""The files of a network's folder that are read."""
FIELDS = {"format", "version", "config"}
"""What config.json has."""
REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def is_address(name: object) -> bool:
    """Tell whether a model's name is an address on the hub."""
    return isinstance(name, str) and name.startswith(ADDRESS)


def check_repo(repo: str) -> str:
    """Return "owner/name", or raise ValueError if it is none."""
    if not REPO.fullmatch(repo):
        raise ValueError(f"a repository of the Hugging Face hub is owner/name, got {repo!r}")
    return repo


def fetch(address: str) -> tuple[Path, SATConfig]:
    """Return the file of weights behind an address, in the cache, and the configuration that lies beside it.

    Raises
    ------
    ValueError
        If the address is malformed, or config.json is none of a SAT or has fields that are not known.
    OSError
        If huggingface_hub is not installed, or the files can be had neither from the hub nor from the cache.
    """
    repo, _, revision = address.removeprefix(ADDRESS).partition("@")
    check_repo(repo)
    if address.endswith("@"):
        raise ValueError(f"{address} names no revision after its @")
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise OSError(
            f"{address} needs the package huggingface_hub; install satlib with it: pip install 'satlib[hub]'"
        ) from error
    try:
        found = [hub.hf_hub_download(repo, name, revision=revision or None) for name in (CONFIG, WEIGHTS)]
    except (OSError, ValueError) as error:
        reason = first_line(error).rstrip(".")
        raise OSError(f"{address} could not be had: {reason}; {_remedy(error)}") from error
    config, weights = map(Path, found)
    return weights, read_folder_config(config.read_text(encoding="utf-8"), address)


def read_folder_config(text: str, source: str) -> SATConfig:
    """Return the configuration of a config.json as `satlib.export.hugging_face` writes it.

    Raises
    ------
    ValueError
        If it is something else, or has a field that is not known.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{source}: {CONFIG} is no JSON: {first_line(error)}") from error
    if not isinstance(content, dict) or content.get("format") != "satlib":
        raise ValueError(f"{source}: {CONFIG} was not written by satlib")
    if unknown := sorted(content.keys() - FIELDS):
        known = ", ".join(sorted(FIELDS))
        raise ValueError(f"{source}: {CONFIG} has an unknown field {unknown[0]!r}; the fields are {known}")
    try:
        return read_config(json.dumps(content.get("config")))
    except ValueError as error:
        raise ValueError(f"{source}: {CONFIG} has an unusable configuration: {error}") from error


def _remedy(error: Exception) -> str:
    """Return what to do about files that could not be had."""
    if isinstance(error, (FileNotFoundError, ConnectionError)):
        return (
            "without network, or with HF_HUB_OFFLINE=1, only what is in the cache can be loaded: load it once with "
            f"network, or copy its {WEIGHTS} here and load that file"
        )
    return "check owner, name and revision; a private repository needs HF_TOKEN"
