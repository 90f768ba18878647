"""The pictures and tables of chapter 9: the network's parts, their parameters, and what an output pixel depends on.

Shapes: H x W tokens, s the scale.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from satlib.complexity.parameters import Part, block_parts, outline
from satlib.config import SATConfig
from satlib.figures.kit.picture_sliders import picture_slider
from satlib.figures.kit.show import Shown, show
from satlib.figures.network import diagram as draw
from satlib.figures.network.narrow_diagram import narrow_diagram
from satlib.results import paper
from satlib.support.tables import table

PRESETS = ("sat", "sat-released", "sat-light", "sat-tiny")


def diagram(config: SATConfig) -> Shown:
    """Draw the network, one of its residual groups and one of its blocks as rows of boxes."""
    return show(
        draw.diagram(config),
        alt=f"Three rows of boxes. The network: convolution to {config.channels} channels, LayerNorm, "
        f"{len(config.groups)} residual groups, LayerNorm, convolution, the first convolution's output added, "
        "convolution, upsampler. A residual group: local and SAA blocks in turn, a convolution, the group's input "
        "added. A block: LayerNorm, attention, input added, LayerNorm, gated MLP, added, and the block's input times a "
        "gain added.",
        narrow=narrow_diagram(config),
    )


def stages(outputs: Sequence[Tensor]) -> Shown:
    """Draw the outputs (3, sH, sW) of a network cut after each of its groups, the last one whole, with a slider."""
    names = [str(number) for number in range(1, len(outputs) + 1)]
    apart = [255 * float((output - outputs[-1]).square().mean().sqrt()) for output in outputs]
    notes = {
        name: f"After group {name}: {levels:.0f} levels of 255 from the output (root mean square)."
        for name, levels in zip(names, apart, strict=True)
    }
    notes[names[-1]] = f"After group {names[-1]}, the last one: the network's output."
    return show(
        picture_slider(dict(zip(names, outputs, strict=True)), name="groups", start=names[0], notes=notes),
        alt="What the end of the network makes of the tokens after each group, with a slider over the groups. "
        + " ".join(notes.values()),
    )


def outline_table(parts: Sequence[Part]) -> str:
    """Return a table of the parts of a network, and their shares in all parameters."""
    total = sum(part.params for part in parts)
    rows = [(p.name, f"{p.number}", f"{p.each:,}", f"{p.params:,}", f"{p.params / total:.1%}") for p in parts]
    rows.append(("**all**", "", "", f"**{total:,}**", ""))
    return table(("part", "how many", "parameters of one", "together", "share"), rows, align="lr")


def block_table(config: SATConfig) -> str:
    """Return a table of the parts of a local and of a selective aggregation block, with their parameters."""
    blocks = {kind: {p.name: p.each for p in block_parts(config, selective=kind == "SATB")} for kind in ("LTB", "SATB")}
    names = dict.fromkeys(name for block in blocks.values() for name in block)
    rows = [(name, *(f"{b[name]:,}" if name in b else "" for b in blocks.values())) for name in names]
    rows.append(("**all**", *(f"**{sum(b.values()):,}**" for b in blocks.values())))
    return table(("part of a block", *blocks), rows, align="lr")


def shares(scale: int) -> Shown:
    """Draw the shares of local blocks, SAA blocks and the rest in the parameters of the four presets."""
    outlines = {name: outline(SATConfig.preset(name, scale)) for name in PRESETS}
    local = {
        name: sum(p.params for p in parts if "(LTB)" in p.name) / sum(p.params for p in parts)
        for name, parts in outlines.items()
    }
    return show(
        draw.parameter_bars(outlines),
        alt="Bars of the shares of local blocks, SAA blocks and the rest in the parameters of four presets. Local "
        "blocks have " + ", ".join(f"{share:.0%} in {name}" for name, share in local.items()) + ".",
    )


def counts_table(counts: Mapping[str, Sequence[float]], printed: Sequence[float]) -> str:
    """Return a table of parameters, in millions at x2, x3 and x4, by network, and which round to ``printed``."""
    rows = [
        (name, *(f"{count:.2f}" for count in row), "yes" if [round(count, 1) for count in row] == list(printed) else "")
        for name, row in counts.items()
    ]
    rows.append(("**Table A**", *(f"**{count:.1f}**" for count in printed), ""))
    return table(("network", "x2 (M)", "x3 (M)", "x4 (M)", "rounds to Table A"), rows, align="lrrrl")


def light_table(deep: Mapping[float, int], shallow: Mapping[float, int]) -> str:
    """Return a table of the light network's parameters by r_c, with 24 and with 21 pairs, beside Table D."""
    rows = []
    for ratio, count in deep.items():
        printed = paper.table("D").number({"r_c": ratio}, "params (K)")
        rows.append((ratio, printed, f"{count / 1e3:.1f}", f"{shallow[ratio] / 1e3:.1f}"))
    head = ("ratio $r_c$", "Table D (K)", "`sat-light`, 24 pairs", "with the appendix's 21 pairs")
    return table(head, rows, align="lr")


def influence(image: Tensor, moved: Tensor, place: tuple[int, int], local: Tensor) -> Shown:
    """Draw the image (3, H, W) beside the influence (H, W) of each pixel on one output pixel.

    ``place`` is its row and column, ``local`` (H, W) bool what local blocks alone would reach.
    """
    outside = float(moved[~local].sum() / moved.sum())
    return show(
        draw.influence_map(image, moved, place, local),
        alt="Left: the photograph with a star. Right: the influence of each pixel on the output there, on a "
        "logarithmic scale: largest at the star, falling over a few pixels, and small over the rest of the image. An "
        f"orange line encloses the part that local blocks reach; {outside:.1%} of the influence is outside of it.",
    )
