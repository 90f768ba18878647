"""`satlib complexity`: what a network costs, stage by stage, in the paper's convention and in full."""

import json
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from satlib.commands.errors import errors_in_one_line
from satlib.commands.on_demand import alone
from satlib.commands.options import choose_config
from satlib.complexity.count import Complexity
from satlib.complexity.count import complexity as count
from satlib.complexity.layer_costs import LAYERS


def complexity(
    preset: Annotated[str, typer.Argument(metavar="PRESET", help="sat, sat-light, sat-released, sat-tiny; sat-x2 ...")],
    scale: Annotated[int | None, typer.Option(help="The upscaling factor: 1, 2, 3, 4 or 8; else 4.")] = None,
    output: Annotated[str, typer.Option(metavar="WxH", help="Size of the output in pixels.")] = "1280x640",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Count parameters, multiply-adds and memory, in the paper's convention beside everything."""
    with errors_in_one_line():
        config = choose_config(preset, scale)
        cost = count(config, parse_size(output))
    if as_json:
        typer.echo(json.dumps(as_dict(cost), indent=2))
        return
    name, tokens = preset.removesuffix(f"-x{config.scale}"), cost.grid[0] * cost.grid[1]
    title = f"{name} x{config.scale}, output {output}, N = {tokens:,} tokens"
    console = Console()
    console.print(stage_table(cost, title), memory_table(cost))


def parse_size(text: str) -> tuple[int, int]:
    """Return (width, height) of a text such as 1280x640.

    Raises
    ------
    ValueError
        If it is none.
    """
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise ValueError(f"--output must be WIDTHxHEIGHT in pixels, for example 1280x640, got {text!r}")
    return int(sides[0]), int(sides[1])


def as_dict(cost: Complexity) -> dict[str, Any]:
    """Return what is known of a cost as JSON values."""
    return {
        "grid": list(cost.grid),
        "params": cost.params,
        "macs": cost.macs,
        "published": cost.published,
        "total": cost.total,
        "memory": cost.memory,
    }


def stage_table(cost: Complexity, title: str) -> Table:
    """Return a table with a row for each stage: parameters, and both conventions with the shares of each."""
    table = new_table(title, "stage", "parameters", "as published", "share", "all", "share")
    table.caption = "Multiply-adds in G (10^9); shares of the column's total."
    for stage, macs in cost.macs.items():
        params = f"{cost.params[stage]:,}" if stage in cost.params else ""
        published = (giga(macs), f"{macs / cost.published:.1%}") if stage in LAYERS else ("left out", "")
        table.add_row(stage, params, *published, giga(macs), f"{macs / cost.total:.1%}")
    table.add_row("block gains", f"{cost.params['block gains']:,}", end_section=True)
    table.add_row("total", f"{cost.params['total']:,}", giga(cost.published), "", giga(cost.total), "")
    return table


def memory_table(cost: Complexity) -> Table:
    """Return a table of the bytes alive at the peak."""
    table = new_table("Peak memory in MB: float32, one image, without weights", "form", "MB")
    for name, n_bytes in cost.memory.items():
        table.add_row(name, f"{n_bytes / 1e6:,.1f}")
    return table


def new_table(title: str, first: str, *numbers: str) -> Table:
    """Return an empty table whose first column holds text and whose others hold numbers."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, title_style="bold", min_width=len(title))
    table.add_column(first, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def giga(macs: int) -> str:
    """Return multiply-adds in units of 10^9."""
    return f"{macs / 1e9:,.2f}"


app = alone(complexity)
