"""Which facts need attention, and one sentence for each that says what to do."""

from dataclasses import dataclass

from satlib.commands.machine.facts import Facts

BUSY = 0.75
"""Load per core from which other programs are in the way; less may be the shell and this program itself."""
LITTLE = 10**9
"""Bytes of free memory below which even small images go in tiles."""


@dataclass(frozen=True)
class Advice:
    """What is wrong with one fact."""

    about: str
    """The field of :class:`Facts`."""
    text: str


def advise(facts: Facts) -> list[Advice]:
    """Return what needs attention; nothing if all is well."""
    found = {
        "cores": _cores(facts),
        "threads": _threads(facts),
        "waiting": _waiting(facts),
        "load": _load(facts),
        "memory": _memory(facts),
        "gpus": _gpus(facts),
    }
    return [Advice(about, text) for about, text in found.items() if text]


def _cores(facts: Facts) -> str:
    quota = facts.cores.quota
    if quota is None or quota >= 1:
        return ""
    return f"the quota allows {quota:.2g} of a core, and programs stand still for the rest of the time: ask for more"


def _threads(facts: Facts) -> str:
    threads, cores = facts.threads, facts.cores
    if threads.number <= cores.allowed:
        return ""
    limit = "the quota" if cores.allowed < cores.affinity else "the affinity"
    allowed = cores.allowed
    return f"torch uses {threads.number} threads, but {limit} allows {allowed} cores: set OMP_NUM_THREADS={allowed}"


def _waiting(facts: Facts) -> str:
    waiting = facts.waiting
    if waiting.passive or facts.threads.number == 1:
        return ""
    if waiting.variable is None:
        return "threads spin while they wait, and slow down everything beside them: set OMP_WAIT_POLICY=PASSIVE"
    return f"threads spin while they wait, by {waiting.variable}: take it away, and satlib's programs wait passively"


def _load(facts: Facts) -> str:
    if facts.load is None or facts.load[0] < BUSY * facts.cores.machine:
        return ""
    return f"other programs are at work ({facts.load[0]:.1f} on {facts.cores.machine} cores): everything takes longer"


def _memory(facts: Facts) -> str:
    if facts.memory.available >= LITTLE:
        return ""
    return "little memory is free: end other programs, and leave --tile at auto, so that images go in pieces that fit"


def _gpus(facts: Facts) -> str:
    if not facts.torch_lacks_cuda:
        return ""
    return "there is a driver for NVIDIA's GPUs, but this build of torch is for the CPU: install one for CUDA"
