"""How many threads torch has, how they wait for one another, and who has decided it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from satlib.support.environment import ON_THREADS, SPINS, WAITING, Origin, origin

OWN = {"libgomp": (SPINS,), "libomp": ("KMP_BLOCKTIME",), "libiomp5": ("KMP_BLOCKTIME",)}
"""Variables of each runtime that say for how long a thread spins."""


@dataclass(frozen=True)
class Waiting:
    """How threads wait: asleep, or spinning, which takes a core from other work."""

    passive: bool
    variable: str | None
    """The variable that decides, with its value; None: the runtime's own way, which is to spin for a while."""
    set_by: Origin | None


@dataclass(frozen=True)
class Threads:
    """The threads of one operation of torch."""

    number: int
    variable: str | None
    """The variable that sets the number, with its value; None: torch's own number, or one set in Python."""
    set_by: Origin | None


def find_waiting(environ: Mapping[str, str], runtimes: Collection[str]) -> Waiting:
    """Return how threads wait in a process whose environment was this when it imported torch.

    What a runtime has of its own stands above the policy that all know.

    Parameters
    ----------
    runtimes
        The runtimes of OpenMP in the process, of those in `OWN`.
    """
    own = [name for runtime in runtimes for name in OWN[runtime]]
    for name in (*own, WAITING):
        value = environ.get(name)
        if value:
            passive = value.strip().lower() == ("passive" if name == WAITING else "0")
            return Waiting(passive, f"{name}={value}", origin(name, environ))
    return Waiting(False, None, None)


def find_runtimes(maps: Path = Path("/proc/self/maps")) -> list[str]:
    """Return the runtimes of OpenMP that this process has loaded; where there is no such file, LLVM's."""
    try:
        loaded = maps.read_text()
    except OSError:
        return ["libomp"]
    return [runtime for runtime in OWN if runtime in loaded]


def find_threads(environ: Mapping[str, str]) -> Threads:
    """Return the threads that torch has in this process."""
    number = torch.get_num_threads()
    for name in ON_THREADS:
        if environ.get(name) == str(number):
            return Threads(number, f"{name}={number}", origin(name, environ))
    return Threads(number, None, None)
