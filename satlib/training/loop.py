"""`train`: the whole run, from the first step or from the last checkpoint.

A folder holds one run:

    config.yaml                 what is trained and how, complete
    first.safetensors           the network before the first step
    last.safetensors            the network (its moving average, if there is one) at the last checkpoint
    best.safetensors            the same at the best validation
    checkpoints/step-*.pt       everything, to go on from
    train.csv, valid.csv        the curves; tensorboard/ has them too
    samples/step-*/             upscaled validation images, if they are asked for

Networks that are missing are made again from what is there: the first one unless it came from a file, the last one, and
the best one if the checkpoint is of the best validation. One process writes; with several, each has a share of every
batch, and of the machine's cores.
"""

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import torch
from lightning_fabric import Fabric

from satlib.data.store import Store
from satlib.network.convolutional import Network
from satlib.support.checks import require
from satlib.support.devices import default_device, widest
from satlib.support.environment import threads_of_one
from satlib.support.files import locked
from satlib.support.paths import as_path, check_folder, check_room
from satlib.support.progress import Say, say_nothing
from satlib.support.temporary import sweep
from satlib.training.checkpoints import State, check_same_run, checkpoints, n_bytes, newest
from satlib.training.config import STARTS, TrainConfig
from satlib.training.first_weights import first_network
from satlib.training.journal import TRAIN, read_table
from satlib.training.networks import save_network
from satlib.training.optimizer import Adam
from satlib.training.patches import Batches
from satlib.training.session import Session
from satlib.training.stopper import Stopper
from satlib.training.validation import check_examples, data_of, fingerprint
from satlib.training.yaml_config import CONFIG, write_config

NAMED = 20
"""How many photographs a line names."""


@dataclass(frozen=True)
class Result:
    """How a call of :func:`train` ended."""

    folder: Path
    step: int
    """Steps that are done."""
    finished: bool
    """Whether that is all of them, and the last validation is done."""
    stopped_by: str | None
    """"SIGTERM", "SIGHUP", "SIGINT", also where the run was finished all the same, "time limit" or None."""
    psnr: float | None
    """Best validation PSNR so far, in dB; None before the first validation."""
    skipped: int
    """Steps whose loss was not finite, over the whole run."""


@torch.inference_mode(False)  # gradients are taken, whatever the caller does
def train(
    config: TrainConfig,
    folder: str | Path,
    *,
    resume: bool = False,
    time_limit: float | None = None,
    device: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    say: Say = say_nothing,
) -> Result:
    """Train a network.

    Parameters
    ----------
    config
        What and how.
    folder
        Of the run; made if it is missing.
    resume
        Go on from the newest whole checkpoint in it, if there is one. Without it a folder that has checkpoints is an
        error.
    time_limit
        Seconds from now; the run saves and returns before they are over.
    device
        "cpu", "cuda", "mps" or "auto": a GPU if CUDA has one, else the CPU.
    devices, nodes
        GPUs (or, on the CPU, processes) of each machine, and machines. Under torchrun or Slurm, what was started
        there.
    say
        Told each line of the log.

    Returns
    -------
    Result
        Also after SIGTERM, SIGHUP or Ctrl-C, when a checkpoint has been written, or the last step was done already.

    Raises
    ------
    ValueError
        If the data do not fit the configuration, the folder holds another run, or the time limit is no number.
    OSError
        If files cannot be read or written. What was saved before stays.
    FloatingPointError
        If the loss is not finite in 100 steps in a row; no checkpoint is written after that.
    """
    if device not in ("auto", "cpu", "cuda", "mps"):
        raise ValueError(f"device must be auto, cpu, cuda or mps, got {device!r}")
    if device == "mps" and not torch.backends.mps.is_available():
        raise ValueError("device 'mps' cannot be used: torch has none here")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda' cannot be used: there is no GPU that torch can use")
    out = as_path(folder, "folder")
    if out.is_file():
        raise NotADirectoryError(f"{out} is a file; a run needs a folder")
    check_folder(out)
    if min(devices, nodes) < 1:
        raise ValueError(f"devices and nodes must be at least 1, got {devices} and {nodes}")
    require(time_limit is None or not isnan(time_limit), "time_limit", time_limit, "a number of seconds")
    store = Store(config.store, config.network.scale)
    fabric = Fabric(
        accelerator=default_device().type if device == "auto" else device,  # Fabric's "auto" takes MPS unasked
        devices=devices,
        num_nodes=nodes,
        precision="bf16-mixed" if "bf16" in config.precision else None,
    )
    threads = threads_of_one(devices) if config.threads is None else config.threads  # before Fabric sets a variable
    fabric.launch()
    say = say if fabric.is_global_zero else say_nothing
    going_on = _has_run(out, resume)
    chosen, examples = data_of(config, store)
    check_examples(examples, config.network.scale)
    loader = Batches(config, store, chosen, rank=fabric.global_rank, world=fabric.world_size)
    start = config.start if not going_on or config.start in STARTS else "random"
    model, fresh = first_network(config.network, start, config.seed, query_std=config.query_std)
    check_room(out, n_bytes(config, model.n_params) - _used(out), "the checkpoints and networks of the run")
    if fresh:
        say(f"{config.start} gave all weights but {', '.join(fresh)}")
    with (
        torch.random.fork_rng(devices=[fabric.device] if fabric.device.type == "cuda" else []),
        Stopper(time_limit) as stopper,
        _threads(threads),
        _owned(out, fabric),
        _without_notes_on_strides(),
    ):
        state = _state(config, model, out, fabric, (store.fingerprint, fingerprint(examples)), say)
        say(_subject(config, state, fabric, len(loader.patches.photographs)))
        if left_out := _left_out(store, chosen, loader.patches.photographs):
            say(f"{left_out}, smaller than {config.patch} x {config.patch} pixels at scale 1/{store.scale}")
        session = Session(fabric, state, config, loader, examples, out, stopper, say)
        reason = session.run() or stopper.noticed
    if session.finished:
        say(f"finished: {out} holds last.safetensors and the curves")
    else:
        say(f"stopped by {reason} at step {state.step:,}; --resume auto goes on from there")
    return Result(out, state.step, session.finished, reason, state.best, int(state.tally.skipped))


