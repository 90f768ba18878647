"""`satlib doctor`: what decides how fast satlib is here, as a table or as JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from satlib.commands.machine import Advice, Extra, Facts, advise, examine
from satlib.commands.on_demand import alone
from satlib.support.environment import Origin

WIDTH = 100
"""Characters of a line that is not printed in a terminal."""


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """Say what decides here how fast satlib is, what needs attention, and which extras are missing.

    Exit code 0, whatever is found.
    """
    facts = examine()
    advice = advise(facts)
    if as_json:
        extras = [{**asdict(extra), "command": extra.command} for extra in facts.extras]
        content = {**asdict(facts), "extras": extras, "advice": [asdict(one) for one in advice]}
        typer.echo(json.dumps(content, indent=2))
        return
    console = Console()
    console = console if console.is_terminal else Console(width=WIDTH)
    console.print(_table(facts, {one.about for one in advice}), markup=False, highlight=False)
    for line in _told(advice):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _told(advice: list[Advice]) -> Iterator[str]:
    yield ""
    yield from (f"! {one.about}: {one.text}" for one in advice)
    if not advice:
        yield "Nothing needs attention."


def _table(facts: Facts, marked: set[str]) -> Table:
    """Return a table of two columns; what needs attention is marked."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for field, name, value in _lines(facts):
        table.add_row("!" if field in marked and name else "", name, value)
    return table


def _lines(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """Yield field, name and value of each line."""
    cores, memory, computing = facts.cores, facts.memory, facts.computing
    quota = "no quota" if cores.quota is None else f"quota {cores.quota:g}"
    yield "versions", "versions", ", ".join(f"{name} {number}" for name, number in facts.versions.items())
    yield "system", "system", facts.system
    yield "processor", "processor", facts.processor
    yield (
        "cores",
        "cores",
        f"{cores.allowed} allowed: {cores.machine} in the machine, {cores.affinity} by affinity, {quota}",
    )
    yield "threads", "threads", f"{facts.threads.number}, {_by(facts.threads.variable, facts.threads.set_by, 'torch')}"
    way = "asleep" if facts.waiting.passive else "spinning"
    yield "waiting", "waiting threads", f"{way}, {_by(facts.waiting.variable, facts.waiting.set_by, 'the runtime')}"
    yield "load", "load", "unknown" if facts.load is None else " ".join(f"{load:.2f}" for load in facts.load)
    limit = "" if memory.limit is None else f"; the control group allows {_size(memory.limit)} in all"
    yield "memory", "free memory", _size(memory.available) + limit
    yield "gpus", "GPU", "; ".join(_gpu(gpu.name, gpu.total, gpu.free) for gpu in facts.gpus) or "none"
    yield "computing", "attention in windows", _kernels(computing.windows, computing.windows_in_training)
    yield "computing", "attention to tokens", _kernels(computing.tokens, computing.tokens_in_training)
    yield "computing", "aggregation", computing.aggregation
    for number, extra in enumerate(facts.extras):
        yield "extras", "" if number else "extras", _extra(extra)


def _by(variable: str | None, set_by: Origin | None, default: str) -> str:
    """Say who has decided something by which variable."""
    if variable is None:
        return f"left to {default}"
    return f"{variable}, set by {'satlib' if set_by == 'satlib' else 'you' if set_by == 'user' else 'torchrun'}"


def _kernels(upscaling: str, training: str) -> str:
    return upscaling if upscaling == training else f"{upscaling}; in training {training}"


def _gpu(name: str, total: int | None, free: int | None) -> str:
    return name if total is None or free is None else f"{name}, {_size(free)} of {_size(total)} free"


def _extra(extra: Extra) -> str:
    return f"{extra.name}: " + (f"{', '.join(extra.missing)} missing; {extra.command}" if extra.missing else "present")


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB"


app = alone(doctor)
