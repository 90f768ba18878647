"""The network as a map: every part leads to its chapter, to its code and to its entry in the API.

The map is SVG inside of HTML, so its words are text: they follow the page's size, theme and language of assistance. It
is drawn twice, wide and narrow; the book's style shows the one that fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from satlib.config import SATConfig
from satlib.figures.kit.html_figure import HtmlFigure
from satlib.figures.kit.style import GREEN, ORANGE, SKY, VERMILLION

WIDE, NARROW = 688, 330
"""Widths in CSS pixels: of the text's column, and of a phone's."""

TITLE, BOX, LINKS, GAP, PAD = 24, 46, 22, 16, 14
NONE = "currentColor"


@dataclass(frozen=True)
class Part:
    """A box of the map."""

    name: str
    """Its first line."""

    note: str
    """Its second line."""

    chapter: str = ""
    """The file name of the chapter about it; "" for what is no part, but goes in or out."""

    function: str = ""
    """Where it is written: "satlib.dta.aggregation.density"."""

    entry: str = ""
    """Its page and its name in the API: "aggregation#satlib.dta.density"."""

    color: str = NONE
    """Its colour; the row that shows its inside has the same."""


@dataclass(frozen=True)
class Row:
    """Parts that follow one another."""

    title: str
    parts: Sequence[Part]
    color: str = NONE


def rows(config: SATConfig) -> tuple[Row, ...]:
    """Return what the map shows: the network, a group, the inside of blocks, and the six steps of aggregation."""
    channels, pairs = config.channels, " or ".join(str(n) for n in sorted(set(config.groups)))
    few, window = f"{100 * config.keep_ratio:g} % of all", f"{config.window[0]} × {config.window[1]} tokens"
    blocks = "satlib.network.blocks"
    whole = ("09_network", "satlib.network.model.SAT", "index#satlib.SAT")
    return (
        Row(
            "The network",
            (
                Part("image", "3 colours"),
                Part("convolution", f"3 → {channels}", *whole),
                Part(f"{len(config.groups)} groups", "residual", "09_network", *_own(blocks, "ResidualGroup"), GREEN),
                Part("upsampler", f"×{config.scale}", *whole),
                Part("image", f"{config.scale} times as wide"),
            ),
        ),
        Row(
            f"A group: {pairs} pairs of blocks, a convolution",
            (
                Part("local block", "sees nearby", "07_windows", *_own(blocks, "LocalBlock"), SKY),
                Part("SAA block", "sees all of it", "08_saa", *_own(blocks, "SelectiveBlock"), ORANGE),
            ),
            GREEN,
        ),
        Row(
            "A block: attention of one kind, then an MLP",
            (
                Part("in windows", window, "07_windows", *_attention("RectangleWindowAttention"), SKY),
                Part("selective", few, "08_saa", *_attention("SelectiveAggregationAttention"), ORANGE),
                Part("gated MLP", "each token", "09_network", *_own(blocks, "GatedMLP")),
            ),
        ),
        Row(
            f"Selective attention reads {few} tokens: these",
            (
                Part("sample", "S tokens", "02_sampling", *_own("satlib.dta.sampling", "draw_sample")),
                Part("density", "ρ", "03_density", *_step("density")),
                Part("separation", "δ", "04_separation", *_step("separation")),
                Part("centres", "K highest ρδ", "05_center_selection", *_step("highest")),
                Part("merging", "of clusters", "06_aggregation", *_step("merge")),
                Part("norm", "restored", "06_aggregation", *_step("restore_norm")),
            ),
            ORANGE,
        ),
    )


def _own(module: str, name: str) -> tuple[str, str]:
    page = "network" if module.startswith("satlib.network") else "aggregation"
    return f"{module}.{name}", f"{page}#{module}.{name}"


def _attention(name: str) -> tuple[str, str]:
    return _own("satlib.network.attention", name)


def _step(name: str) -> tuple[str, str]:
    return f"satlib.dta.aggregation.{name}", f"aggregation#satlib.dta.{name}"


ALT = (
    "Map of the network in four rows: the network, one of its residual groups, the inside of a block, and the six "
    "steps by which selective attention gets its few tokens. Each part is a link to its chapter, with links to its "
    "code and its API below."
)


class NetworkMap(HtmlFigure):
    """The map of a configuration; as the last value of a cell it is displayed.

    Parameters
    ----------
    config
        Its sizes stand in the boxes.
    current
        File name of a chapter, as "03_density": its parts have a thick frame. "" is none.
    root
        The way from the page that shows the map to the first folder of the site.

    Raises
    ------
    ValueError
        If no part has the chapter ``current``.
    """

    def __init__(self, config: SATConfig, *, current: str = "", root: str = "../") -> None:
        super().__init__(ALT)
        self.rows, self.current, self.root = rows(config), current, root
        chapters = sorted({part.chapter for row in self.rows for part in row.parts} - {""})
        if current and current not in chapters:
            raise ValueError(f"current must be one of {', '.join(chapters)}, got {current!r}")

    def html(self) -> str:
        """Return the map, wide and narrow."""
        label = escape(self.alt, quote=True)
        return (
            f'<div class="network-map" role="group" aria-label="{label}">'
            f"{self._drawing(WIDE, 6, 'display:block')}{self._drawing(NARROW, 3, 'display:none')}</div>"
        )

    def _drawing(self, width: int, columns: int, style: str) -> str:
        """Return one SVG, ``columns`` boxes at most in a line."""
        y, drawn = 0, []
        for row in self.rows:
            lines = [row.parts[i : i + columns] for i in range(0, len(row.parts), columns)]
            height = TITLE + len(lines) * (BOX + LINKS) + PAD
            drawn.append(_panel(row, y, width, height))
            for place, parts in enumerate(lines):
                drawn.append(self._line(parts, y + TITLE + PAD / 2 + place * (BOX + LINKS), width, columns, place > 0))
            y += height + GAP
        size = (
            f'viewBox="0 0 {width} {y - GAP}" style="{style};width:100%;max-width:{width}px;height:auto;margin:0 auto"'
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-size="14" fill="currentColor">{"".join(drawn)}</svg>'
        )

    def _line(self, parts: Sequence[Part], y: float, width: int, columns: int, goes_on: bool) -> str:
        """Return boxes beside one another, with arrows between them."""
        arrow = 14
        each = (width - 2 * PAD - (columns - 1) * arrow) / columns
        if len(parts) < columns and not goes_on:
            each = min(1.5 * each, (width - 2 * PAD - (len(parts) - 1) * arrow) / len(parts))
        drawn = []
        for i, part in enumerate(parts):
            x = PAD + i * (each + arrow)
            if i or goes_on:
                drawn.append(
                    f'<text x="{x - arrow / 2:.1f}" y="{y + BOX / 2 + 5:.1f}" {MIDDLE} font-size="12">→</text>'
                )
            drawn.append(self._part(part, x, y, each))
        return "".join(drawn)

    def _part(self, part: Part, x: float, y: float, width: float) -> str:
        """Return one box and the links below it."""
        middle, size = x + width / 2, 14 if width > 96 else 13
        bold = f'{MIDDLE} font-size="{size}" font-weight="600"'
        words = (
            f'<text x="{middle:.1f}" y="{y + 19:.1f}" {bold}>{escape(part.name)}</text>'
            f'<text x="{middle:.1f}" y="{y + 37:.1f}" {MIDDLE} font-size="12">{escape(part.note)}</text>'
        )
        if not part.chapter:
            return words
        lit = part.chapter == self.current
        frame = f"stroke:{VERMILLION};stroke-width:3" if lit else f"stroke:{part.color};stroke-width:1.2"
        box = (
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BOX}" rx="5" '
            f'style="fill:{_tint(part.color, 12 if part.color == NONE else 26)};{frame}"/>'
        )
        module, _, name = part.function.rpartition(".")
        page, _, anchor = part.entry.partition("#")
        source = f"{self.root}_modules/{module.replace('.', '/')}.html#{name}"
        return (
            _link(f"{self.root}notebooks/{part.chapter}.html", f"{part.name}, {part.note}: chapter", box + words)
            + _small(source, "code", f"code of {part.name}", middle - 22, y)
            + _small(f"{self.root}book/api/{page}.html#{anchor}", "API", f"API of {part.name}", middle + 22, y)
        )


MIDDLE = 'text-anchor="middle"'


def _panel(row: Row, y: float, width: int, height: float) -> str:
    style = f"fill:{_tint(row.color, 4 if row.color == NONE else 8)};stroke:{_tint(row.color, 45)}"
    return (
        f'<rect x="0.5" y="{y + 0.5}" width="{width - 1}" height="{height - 1}" rx="6" style="{style}"/>'
        f'<text x="{PAD}" y="{y + 18}" font-size="{13 if width == WIDE else 11}">{escape(row.title)}</text>'
    )


def _tint(color: str, share: int) -> str:
    return f"color-mix(in srgb, {color} {share}%, transparent)"


def _link(address: str, label: str, content: str) -> str:
    return f'<a href="{escape(address, quote=True)}" aria-label="{escape(label, quote=True)}">{content}</a>'


def _small(address: str, word: str, label: str, x: float, y: float) -> str:
    text = f'<text x="{x:.1f}" y="{y + BOX + 15:.1f}" {MIDDLE} font-size="12" text-decoration="underline">{word}</text>'
    return _link(address, label, text)
