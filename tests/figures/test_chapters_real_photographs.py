"""The page *Real photographs*: its table has the means of its rows, and its pictures show every model."""

import numpy as np
import pytest

from satlib.figures.chapters import real_photographs as pictures

LEVELS = {"bicubic-x2": 30.0, "sat-tiny-x2": 31.0, "sat-tiny-real-x2": 32.5}
ROWS = [
    {"network": network, "set": name, "image": image, "draw": draw, "psnr": level + shift + lost, "ssim": 0.9}
    for network, level in LEVELS.items()
    for name in ("A", "B")
    for shift, image in enumerate("xyz")
    for draw, lost in (("clean", 5.0), ("0", 0.0), ("1", -2.0))
]
RNG = np.random.default_rng(0)
PHOTO, *MADE = (RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8) for _ in range(4))
OUTPUTS = dict(zip(pictures.NETWORKS, MADE, strict=True))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_has_means_and_margins_with_intervals() -> None:
    head, _, first, second, *others = map(cells, pictures.margins(ROWS).splitlines())
    assert head[2:5] == list(pictures.NETWORKS) and len(others) == 2
    assert first[:5] == ["A, 3", "degraded", "30.00", "31.00", "32.50"]
    assert first[5:] == ["+1.50 (+1.50 to +1.50)", "+2.50 (+2.50 to +2.50)"]
    assert second[:5] == ["A, 3", "clean", "36.00", "37.00", "38.50"]
    assert cells(pictures.margins(ROWS, "ssim").splitlines()[2])[2:6] == ["0.9000"] * 3 + [
        "+0.0000 (+0.0000 to +0.0000)"
    ]


def test_values_are_photographs_and_draws() -> None:
    found = pictures.values(ROWS, "bicubic-x2", "B", "psnr", clean=False)
    assert found.tolist() == [[30, 28], [31, 29], [32, 30]]
    with pytest.raises(ValueError, match="sat-x2 needs as many draws of each photograph of A, got {}"):
        pictures.values(ROWS, "sat-x2", "A", "psnr", clean=True)
    with pytest.raises(ValueError, match="bicubic-x2 needs as many draws"):
        pictures.values(ROWS[:8], "bicubic-x2", "A", "psnr", clean=False)
    with pytest.raises(ValueError, match="metric must be one of psnr, ssim, got 'lpips'"):
        pictures.margins(ROWS, "lpips")


def test_every_model_and_the_photograph_are_seen() -> None:
    drawn = pictures.divider(PHOTO, OUTPUTS, "cat")
    assert list(drawn.images) == [*pictures.NETWORKS, "the photograph"]
    assert "by bicubic-x2, by sat-tiny-x2, by sat-tiny-real-x2; and as it was" in drawn.alt
    (row,) = pictures.crops({"cat": PHOTO}, {"cat": OUTPUTS}, {"cat": (2, 3, 8)}).rows
    assert list(row.images) == list(drawn.images)
    assert np.array_equal(row.images["the photograph"], PHOTO[2:10, 3:11])
