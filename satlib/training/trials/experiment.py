"""Experiment files: trainings that differ in one choice, with every seed, in the order in which they are run.

An experiment file is YAML with these keys::

    training: {recipe: quick, network: {preset: sat-tiny, scale: 2}, steps: 2000}  # fields of satlib.training
    rows:                                          # the choices: changes to the training, as for `satlib train --set`
      paper: []
      exact: ["network.selective=exact"]
    seeds: [0, 1, 2]                               # of each row
    scenes: {kind: copies, side: 48, train: [1, 2000], held_out: [2, 32]}  # instead of photographs

All rows of a seed come before the next seed, so that whatever is done can be compared at any time. ``scenes`` gives the
kind ("copies" or "legends", of :mod:`satlib.data`), the side, and the seed and the number of those to train on and of
those to measure on; ``training`` then names no data.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from satlib.config import SATConfig
from satlib.data.copies import copies
from satlib.data.legends import legend_map
from satlib.data.scenes import Scene
from satlib.support.checks import is_int, require
from satlib.support.yaml_files import read_yaml
from satlib.training import TrainConfig
from satlib.training.yaml_config import build_config

KEYS = ("training", "rows", "seeds", "scenes")


@dataclass(frozen=True)
class Scenes:
    """Which scenes are trained on, and which are measured on."""

    kind: str
    """"copies" or "legends"."""
    side: int
    """P; also the side of a training patch."""
    train: tuple[int, int]
    """Seed, and how many."""
    held_out: tuple[int, int]

    def draw(self, seed: int, number: int, *, broken: bool = False) -> Scene:
        """Draw a scene of this kind and side."""
        make = copies if self.kind == "copies" else legend_map
        return make((seed, number), side=self.side, broken=broken)


@dataclass(frozen=True)
class Training:
    """One training of an experiment."""

    row: str
    seed: int
    config: TrainConfig

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.row}-seed{self.seed}"


@dataclass(frozen=True)
class Experiment:
    """What an experiment file asks for."""

    trainings: tuple[Training, ...]
    """In the order in which they are run."""
    scenes: Scenes | None

    def chosen(self, rows: Collection[str], seeds: Collection[int]) -> list[Training]:
        """Return the trainings of some rows and seeds, in their order; of all where none is named.

        Raises
        ------
        ValueError
            If there is no such row or seed.
        """
        for what, wanted, known in (
            ("row", rows, [t.row for t in self.trainings]),
            ("seed", seeds, [t.seed for t in self.trainings]),
        ):
            for name in wanted:
                if name not in known:
                    raise ValueError(f"no {what} {name!r}; there are {', '.join(map(str, dict.fromkeys(known)))}")
        return [t for t in self.trainings if (not rows or t.row in rows) and (not seeds or t.seed in seeds)]


def read_experiment(path: str | Path, data: str | Path) -> Experiment:
    """Read an experiment file.

    Parameters
    ----------
    data
        Folder that the scenes are or will be in: "train.store" and "held_out".

    Raises
    ------
    OSError, ValueError
        If the file cannot be read or is not as above; the message names what is wrong.
    """
    content = read_yaml(path)
    try:
        return _read(_mapping(content, "the file"), Path(data))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _read(content: Mapping[str, object], data: Path) -> Experiment:
    for key in content:
        if key not in KEYS:
            raise ValueError(f"unknown key {key!r}; the keys are {', '.join(KEYS)}")
    base = _mapping(content.get("training"), "training")
    rows, seeds = _mapping(content.get("rows"), "rows"), content.get("seeds")
    require(bool(rows), "rows", rows, "at least one")
    valid = isinstance(seeds, list) and bool(seeds) and all(map(is_int, seeds)) and len(set(seeds)) == len(seeds)
    require(valid, "seeds", seeds, "a list of different integers")
    assert isinstance(seeds, list)
    scenes = None if content.get("scenes") is None else _scenes(_mapping(content["scenes"], "scenes"))
    if scenes is not None:
        places = {"store": str(data / "train.store"), "validation": str(data / "held_out"), "patch": scenes.side}
        for key in sorted(places.keys() & base.keys()):
            raise ValueError(f"training: {key} follows from scenes")
        base = {**base, **places}
    trainings = []
    for seed in seeds:
        for row, changes in rows.items():
            listed = isinstance(changes, list) and all(isinstance(change, str) for change in changes)
            require(listed, f"rows: {row}", changes, "a list of changes, field=value each")
            named = re.fullmatch(r"\w[\w.+-]*", row) is not None
            require(named, "rows: a name", row, "letters, digits, _, ., + and -, as it names a folder")
            assert isinstance(changes, list)
            config = build_config(base, [*changes, f"seed={seed}"], f"row {row}")
            require(config.holdout != 1, f"row {row}: holdout", 1, "2 or more: a photograph reads another one's tokens")
            scale = config.network.scale  # the measures are beside bicubic interpolation
            require(isinstance(config.network, SATConfig), f"row {row}: network", config.network, "a SATConfig")
            require(scale > 1, f"row {row}: network.scale", scale, "2, 3, 4 or 8 in an experiment")
            trainings.append(Training(row, seed, config))
    return Experiment(tuple(trainings), scenes)


def _scenes(values: Mapping[str, object]) -> Scenes:
    names = ("kind", "side", "train", "held_out")
    if sorted(values) != sorted(names):
        raise ValueError(f"scenes must have {', '.join(names)}, got {', '.join(values) or 'nothing'}")
    kind, side = values["kind"], values["side"]
    require(kind in ("copies", "legends"), "scenes: kind", kind, "copies or legends")
    require(is_int(side), "scenes: side", side, "an integer")
    return Scenes(str(kind), int(str(side)), _pair(values, "train"), _pair(values, "held_out"))


def _pair(values: Mapping[str, object], name: str) -> tuple[int, int]:
    value = values[name]
    valid = isinstance(value, list) and len(value) == 2 and all(map(is_int, value)) and value[0] >= 0 and value[1] >= 2
    require(valid, f"scenes: {name}", value, "a seed and how many, two at least")
    assert isinstance(value, list)
    return value[0], value[1]


def _mapping(value: object, what: str) -> dict[str, object]:
    valid = isinstance(value, dict) and all(isinstance(key, str) for key in value)
    require(valid, what, value, "a mapping from names to values")
    assert isinstance(value, dict)
    return value
