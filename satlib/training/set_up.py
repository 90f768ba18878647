"""A run as a notebook asks for it: a configuration of the repository, and paths that hold wherever the notebook is."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from satlib import samples
from satlib.config import SATConfig
from satlib.data.store_writer import prepare
from satlib.network.convolutional import NetworkConfig
from satlib.training.config import STARTS, TrainConfig
from satlib.training.yaml_config import read_config
from satlib.weights.checkpoint import bundled_names
from satlib.weights.hub import is_address

SAMPLES = "samples.store"
"""Name of the store of the package's sample photographs, which is made where it is missing."""


def set_up(
    config: str, *, overrides: Sequence[str] = (), steps: int = 0, seed: int = -1, out: str = ""
) -> tuple[TrainConfig, Path]:
    """Return the configuration of a run that validates, and its folder, which is made.

    Parameters
    ----------
    config
        A file below the current folder or one above it, or of the checkout that satlib is run from, such as
        "runs/train/smoke.yaml". The store and other files that it names are found from the same folder.
    overrides
        Changes to it, "field=value" each.
    steps, seed
        Go before those of the file; 0 and -1: they do not.
    out
        The folder; empty: a temporary one.

    Raises
    ------
    OSError
        If there is no such file, or a folder cannot be made.
    ValueError
        If it holds a bad field, no photographs to validate on, or a network that the chapter on training cannot show:
        convolutional, grey, or of scale 1.
    """
    root = _root(config)
    changes = [*overrides, *([f"steps={steps}"] if steps else []), *([f"seed={seed}"] if seed >= 0 else [])]
    settings = read_config(root / config, changes)
    if not settings.holdout and settings.validation is None:
        raise ValueError(f"{config} must have photographs to validate on, got holdout=0 and validation=None")
    _check_shown(config, settings.network)
    folder = Path(out or tempfile.mkdtemp()).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    store = root / settings.store
    if store.name == SAMPLES and not store.is_dir():
        store = prepare(samples.path("coffee").parent, folder / SAMPLES, scales=[settings.network.scale])
    places = {"store": str(store)}
    if settings.validation is not None:
        places["validation"] = str(root / settings.validation)
    if settings.start not in (*STARTS, *bundled_names()) and not is_address(settings.start):
        places["start"] = str(root / settings.start)
    return settings.replace(**places), folder


def _check_shown(config: str, network: NetworkConfig) -> None:
    """Raise ValueError if the chapter cannot show such a network: it draws what SAA chooses in colour photographs."""
    if not isinstance(network, SATConfig):
        raise ValueError(f"{config} must be of a SAT network here, got a convolutional one; `satlib train` trains both")
    if network.in_channels != 3 or network.scale == 1:
        raise ValueError(
            f"{config} must be of a network that enlarges colour photographs here, got "
            f"in_channels={network.in_channels} and scale={network.scale}; `satlib train` trains others, too"
        )


def _root(config: str) -> Path:
    """Return the folder that a configuration is named from; the current one, if it is nowhere."""
    here = Path.cwd()
    folders = (here, *here.parents, Path(__file__).parents[2])
    return next((folder for folder in folders if (folder / config).is_file()), here)
