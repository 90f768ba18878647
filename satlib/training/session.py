"""The training loop: steps, log, validations and checkpoints, until the last step or a reason to stop."""

import time
from contextlib import suppress
from pathlib import Path

import torch
from lightning_fabric import Fabric

from satlib.support.progress import Say
from satlib.training.checkpoints import State, save
from satlib.training.config import TrainConfig
from satlib.training.journal import VALID, Journal, duration, read_table
from satlib.training.networks import save_network
from satlib.training.patches import Batches
from satlib.training.schedule import learning_rate
from satlib.training.step import record_gradients, train_step
from satlib.training.stopper import Stopper
from satlib.training.validation import Example, validate
from satlib.upscaling.graphs import Graph

LAST, BEST = "last.safetensors", "best.safetensors"

MAX_STREAK = 100
"""Steps in a row without a finite loss after which a run is given up."""


class Session:
    """One call of :func:`satlib.training.train`: from ``state.step`` on."""

    def __init__(
        self,
        fabric: Fabric,
        state: State,
        config: TrainConfig,
        loader: Batches,
        examples: list[Example],
        out: Path,
        stopper: Stopper,
        say: Say,
    ) -> None:
        self.fabric, self.state, self.config, self.out = fabric, state, config, out
        self.examples, self.stopper = examples, stopper
        self.main = fabric.is_global_zero
        self.journal = Journal(out, state.step, state.validated, say) if self.main else None
        self.model, self.optimizer = fabric.setup(state.model, state.optimizer)
        self.parts = loader.since(state.step, pin=fabric.device.type == "cuda")
        self.saved = (state.step, state.validated)
        self.longest_step = self.longest_save = self.longest_validation = self.waiting = 0.0
        self.logged, self.stepping = state.step, 0.0
        self.graph: Graph | None = None

    @property
    def finished(self) -> bool:
        """Whether all steps and the last validation are done."""
        last = self.config.steps
        return self.state.step == last and (self.state.validated == last or not self.examples)

    def run(self) -> str | None:
        """Go on to the last step; return why it was left before, or None."""
        reason = None
        try:
            self._validate_if_due(always=True)  # the last session may have had no time for it
            self._save()
            if self.main and self.state.step:
                self._write_networks()
            while self.state.step < self.config.steps and reason is None:
                self.step()
                reason = self._stop()
                self.after_step(last=self.state.step == self.config.steps or reason is not None)
        finally:
            if self.journal is not None:
                self.journal.close()
        return None if self.finished else reason

    def step(self) -> None:
        """Fetch a batch and make a step with it."""
        start = time.monotonic()
        parts = [next(self.parts) for _ in range(self.config.accumulate)]
        fetched = time.monotonic()
        if self.config.cuda_graph and self.graph is None:
            self.graph = record_gradients(self.fabric, self.model, parts)
        train_step(self.fabric, self.model, self.optimizer, self.state, parts, self.config, self.graph)
        seconds = time.monotonic() - start
        self.waiting += fetched - start
        self.stepping += seconds
        self.state.seconds += seconds
        self.longest_step = max(self.longest_step, seconds)

    def _stop(self) -> str | None:
        """Return a reason to stop that all processes share: that of the first one."""
        needed = self.longest_step + 2 * self.longest_save
        reason = self.stopper.reason(needed)
        if self.fabric.world_size > 1:
            reason = self.fabric.broadcast(reason)
        return reason

    def _shared(self, room: bool) -> bool:
        """Return the first process's answer in all of them, whether there is time to validate."""
        return bool(self.fabric.broadcast(room)) if self.fabric.world_size > 1 else room

    def after_step(self, *, last: bool) -> None:
        """Do what is due after a step: log, checkpoint, validation, and a checkpoint that knows of the validation.

        No validation begins before its step is kept, since a run may be killed in it. Where the log cannot be written
        or the validation fails, a checkpoint keeps the steps all the same.
        """
        state, config = self.state, self.config
        finished = state.step == config.steps
        due = state.step % config.save_every == 0 or self._validates() or last
        try:
            if state.step % config.log_every == 0 or finished:
                self._log()
            if due:
                self._save()
            self._validate_if_due()
        except FloatingPointError:
            raise
        except Exception:
            self._keep_steps()
            raise
        if due:
            self._save()

    def _log(self) -> None:
        """Write a row of the log and begin its sums anew; give up after too many losses that are not finite."""
        state = self.state
        self._share_sums()
        loss, n, skipped, streak = state.sums.tolist()
        rate = (state.step - self.logged) / self.stepping
        waited = self.waiting / self.stepping
        if streak >= MAX_STREAK:
            raise FloatingPointError(
                f"the loss was not finite in the {streak:.0f} steps up to step {state.step:,}; the last checkpoint of "
                f"{self.out} is kept. A lower learning rate or a smaller clip may help"
            )
        state.tally.next_line()
        self.logged, self.stepping, self.waiting = state.step, 0.0, 0.0
        if self.journal is None:
            return
        lr, left = learning_rate(self.config, state.step - 1), (self.config.steps - state.step) / rate
        mean = loss / n if n else float("nan")
        row = {
            "step": state.step,
            "loss": mean,
            "learning_rate": lr,
            "skipped": int(skipped),
            "seconds": state.seconds,
            "waiting": waited,
        }
        line = (
            f"step {state.step:,}/{self.config.steps:,}  loss {mean:.5f}  lr {lr:.2e}  {rate:.2f} it/s  "
            f"data {waited:.0%}  left {duration(left)}"
        )
        self.journal.train(row, line + (f"  skipped {skipped:.0f}" if skipped else ""))

    def _share_sums(self) -> None:
        """Average the sums of the losses over all processes."""
        if self.fabric.world_size > 1:
            self.state.sums.copy_(torch.as_tensor(self.fabric.all_reduce(self.state.sums, reduce_op="mean")))

    def _validates(self) -> bool:
        """Tell whether this step asks for a validation that has not been."""
        step, config = self.state.step, self.config
        due = step % config.validate_every == 0 or step == config.steps
        return due and step > self.state.validated and bool(self.examples)

    def _validate_if_due(self, *, always: bool = False) -> None:
        """Validate after the steps that ask for it, unless the time that is left is too short."""
        room = self.stopper.left() > self.longest_validation + 2 * self.longest_save
        if self._validates() and self._shared(always or room):
            self._validate()

    def _validate(self) -> None:
        """Validate; keep the network if it is the best so far. A failure leaves the state as it was."""
        state, start = self.state, time.monotonic()
        folder = self.out / "samples" / f"step-{state.step:08d}"
        found = validate(state.network, self.examples, self.fabric, samples=self.config.samples, folder=folder)
        seconds = time.monotonic() - start
        self.longest_validation = max(self.longest_validation, seconds)
        best = state.best is None or found.psnr > state.best
        if self.main and self.journal is not None:
            if best:
                save_network(state.network, self.out / BEST)
            row = {"step": state.step, "psnr": found.psnr, "ssim": found.ssim, "seconds": seconds}
            line = f"step {state.step:,}  validation: PSNR {found.psnr:.3f} dB, SSIM {found.ssim:.4f}"
            self.journal.valid(row, line + ("  (best)" if best else ""))
        state.best, state.validated = found.psnr if best else state.best, state.step

    def _save(self) -> None:
        """Write a checkpoint and the network, unless that has been done already or losses are not finite."""
        if self.saved == (self.state.step, self.state.validated) or self.state.tally.streak >= MAX_STREAK:
            return
        start = time.monotonic()
        self._share_sums()
        if self.main:
            save(self.state, self.config, self.out / "checkpoints")
            save_network(self.state.network, self.out / LAST)
        self.fabric.barrier()
        self.saved = (self.state.step, self.state.validated)
        self.longest_save = max(self.longest_save, time.monotonic() - start)

    def _write_networks(self) -> None:
        """Write the networks of the checkpoint that this call goes on from: they may be older than it, or missing."""
        state, best = self.state, self.out / BEST
        save_network(state.network, self.out / LAST)
        if state.best is not None and state.validated == state.step and not best.exists():
            found = read_table(self.out / VALID)
            if found and (found[-1]["step"], found[-1].get("psnr")) == (state.step, float(f"{state.best:.9g}")):
                save_network(state.network, best)

    def _keep_steps(self) -> None:
        """Write a checkpoint in the first process alone, without a word if that fails: another error is on its way."""
        if self.main and self.saved[0] < self.state.step and self.state.tally.streak < MAX_STREAK:
            with suppress(OSError):
                save(self.state, self.config, self.out / "checkpoints")
