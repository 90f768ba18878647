"""Data sets onto the disk, whole or not at all, and what `verify` sees; from a server on this machine."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from loopback import Site, serving
from toy_set import TRAIN, VALID, png, toy

from satlib.data import CATALOGUE, fetch, find_dataset, prepare, verify
from satlib.support.files import locked


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving({"train.zip": TRAIN, "valid.zip": VALID}) as site:
        yield site


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_catalogue_is_what_papers_use() -> None:
    counts = {dataset.name: dataset.images for dataset in CATALOGUE}
    assert counts == {
        "DIV2K": 900,
        "Flickr2K": 2650,
        "BSDS500": 400,
        "Set5": 5,
        "Set14": 14,
        "B100": 100,
        "Urban100": 100,
        "Manga109": 0,
    }
    for archive in (a for dataset in CATALOGUE for a in dataset.archives):
        assert urlsplit(archive.url).scheme == "https"
        assert archive.filename.endswith((".zip", ".tgz", ".tar.gz"))
        assert archive.sha256 is None or len(bytes.fromhex(archive.sha256)) == 32


def test_addresses_stand_in_the_catalogue_alone() -> None:
    package = Path(__file__).parents[2] / "satlib"
    hosts = {urlsplit(archive.url).hostname for dataset in CATALOGUE for archive in dataset.archives}
    found = [p.name for p in package.rglob("*.py") for host in hosts if host and host in p.read_text()]
    assert set(found) == {"catalogue.py"}


def test_training_and_test_images_of_bsds_are_disjoint() -> None:
    folders = [{end for end, _ in a.folders} for name in ("BSDS500", "B100") for a in find_dataset(name).archives]
    assert folders == [{"images/train", "images/test"}, {"images/val"}]


def test_names_are_found_in_any_case() -> None:
    assert find_dataset("div2k").name == "DIV2K"
    with pytest.raises(ValueError, match="unknown data set 'Set6'; known are DIV2K, Flickr2K, "):
        find_dataset("Set6")


def test_manga109_is_explained_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Manga109 cannot be downloaded.*apply at http"):
        fetch(find_dataset("Manga109"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_fetch(site: Site, tmp_path: Path) -> None:
    root = tmp_path / "data"
    folder = fetch(toy(site), root)
    assert folder == root / "Toy"
    assert names(folder) == ["record.json", "train/1.png", "train/2.png", "valid/3.png"]
    assert (folder / "train/2.png").read_bytes() == png(2)
    assert verify(folder) == []
    assert names(root / ".downloads") == [".lock"]


def test_fetched_set_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    fetch(toy(site), tmp_path)
    site.requests.clear()
    fetch(toy(site), tmp_path)
    assert site.requests == []


def test_kept_archives_are_not_downloaded_again(site: Site, tmp_path: Path) -> None:
    folder = fetch(toy(site), tmp_path, keep=True)
    (folder / "train/1.png").write_bytes(b"")
    assert verify(folder) == ["train/1.png has 0 bytes, not " + str(len(png(1)))]
    site.requests.clear()
    fetch(toy(site), tmp_path)
    assert site.requests == [] and verify(folder) == []


def test_interrupted_fetch_leaves_no_folder_and_resumes(site: Site, tmp_path: Path) -> None:
    site.drops, site.statuses = [1000], [200, 403]
    with pytest.raises(OSError, match="403"):
        fetch(toy(site), tmp_path)
    assert not (tmp_path / "Toy").exists()
    fetch(toy(site), tmp_path)
    assert site.sent == len(TRAIN) + len(VALID)


def test_remains_of_a_killed_process_go(site: Site, tmp_path: Path) -> None:
    (tmp_path / ".Toy-abc").mkdir()
    fetch(toy(site), tmp_path)
    assert not (tmp_path / ".Toy-abc").exists()


def test_first_checksum_is_held_against_later_downloads(site: Site, tmp_path: Path) -> None:
    folder = fetch(toy(site), tmp_path)
    noted = json.loads((tmp_path / "checksums.json").read_text())
    assert noted[site.address("train.zip")]["bytes"] == len(TRAIN)
    (folder / "train/1.png").unlink()
    site.files["train.zip"] = TRAIN.replace(b"LR/1.png", b"LR/7.png")
    with pytest.raises(OSError, match="checksum"):
        fetch(toy(site), tmp_path)
    assert names(folder) == ["record.json", "train/2.png", "valid/3.png"]


@pytest.mark.parametrize("content", [b"<html>consent</html>", TRAIN[: len(TRAIN) // 2]])
def test_what_is_no_archive_is_thrown_away_and_can_be_fetched_later(site: Site, tmp_path: Path, content: bytes) -> None:
    site.files["train.zip"] = content
    with pytest.raises(ValueError, match=r"train\.zip is (refused: it is no zip|damaged)"):
        fetch(toy(site), tmp_path)
    assert names(tmp_path) == [".downloads/.lock", ".downloads/valid.zip"]
    site.files["train.zip"] = TRAIN
    assert verify(fetch(toy(site), tmp_path)) == []


def test_missing_images_are_noticed(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"train\.zip holds 2 of the images wanted, not 3"):
        fetch(toy(site, images=3), tmp_path)
    assert not (tmp_path / "Toy").exists()


def test_a_folder_of_the_user_is_left_alone(site: Site, tmp_path: Path) -> None:
    (tmp_path / "Toy").mkdir()
    (tmp_path / "Toy/mine.png").write_bytes(png(9))
    with pytest.raises(ValueError, match="exists and was not made by"):
        fetch(toy(site), tmp_path)
    assert names(tmp_path / "Toy") == ["mine.png"]
    assert site.requests == []


def test_files_of_the_user_are_not_lost_in_a_repair(site: Site, tmp_path: Path) -> None:
    folder = fetch(toy(site), tmp_path)
    store = prepare(folder / "train", scales=(2,))
    assert store == folder / "train.store" and verify(folder) == [] and verify(store) == []
    (folder / "notes.txt").write_text("mine")
    assert verify(folder) == ["notes.txt does not belong here"]
    site.requests.clear()
    fetch(toy(site), tmp_path)
    assert site.requests == []
    (folder / "train/1.png").unlink()
    with pytest.raises(ValueError, match="is incomplete, and fetching it anew would remove"):
        fetch(toy(site), tmp_path)
    assert site.requests == [] and (folder / "notes.txt").is_file()


def test_two_at_once_are_refused(site: Site, tmp_path: Path) -> None:
    (tmp_path / ".downloads").mkdir()
    with locked(tmp_path / ".downloads/.lock"), pytest.raises(OSError, match="by another process"):
        fetch(toy(site), tmp_path)


def test_verify_names_each_difference(site: Site, tmp_path: Path) -> None:
    folder = fetch(toy(site), tmp_path)
    (folder / "train/1.png").unlink()
    (folder / "train/2.png").write_bytes(png(2)[:-1] + b"x")
    (folder / "train/extra.png").write_bytes(png(5))
    assert verify(folder) == [
        "train/1.png is missing",
        "train/2.png is damaged: its checksum differs",
        "train/extra.png does not belong here",
    ]


def test_verify_without_record_decodes_every_image(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(1))
    assert verify(tmp_path) == []
    (tmp_path / "b.png").write_bytes(png(2)[:900])
    (problem,) = verify(tmp_path)
    assert "b.png is damaged or truncated" in problem


def test_verify_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no images"):
        verify(tmp_path)
    with pytest.raises(OSError, match="no such folder"):
        verify(tmp_path / "missing")
    (tmp_path / "record.json").write_text("{}")
    with pytest.raises(ValueError, match=r"record\.json is damaged"):
        verify(tmp_path)
