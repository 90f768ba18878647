"""The published numbers to hold an evaluation against: the paper's, and what papers print for bicubic interpolation."""

from pathlib import Path

from satlib.results.paper import Value, table

BICUBIC = {
    ("Set5", 2): (33.66, 0.9299),
    ("Set5", 3): (30.39, 0.8682),
    ("Set5", 4): (28.42, 0.8104),
    ("Set14", 2): (30.24, 0.8688),
    ("Set14", 3): (27.55, 0.7742),
    ("Set14", 4): (26.00, 0.7027),
    ("B100", 2): (29.56, 0.8431),
    ("B100", 3): (27.21, 0.7385),
    ("B100", 4): (25.96, 0.6675),
    ("Urban100", 2): (26.88, 0.8403),
    ("Urban100", 3): (24.46, 0.7349),
    ("Urban100", 4): (23.14, 0.6577),
    ("Manga109", 2): (30.80, 0.9339),
    ("Manga109", 3): (26.95, 0.8556),
    ("Manga109", 4): (24.89, 0.7866),
}
"""PSNR and SSIM of bicubic interpolation by set and scale, as in RCAN (ECCV 2018) and most papers after it.

They are of the older protocol: Y rounded, the grey image of Set14 as Y.
"""

ALIASES = {"bsd100": "B100", "bsds100": "B100"}
SETS = ("Set5", "Set14", "B100", "Urban100", "Manga109")


def set_name(folder: Path) -> str | None:
    """Return the test set that a folder is named after, or else the folder around it, as in ``Set5/HR``."""
    known = {name.lower(): name for name in SETS} | ALIASES
    here = folder.resolve()
    return known.get(here.name.lower()) or known.get(here.parent.name.lower())


def published_rows(folder: Path, scale: int) -> dict[str, dict[str, float]]:
    """Return published values for the test set in a folder: by row name, then by metric; empty where there are none."""
    name = set_name(folder)
    rows: dict[str, dict[str, float]] = {}
    if name is None:
        return rows
    if (name, scale) in BICUBIC:
        psnr, ssim = BICUBIC[name, scale]
        rows["bicubic, published (Y rounded, grey as Y)"] = {"psnr": psnr, "ssim": ssim}
    sat: dict[str, Value] = {"scale": scale, "method": "SAT"}
    if table("1").where(sat):
        rows["SAT, the paper's Table 1"] = {m: table("1").number(sat, f"{name} {m.upper()}") for m in ("psnr", "ssim")}
    if table("B").where(sat):
        rows["SAT, the paper's Table B"] = {"lpips": table("B").number(sat, f"{name} LPIPS")}
    return rows
