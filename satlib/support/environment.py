"""The environment that satlib's programs give to torch: threads that sleep while they wait, and no more than fit.

Torch's threads wait for one another after every operation. By default they spin while they wait, which costs little
on an idle machine; beside other work they take the cores from those that they wait for. A passive wait policy lets them
sleep. The runtimes of OpenMP, libgomp and LLVM's, read it when torch is loaded: a program sets it first, and `import
satlib` sets nothing. So this module imports no torch.

What a user has set stays. What satlib has set is noted in one more variable, `NOTE`, so that a process further down
can tell the two apart.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from satlib.support import cores

WAITING = "OMP_WAIT_POLICY"
SPINS = "GOMP_SPINCOUNT"
THREADS = "OMP_NUM_THREADS"
ON_WAITING = (WAITING, SPINS, "KMP_BLOCKTIME", "KMP_LIBRARY")
"""How a user may say how threads wait: to all runtimes, to libgomp, to those of LLVM and Intel."""
ON_THREADS = (THREADS, "MKL_NUM_THREADS")
"""How a user may say how many threads torch has."""
NOTE = "SATLIB_HAS_SET"
"""Names and values, as "OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS=2"."""

Origin = Literal["user", "satlib"]


def prepare() -> None:
    """Set for this process and those that it starts what the user has left open; call it before torch is imported."""
    os.environ.update(additions(os.environ))


def additions(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a process with this environment should have besides, before it imports torch.

    The wait policy, unless `ON_WAITING` has something; and the number of threads, unless `ON_THREADS` has something, if
    a quota allows fewer cores than the process may run on: torch counts those itself.
    """
    new = {}
    if not any(environ.get(name) for name in ON_WAITING):
        new[WAITING] = "PASSIVE"
    if not any(environ.get(name) for name in ON_THREADS) and cores.allowed() < cores.in_affinity():
        new[THREADS] = str(cores.allowed())
    return noted(new, environ)


def noted(new: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return variables together with the note that satlib has set them; what was noted in ``environ`` stays noted."""
    if not new:
        return {}
    entries = dict(word.split("=", 1) for word in environ.get(NOTE, "").split() if "=" in word)
    return {**new, NOTE: " ".join(f"{name}={value}" for name, value in {**entries, **new}.items())}


def origin(name: str, environ: Mapping[str, str] | None = None) -> Origin | None:
    """Return who has set a variable; None if nobody has.

    Programs that set variables on their own count as the user, but for one: `torchrun` gives each process one thread
    unless it was told otherwise, and that is nobody's choice.
    """
    environ = os.environ if environ is None else environ
    value = environ.get(name)
    if not value or (name == THREADS and _is_default_of_torchrun(environ)):
        return None
    return "satlib" if f"{name}={value}" in environ.get(NOTE, "").split() else "user"


def threads_of_one(n_processes: int) -> int | None:
    """Return how many threads one of several processes on this machine should have, its share of the cores.

    None if torch's own number is right: the process is alone, or the user has set a number. Where Slurm has started the
    processes, a process has the cores that Slurm gives to one task, if it was told how many.
    """
    if n_processes == 1 or any(origin(name) == "user" for name in ON_THREADS):
        return None
    if int(os.environ.get("SLURM_NTASKS") or 1) > 1 and "TORCHELASTIC_RUN_ID" not in os.environ:
        of_task = os.environ.get("SLURM_CPUS_PER_TASK")
        return min(int(of_task), cores.allowed()) if of_task else None
    return cores.share(n_processes)


def _is_default_of_torchrun(environ: Mapping[str, str]) -> bool:
    """Tell whether a process of torchrun has its one thread from torchrun, which was started without the variable."""
    if "TORCHELASTIC_RUN_ID" not in environ or environ.get(THREADS) != "1":
        return False
    try:
        began_with = Path(f"/proc/{os.getppid()}/environ").read_bytes()
    except OSError:
        return False
    return not any(entry.startswith(f"{THREADS}=".encode()) for entry in began_with.split(b"\0"))
