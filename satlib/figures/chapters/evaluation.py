"""Chapter 15: models on the photographs of a folder. Tables that chapter 16 has, too, are in `comparison_tables`."""

from collections.abc import Sequence

from satlib.evaluation import Evaluation
from satlib.figures.chapters.comparison_tables import both
from satlib.figures.kit.show import Shown, show
from satlib.figures.quality import scores
from satlib.support.tables import table


def levels(found: Sequence[Evaluation]) -> Shown:
    """Draw the PSNR of each photograph of a folder by at most five models, the first ones."""
    drawn = found[:5]
    ends = [score.psnr for one in drawn for score in one.images if score.psnr is not None]
    means = ", ".join(f"{one.model} {one.psnr:.2f}" for one in drawn)
    return show(
        scores.psnr_dots(drawn),
        alt=f"PSNR of each of {len(found[0].images)} photographs, a row for each, a mark for each model, from "
        f"{min(ends):.1f} to {max(ends):.1f} dB. The means are {means}.",
    )


def by_photograph(found: Sequence[Evaluation]) -> str:
    """Return a table of PSNR in dB and SSIM of one folder: a row for each image and their mean, a column a model."""
    rows = [
        (scores[0].name, *(both(score.psnr, score.ssim) for score in scores))
        for scores in zip(*(one.images for one in found), strict=True)
    ]
    means = (f"**{both(one.psnr, one.ssim)}**" for one in found)
    rows.append((f"**mean of {len(found[0].images)}**", *means))
    return table(("photograph", *(one.model for one in found)), rows)
