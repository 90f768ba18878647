"""The pictures and the table of chapter 1 show what the chapter computed."""

import numpy as np
import pytest
import torch

from satlib import SATConfig, dta, metrics
from satlib.analysis.patch_features import patch_features
from satlib.complexity import complexity
from satlib.figures.chapters import idea as pictures

GRID = (40, 36)


@pytest.fixture(scope="module")
def image():
    return torch.rand(3, *GRID, generator=torch.Generator().manual_seed(0))


def choose(image, n_centers):
    generator = torch.Generator().manual_seed(1)
    return dta.aggregate(patch_features(image[None]), n_centers, grid=GRID, generator=generator)


def test_what_a_token_reads_is_counted_and_marked(image):
    shown = pictures.three_attentions(image, (30, 10), choose(image, 9))
    titles = [ax.get_title(loc="left") for ax in shown.figure.axes]
    # Windows of 8 x 32 and 32 x 8 that hold (30, 10): rows 24..31, columns 0..31; rows 0..31, columns 8..15.
    n = 8 * 32 + 32 * 8 - 8 * 8
    assert titles == ["all: 1,440 tokens", f"local windows: {n} tokens", "aggregated: 9 tokens"]
    for ax in shown.figure.axes:
        assert (ax.lines[0].get_xdata()[0], ax.lines[0].get_ydata()[0]) == (10, 30)
    assert "1,440 pixels" in shown.alt and f"{n} pixels" in shown.alt and "9 tokens" in shown.alt


def test_windows_cost_as_many_pairs_as_they_have_tokens():
    shown = pictures.comparisons(window=100)
    local = next(trace for trace in shown.figure.data if trace.name == "local windows")
    assert list(local.y) == [side * side * 100 for side in pictures.SIDES]


def test_what_is_kept_is_a_share_of_the_variance(image):
    shown = pictures.kept(image, {0.03: choose(image, 43), 1.0: choose(image, 1440)})
    notes = [frame.layout.title.text for frame in shown.figure.frames]
    assert [frame.name for frame in shown.figure.frames] == ["3.0%", "100.0%"]
    assert notes[1] == "1,440 tokens keep 100.0% of the colours' variance."
    share = float(notes[0].split("keep ")[1].split("%")[0])
    assert 0 < share < 100 and all(note in shown.alt for note in notes)


def test_outputs_have_their_psnr_as_titles():
    random = np.random.default_rng(0)
    hr = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    shown = pictures.upscaled(hr[::2, ::2], {"zero": np.zeros_like(hr)}, hr, border=2)
    value = metrics.psnr(np.zeros_like(hr), hr, border=2)
    assert [ax.get_title(loc="left") for ax in shown.figure.axes] == ["input", f"zero, {value:.2f} dB", "photograph"]
    assert f"upscaled by zero, {value:.2f} dB" in shown.alt and "3 times" in shown.alt


def test_costs_are_those_that_are_counted():
    counted = complexity(SATConfig.preset("sat-tiny", 2))
    line = pictures.counts_table({"sat-tiny": counted}, 2).splitlines()[2]
    name, params, published, total = (cell.strip() for cell in line.split("|")[1:-1])
    assert name == "`sat-tiny`"
    assert float(params) == pytest.approx(counted.params["total"] / 1e6, abs=0.005)
    assert float(published) == pytest.approx(counted.published / 1e12, abs=5e-4)
    assert float(total) == pytest.approx(counted.total / 1e12, abs=5e-4)
