"""The published tables as data: complete, consistent with each other, and found by value."""

import re
from pathlib import Path

import pytest

from satlib.results import paper

SETS = ("Set5", "Set14", "B100", "Urban100", "Manga109")
APPENDIX = Path(__file__).parents[3] / "shared" / "paper" / "appendix.txt"


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("1", 21, 14),
        ("A", 15, 6),
        ("B", 7, 9),
        ("C", 2, 4),
        ("D", 4, 6),
        ("E", 3, 4),
        ("F", 3, 4),
        ("G", 3, 4),
        ("H", 4, 4),
        ("light", 6, 4),
    ],
)
def test_every_table_is_complete(name, rows, columns):
    table = paper.table(name)
    assert (len(table.rows), {len(row) for row in table.rows}) == (rows, {columns})
    assert len(set(table.columns)) == len(table.columns) == columns
    assert table.caption
    assert table.source
    assert len(set(table.rows)) == rows


def test_names_are_those_of_the_file():
    assert [paper.table(name).name for name in paper.NAMES] == list(paper.NAMES)


def test_known_values():
    sat = {"method": "SAT", "scale": 4}
    assert paper.table("1").number(sat, "Manga109 PSNR") == 32.85
    assert paper.table("1").number(sat, "Urban100 SSIM") == 0.8423
    assert paper.table("B").number(sat, "Set14 LPIPS") == 0.28
    assert paper.table("A").number(sat, "runtime (ms)") == 207
    assert paper.table("H").number({"m": "0.1K"}, "Set5 PSNR") == 32.48
    assert paper.table("light").number({"method": "PFT-light", "scale": 2}, "params (K)") == 776


def test_tables_a_and_b_repeat_table_1():
    for name, columns in {"A": ("params (M)", "FLOPs (T)", "Manga109 PSNR"), "B": ("params (M)", "FLOPs (T)")}.items():
        for row in paper.table(name).where({}):
            (same,) = paper.table("1").where({"method": row["method"], "scale": row["scale"]})
            assert [row[c] for c in columns] == [same[c] for c in columns]


def test_the_chosen_settings_have_the_same_values_in_all_ablations():
    chosen = {
        "C": {"norm restoration": "with"},
        "D": {"r_c": 0.5},
        "E": {"sampling": "stratified"},
        "F": {"beta": 4},
        "G": {"aggregation": "similarity"},
        "H": {"m": "0.1K"},
    }
    for name, wanted in chosen.items():
        numbers = [paper.table(name).number(wanted, f"{data} PSNR") for data in ("Set5", "Urban100", "Manga109")]
        assert numbers == [32.48, 26.61, 31.09]


def test_scores_are_in_their_range_and_sat_is_best_of_table_1():
    table = paper.table("1")
    for scale in (2, 3, 4):
        rows = table.where({"scale": scale})
        assert [row["method"] for row in rows] == ["SwinIR", "CAT-A", "HAT", "IPG", "ATD", "PFT", "SAT"]
        for column in (f"{name} {metric}" for name in SETS for metric in ("PSNR", "SSIM")):
            values = [row[column] for row in rows]
            low, high = (27, 41) if "PSNR" in column else (0.7, 1)
            assert low < min(values) < max(values) == values[-1] < high


@pytest.mark.skipif(not APPENDIX.is_file(), reason="the text of the appendix is not at ../shared/paper/appendix.txt")
def test_every_number_of_tables_a_to_h_stands_in_the_appendix():
    text = APPENDIX.read_text(encoding="utf-8")
    for name in "ABCDEFGH":
        part = text[text.index(f"Table {name}.") :]
        lines = [line for line in part.splitlines()[1:60] if line.startswith("|")]
        first = lines[2 : 2 + len(paper.table(name).rows)]
        for line, row in zip(first, paper.table(name).rows, strict=True):
            published = [float(n) for n in re.findall(r"\d+\.?\d*", re.sub(r"\[\d+\]", "", line))]
            ours = [v for v in row if isinstance(v, float)]
            assert set(ours) <= set(published), (name, row)


def test_a_wrong_name_column_or_row_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="'Z'"):
        paper.table("Z")
    with pytest.raises(ValueError, match="'colour'"):
        paper.table("A").where({"colour": 1})
    with pytest.raises(ValueError, match="3 rows of table A"):
        paper.table("A").number({"method": "SAT"}, "FLOPs (T)")
    with pytest.raises(ValueError, match="no number in column 'method'"):
        paper.table("A").number({"method": "SAT", "scale": 2}, "method")
    with pytest.raises(ValueError, match="no number in column 'params"):
        paper.table("light").number({"method": "SwinIR-light", "scale": 4}, "params (K)")


# Peers ---------------------------------------------------------------------------------------------------------------


def test_the_peers_have_the_parameters_of_table_1():
    peers = {(peer.method, peer.scale): peer for peer in paper.peers()}
    for method in ("SwinIR", "HAT", "ATD"):
        for scale in (2, 3, 4):
            published = paper.table("1").number({"method": method, "scale": scale}, "params (M)")
            assert round(peers[method, scale].params / 1e6, 1) == published


def test_the_peers_cost_what_they_are_known_to_cost_at_x4():
    peers = {peer.method: peer for peer in paper.peers() if peer.scale == 4}
    assert set(peers) == {"SwinIR", "HAT", "ATD", "DAT", "RGT"}
    assert peers["HAT"].total / 1e12 == pytest.approx(1.30, abs=0.005)
    assert peers["ATD"].total / 1e12 == pytest.approx(1.44, abs=0.005)
    assert all(peer.published < peer.total for peer in peers.values())
    assert set(paper.peer_versions()) == {"spandrel", "torch", "torchvision"}


def test_the_same_peers_were_counted_where_table_a_has_times():
    for peer, timed in zip(paper.peers(), paper.peers_as_timed(), strict=True):
        assert (peer.method, peer.scale, peer.params) == (timed.method, timed.scale, timed.params)
        assert 0.25 < timed.total / peer.total < 0.4  # 512 x 512 has 0.32 of the pixels of 1280 x 640