def _subject(config: TrainConfig, state: State, fabric: Fabric, n_photographs: int) -> str:
    """Return a line that says what is trained where, since the first line of the log may take minutes."""
    place = fabric.device.type if fabric.world_size == 1 else f"{fabric.world_size} x {fabric.device.type}"
    photographs = f"{n_photographs:,} photograph{'' if n_photographs == 1 else 's'}"
    lines = f"a line every {min(config.log_every, config.steps):,} of {config.steps:,} steps"
    passes = len(config.degradation)
    made = f", degraded in {passes} pass{'' if passes == 1 else 'es'}" if passes else ""
    return f"training {state.model.n_params:,} parameters on {place} with {photographs}{made}; {lines}"


def _left_out(store: Store, chosen: list[int], used: list[int]) -> str:
    """Return which of the photographs to train on are not used, "" if all are."""
    names = [store.entries[index].name for index in chosen if index not in used]
    if not names:
        return ""
    shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")
    return f"left out: {len(names):,} of {len(chosen):,} photographs ({shown})"


def _used(out: Path) -> int:
    """Return the bytes of the networks and checkpoints that a run's folder has already."""
    files = [*out.glob("*.safetensors"), *out.glob("checkpoints/*.pt")]
    return sum(path.stat().st_size for path in files)


@contextmanager
def _without_notes_on_strides() -> Iterator[None]:
    """Leave out what torch says of several processes and depthwise convolutions, whose strides differ in name alone."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides")
        yield


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    """Let torch use so many threads; None: as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(before if number is None else number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _owned(out: Path, fabric: Fabric) -> Iterator[None]:
    """Make the folder of the run, and let no other run write into it."""
    if fabric.is_global_zero:
        (out / "checkpoints").mkdir(parents=True, exist_ok=True)
    fabric.barrier()
    with locked(out / ".lock") if fabric.is_global_zero else nullcontext():
        if fabric.is_global_zero:
            sweep(out)
            sweep(out / "checkpoints")
        yield


def _has_run(out: Path, resume: bool) -> bool:
    """Return whether the folder holds a run to go on with.

    Raises
    ------
    ValueError
        If it holds a run that nobody expects.
    """
    found = bool(checkpoints(out / "checkpoints"))
    if found and not resume:
        raise ValueError(f"{out} holds a run already; go on with --resume auto, or choose another folder")
    return found


def _state(config: TrainConfig, model: Network, out: Path, fabric: Fabric, sets: tuple[str, str], say: Say) -> State:
    """Return the state to begin with: the newest checkpoint's, or that of a new run, which is written down.

    ``sets`` are the fingerprints of what it is trained and validated on.
    """
    folder = out / "checkpoints"
    content, problems = newest(folder)
    for problem in problems:
        say(f"{problem}; passed over")
    if problems and content is None:
        raise ValueError(f"{out} has no checkpoint that is whole; move it away to begin anew")
    if content is None and read_table(out / TRAIN):
        say(f"{out} has curves and no checkpoint: beginning anew")
    average = None
    if config.ema is not None:
        average = copy.deepcopy(model).to(fabric.device).eval().requires_grad_(False)
    model.to(fabric.device).train()
    sums = torch.zeros(4, dtype=widest(fabric.device), device=fabric.device)
    optimizer, (photographs, validation) = Adam(model.parameters(), config), sets
    state = State(model, average, optimizer, photographs=photographs, validation=validation, sums=sums)
    if content is not None:
        check_same_run(config, content, folder, photographs, validation)
    first = out / "first.safetensors"
    if fabric.is_global_zero and (content is None or (config.start in STARTS and not first.exists())):
        save_network(model, first)
    if content is not None:
        state.restore(content)
        say(f"going on from step {state.step:,} of {config.steps:,}")
    if fabric.is_global_zero:
        write_config(config, out / CONFIG)
    return state
