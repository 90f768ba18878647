"""What the robustness programs disturb: upscaling a folder, saving a network, preparing a store, training.

Each works in a folder of its own, on inputs that are made once, and gives the same files every time, so that what is
there after a disturbance can be held against them.
"""

import os
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from satlib import SAT, SATConfig, load, samples, save
from satlib.commands.app import app
from satlib.data.record import check_record, read_record
from satlib.support.temporary import PREFIX
from satlib.training import write_config
from satlib.training.checkpoints import checkpoints, read
from satlib.training.config import TrainConfig

NETWORK = SATConfig.preset("sat-tiny", 2, channels=16, heads=2, groups=(1,))


class Subject(ABC):
    """One piece of work that writes files."""

    def __init__(self, folder: Path) -> None:
        self.inputs, self.disk = folder / "inputs", folder / "disk"
        self.out = self.disk / "out"
        for made in (self.inputs, self.disk):
            made.mkdir(parents=True, exist_ok=True)
        self.make_inputs()
        ended = in_child(self.run)
        if ended.code:
            raise RuntimeError(f"{self.name} fails undisturbed with exit code {ended.code}: {ended.said}")
        self.reference = self.files()
        self.clear()

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return type(self).__name__.lower()

    @abstractmethod
    def make_inputs(self) -> None:
        """Make what the work reads."""

    @abstractmethod
    def run(self) -> None:
        """Do the work, in a process of its own."""

    def clear(self) -> None:
        """Remove what the work has written."""
        shutil.rmtree(self.out, ignore_errors=True)

    def files(self) -> dict[str, bytes]:
        """Return the content of the files that are the same every time."""
        return {path.name: path.read_bytes() for path in sorted(self.out.glob("[!.]*")) if path.is_file()}

    def half_written(self) -> list[str]:
        """Return what is wrong with the files that are there, a line each."""
        return [f"{name} differs" for name, content in self.files().items() if content != self.reference.get(name)]

    def incomplete(self) -> list[str]:
        """Return what is wrong after a call that was not disturbed, a line each."""
        missing = [f"{name} is missing" for name in self.reference if name not in self.files()]
        left = [f"{path} is left" for path in self.out.rglob(f"{PREFIX}*")] if self.out.is_dir() else []
        return [*missing, *left, *self.half_written()]


class Upscale(Subject):
    """`satlib upscale`, a folder into another."""

    def make_inputs(self) -> None:
        """Make images, and a network."""
        save_network(self.inputs.parent / "network.safetensors", 0)
        for number, photo in enumerate(photographs(4, 40)):
            Image.fromarray(photo).save(self.inputs / f"{number}.png")

    def run(self) -> None:
        """Do the work."""
        app(
            ["upscale", str(self.inputs), str(self.out), "--model", str(self.inputs.parent / "network.safetensors")],
            standalone_mode=True,
        )


class Save(Subject):
    """`satlib.save`, over the file of another network."""

    def make_inputs(self) -> None:
        """Make a network."""
        save_network(self.inputs / "new.safetensors", 1)

    def run(self) -> None:
        """Do the work."""
        model = load(self.inputs / "new.safetensors")
        self.out.mkdir(exist_ok=True)
        for _ in range(20):
            save(model, self.out / "network.safetensors")


class Prepare(Subject):
    """`satlib data prepare`."""

    def make_inputs(self) -> None:
        """Make photographs."""
        for number, photo in enumerate(photographs(6, 96)):
            Image.fromarray(photo).save(self.inputs / f"{number}.png")

    def run(self) -> None:
        """Do the work."""
        app(["data", "prepare", str(self.inputs), "--to", str(self.out)], standalone_mode=True)

    def files(self) -> dict[str, bytes]:
        """Return the pixels; the record holds times."""
        return {name: content for name, content in super().files().items() if name.endswith(".u8")}

    def half_written(self) -> list[str]:
        """Compare the record's checksums, too."""
        record = read_record(self.out) if self.out.is_dir() else None
        return super().half_written() + ([] if record is None else check_record(self.out, record, deep=True))


class Train(Subject):
    """`satlib train`, which goes on where it was."""

    def make_inputs(self) -> None:
        """Make a store and a configuration."""
        photos, store = self.inputs / "photos", self.inputs / "store"
        photos.mkdir()
        for number, photo in enumerate(photographs(3, 64)):
            Image.fromarray(photo).save(photos / f"{number}.png")
        in_child(lambda: app(["data", "prepare", str(photos), "--to", str(store), "--scale", "2"]))
        config = TrainConfig(
            network=NETWORK,
            store=str(store),
            holdout=1,
            steps=10,
            batch=2,
            patch=16,
            save_every=2,
            validate_every=4,
            log_every=2,
            ema=0.9,
            threads=1,
        )
        write_config(config, self.inputs / "config.yaml")

    def run(self) -> None:
        """Do the work."""
        config = str(self.inputs / "config.yaml")
        app(["train", config, "--out", str(self.out), "--resume", "auto", "--device", "cpu"], standalone_mode=True)

    def files(self) -> dict[str, bytes]:
        """Return the last network; checkpoints and tables hold times."""
        return {name: content for name, content in super().files().items() if name == "last.safetensors"}

    def half_written(self) -> list[str]:
        """Read every checkpoint and every network."""
        problems = []
        for path in (*checkpoints(self.out / "checkpoints"), *self.out.glob("[!.]*.safetensors")):
            try:
                read(path) if path.suffix == ".pt" else load(path)
            except (OSError, ValueError) as error:
                problems.append(str(error))
        return problems

    def incomplete(self) -> list[str]:
        """Compare the last network, too."""
        same = self.files() == self.reference
        return super().incomplete() + ([] if same else ["last.safetensors is not that of an undisturbed run"])


SUBJECTS: tuple[type[Subject], ...] = (Upscale, Save, Prepare, Train)


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    said: str
    """What it printed on both streams."""


class Child:
    """Something that is done in a process of its own, where torch is loaded already."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.output, target = os.pipe()
        sys.stdout.flush()
        self.number = os.fork()
        if not self.number:
            _work(work, target)
        os.close(target)

    def wait(self) -> Ended:
        """Wait for its end; what it prints must fit into a pipe."""
        code = os.waitstatus_to_exitcode(os.waitpid(self.number, 0)[1])
        with open(self.output, "rb") as file:
            return Ended(code, file.read().decode(errors="replace"))


def _work(work: Callable[[], object], target: int) -> None:
    """Do something, and end the process."""
    code = 1
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        os.close(target)
        torch.set_num_threads(1)
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:  # the process ends here whatever happens
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def in_child(work: Callable[[], object]) -> Ended:
    """Do something in a process of its own, and return how that ended."""
    return Child(work).wait()


def photographs(n: int, side: int) -> list[np.ndarray]:
    """Return square cuts of a photograph, (side, side, 3) uint8."""
    photo = np.asarray(samples.load("coffee"))
    return [np.roll(photo, -29 * number, axis=1)[:side, :side] for number in range(n)]


def save_network(path: Path, seed: int) -> None:
    """Save a random network."""
    torch.manual_seed(seed)
    save(SAT(NETWORK), path)
