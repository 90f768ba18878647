"""The picture and the table of chapter 15 show the evaluations that they are given."""

from satlib.evaluation.records import recorded
from satlib.figures.chapters import evaluation as pictures

FOUND = [one for one in recorded("sat-tiny-x4") if one.data == "Set5"]


def test_each_photograph_has_a_mark_for_each_model() -> None:
    drawn = pictures.levels(FOUND)
    for trace, one in zip(drawn.figure.data, FOUND, strict=True):
        assert list(trace.x) == [round(score.psnr, 3) for score in one.images]
        assert list(trace.y) == ["baby", "bird", "butterfly", "head", "woman"]
    levels = [score.psnr for one in FOUND for score in one.images]
    assert f"each of 5 photographs, a row for each, a mark for each model, from {min(levels):.1f} to" in drawn.alt
    assert drawn.alt.endswith(f"The means are bicubic {FOUND[0].psnr:.2f}, sat-tiny-x4 {FOUND[1].psnr:.2f}.")


def test_five_models_are_drawn_at_most() -> None:
    assert len(pictures.levels(FOUND * 3).figure.data) == 5


def test_the_table_ends_with_the_mean() -> None:
    lines = pictures.by_photograph(FOUND).splitlines()
    listed = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert listed[0] == ["photograph", "bicubic", "sat-tiny-x4"]
    assert [row[0] for row in listed[2:]] == [score.name for score in FOUND[0].images] + ["**mean of 5**"]
    assert listed[-1][1:] == [f"**{one.psnr:.2f} / {one.ssim:.4f}**" for one in FOUND]
