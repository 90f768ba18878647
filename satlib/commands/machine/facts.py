"""Everything that is found out about this machine and this process."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from satlib._version import __version__
from satlib.commands.machine.computing import Computing, find_computing
from satlib.commands.machine.extras import Extra, find_extras
from satlib.commands.machine.threads import Threads, Waiting, find_runtimes, find_threads, find_waiting
from satlib.support import cores
from satlib.support.control_groups import cpu_quota, memory_limit
from satlib.upscaling.memory import bytes_available

PACKAGES = ("torch", "numpy", "pillow", "safetensors", "triton")
NVIDIA = Path("/proc/driver/nvidia/version")
"""There if the system has a driver for NVIDIA's GPUs, whether torch can use it or not."""


@dataclass(frozen=True)
class Cores:
    """How many cores there are, and how many of them this process may use."""

    machine: int
    affinity: int
    """Those that the process may run on."""
    quota: float | None
    """Those whose time its control groups allow; None if they set no limit."""
    allowed: int
    """What follows from both."""


@dataclass(frozen=True)
class Memory:
    """Bytes of main memory."""

    available: int
    limit: int | None
    """Of the control groups; None if they set none."""


@dataclass(frozen=True)
class GPU:
    """A GPU that torch can use."""

    name: str
    total: int | None
    """Bytes of its memory; None if it has none of its own."""
    free: int | None


@dataclass(frozen=True)
class Facts:
    """What :func:`examine` finds."""

    versions: dict[str, str]
    system: str
    processor: str
    """Its architecture, the instructions that torch uses of it, and the libraries that torch was built with."""
    cores: Cores
    threads: Threads
    waiting: Waiting
    load: tuple[float, float, float] | None
    """Programs that were running or wanted to, on average over 1, 5 and 15 minutes; None where it is not known."""
    memory: Memory
    gpus: list[GPU]
    torch_lacks_cuda: bool
    """Whether there is a driver for NVIDIA's GPUs, and a build of torch without CUDA."""
    computing: Computing
    extras: list[Extra]


def examine(environ: Mapping[str, str] | None = None) -> Facts:
    """Find out what matters for speed here, in about a second.

    Parameters
    ----------
    environ
        The environment that this process had when it imported torch; by default what it has now.
    """
    environ = os.environ if environ is None else environ
    return Facts(
        versions=_versions(),
        system=_system(),
        processor=_processor(),
        cores=Cores(os.cpu_count() or 1, cores.in_affinity(), cpu_quota(), cores.allowed()),
        threads=find_threads(environ),
        waiting=find_waiting(environ, find_runtimes()),
        load=os.getloadavg() if hasattr(os, "getloadavg") else None,
        memory=Memory(bytes_available(torch.device("cpu")), memory_limit()),
        gpus=_gpus(),
        torch_lacks_cuda=NVIDIA.exists() and not torch.backends.cuda.is_built(),
        computing=find_computing(),
        extras=find_extras(),
    )


def _versions() -> dict[str, str]:
    found = {"satlib": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found | {"torch": torch.__version__}  # which says for what it was built, where the package's does not


def _system() -> str:
    """Return the system, its version and its C library: "Linux 6.8.0, glibc 2.36"."""
    library = " ".join(platform.libc_ver()).strip()
    return ", ".join(filter(None, [f"{platform.system()} {platform.release().split('-')[0]}", library]))


def _processor() -> str:
    libraries = {"MKL": torch.backends.mkl.is_available(), "oneDNN": torch.backends.mkldnn.is_available()}
    used = [torch.backends.cpu.get_cpu_capability(), *(name for name, there in libraries.items() if there)]
    return ", ".join([platform.machine(), *used])


def _gpus() -> list[GPU]:
    if torch.cuda.is_available():
        found = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        return [GPU(x.name, x.total_memory, torch.cuda.mem_get_info(i)[0]) for i, x in enumerate(found)]
    return [GPU("MPS, which satlib uses when asked: device 'mps'", None, None)] if _has_mps() else []


def _has_mps() -> bool:
    return torch.backends.mps.is_available()
