"""Which low-resolution file belongs to which photograph: by the names that benchmarks use, each to one only.

- ours, and BasicSR's copies: baby.png of baby.png
- DIV2K, Flickr2K, and EDSR's copies: 0801x4.png of 0801.png; of the tracks of 2018 0801x4m.png
- Manga109: name_LRBI_x4.png of name.png
- SelfExSR's copies of Set5 to Urban100: img_001_SRF_4_LR.png of img_001_SRF_4_HR.png
- others: baby.bmp of baby_GT.bmp; baby_LR.png, baby_LR4.png or baby_x4.png of baby_HR.png

The two may have different extensions, as long as there is one candidate.
"""

from collections.abc import Sequence
from pathlib import Path

HIGH_ENDS = ("_GT", "_HR")


def low_stems(stem: str, scale: int) -> list[str]:
    """Return the names, without extension, that the low-resolution version of a photograph may have, best first."""
    names = [stem]
    for end in HIGH_ENDS:
        if stem.endswith(end):
            names.append(stem.removesuffix(end))
    ends = (
        "",
        f"x{scale}",
        f"_x{scale}",
        f"X{scale}",
        f"_LRBI_x{scale}",
        f"_LRBD_x{scale}",
        "_LR",
        f"_LR{scale}",
        f"_LR_x{scale}",
        f"x{scale}m",
        f"x{scale}w",
        f"x{scale}d",
    )
    return [name + end for name in names for end in ends]


class Pairs:
    """The photographs and low-resolution files of two folders.

    Parameters
    ----------
    photographs, low_files
        The image files of each folder.
    scale
        By which they differ.
    """

    def __init__(self, photographs: Sequence[Path], low_files: Sequence[Path], scale: int) -> None:
        self.scale = scale
        self._by_stem: dict[str, list[Path]] = {}
        for path in low_files:
            self._by_stem.setdefault(path.stem, []).append(path)
        self._claims: dict[Path, list[Path]] = {}
        for photograph in photographs:
            candidates = self._candidates(photograph)
            if len(candidates) == 1:
                self._claims.setdefault(candidates[0], []).append(photograph)

    def low_of(self, photograph: Path) -> Path | None:
        """Return the low-resolution version of a photograph, or None if there is none.

        Raises
        ------
        ValueError
            If there are several, or the only one fits another photograph better or as well; it names both files.
        """
        candidates = self._candidates(photograph)
        if len(candidates) > 1:
            raise ValueError(f"{photograph} has two low-resolution versions, {candidates[0]} and {candidates[1]}")
        if not candidates:
            return None
        low = candidates[0]
        better = [other for other in self._claims.get(low, []) if other.suffix.lower() == low.suffix.lower()]
        owners = better or self._claims.get(low, [])
        others = [owner for owner in owners if owner != photograph]
        if others:
            raise ValueError(f"{low} is the low-resolution version of {others[0]}; {photograph} has none of its own")
        return low

    def _candidates(self, photograph: Path) -> list[Path]:
        """Return the files of the best name that there is; those with the photograph's extension, if any has it."""
        for stem in low_stems(photograph.stem, self.scale):
            found = self._by_stem.get(stem, [])
            if found:
                same = [path for path in found if path.suffix.lower() == photograph.suffix.lower()]
                return same or found
        return []
