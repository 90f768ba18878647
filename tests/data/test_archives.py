"""Archives: wanted images come out, and nothing else; hostile and damaged ones are refused."""

import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from satlib.data.archives import Limits, extract_images

FOLDERS = (("HR", "train"), ("B/HR", "unused"))
Files = dict[str, bytes]


def zip_of(path: Path, files: Files, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tar_of(path: Path, files: Files) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


MAKERS = {"a.zip": zip_of, "a.tar": tar_of, "a.tar.gz": tar_of}
each_format = pytest.mark.parametrize("name", MAKERS)


def extract(archive: Path, **options: int) -> dict[str, bytes]:
    target = archive.parent / "out"
    target.mkdir()
    count = extract_images(archive, target, FOLDERS, limits=Limits(**options))
    files = {p.relative_to(target).as_posix(): p.read_bytes() for p in target.rglob("*") if p.is_file()}
    assert len(files) == count
    return files


@each_format
def test_only_wanted_images_come_out(name: str, tmp_path: Path) -> None:
    files = {
        "A/HR/a.png": b"1",
        "A/HR/b.JPG": b"22",
        "A/HR/c.mat": b"3",
        "A/LR/d.png": b"4",
        "HR.png": b"5",
        "A/HR/.hidden.png": b"6",
        "__MACOSX/A/HR/._a.png": b"7",
        "A/HR/sub/e.png": b"8",
        "A/xHR/f.png": b"9",
    }
    assert extract(MAKERS[name](tmp_path / name, files)) == {"train/a.png": b"1", "train/b.JPG": b"22"}


@each_format
@pytest.mark.parametrize(
    "bad", ["../HR/a.png", "HR/../../a.png", "/HR/a.png", "C:/HR/a.png", "HR\\..\\a.png", "//s/HR/x"]
)
def test_paths_that_lead_out_are_refused_wherever_they_are(name: str, bad: str, tmp_path: Path) -> None:
    archive = MAKERS[name](tmp_path / name, {bad: b"1"})
    with pytest.raises(ValueError, match=r"refused: it has an entry .* leads out"):
        extract(archive)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [archive]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_tar_files_are_refused(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("HR/a.png")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(ValueError, match="'HR/a.png' is a link or a device"):
        extract(tmp_path / "a.tar")
    assert list((tmp_path / "out").rglob("*.png")) == []


def test_links_in_zip_files_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("HR/a.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ValueError, match="is a link"):
        extract(tmp_path / "a.zip")


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_bombs_are_refused_before_they_fill_the_disk(name: str, tmp_path: Path) -> None:
    files = {"HR/a.png": bytes(50 << 20)}
    if name == "a.zip":
        archive = zip_of(tmp_path / name, files, zipfile.ZIP_DEFLATED)
    else:
        archive = tar_of(tmp_path / name, files)
    assert archive.stat().st_size < 100_000
    with pytest.raises(ValueError, match="expands out of proportion"):
        extract(archive)
    assert sum(p.stat().st_size for p in (tmp_path / "out").rglob("*") if p.is_file()) < 4 << 20


def test_bomb_in_an_unwanted_entry_of_a_tar_file_is_refused(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "a.tar.gz", {"x.txt": bytes(50 << 20), "HR/a.png": b"1"})
    with pytest.raises(ValueError, match="expands out of proportion"):
        extract(archive)


@each_format
def test_number_of_entries_is_bounded(name: str, tmp_path: Path) -> None:
    archive = MAKERS[name](tmp_path / name, {f"{i}.txt": b"" for i in range(11)})
    with pytest.raises(ValueError, match="more than 10 entries"):
        extract(archive, files=10)


@each_format
def test_total_is_bounded(name: str, tmp_path: Path) -> None:
    archive = MAKERS[name](tmp_path / name, {f"HR/{i}.png": bytes(1000) for i in range(3)})
    with pytest.raises(ValueError, match="out of proportion"):
        extract(archive, total=2500)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_two_files_for_one_place_are_refused(name: str, tmp_path: Path) -> None:
    archive = MAKERS[name](tmp_path / name, {"A/HR/a.png": b"1", "C/HR/a.png": b"2"})
    with pytest.raises(ValueError, match=r"'a\.png' twice"):
        extract(archive)


@each_format
@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_truncated_archives_are_named(name: str, keep: float, tmp_path: Path) -> None:
    content = bytes(range(256)) * 2000
    archive = MAKERS[name](tmp_path / name, {"HR/a.png": content, "HR/b.png": content[::-1]})
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(ValueError, match="damaged"):
        extract(archive)


def test_damaged_content_of_a_zip_file_is_noticed(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", {"HR/a.png": bytes(1000)})
    data = bytearray(archive.read_bytes())
    data[200] ^= 1
    archive.write_bytes(data)
    with pytest.raises(ValueError, match="damaged: Bad CRC-32"):
        extract(archive)


def test_encrypted_zip_is_refused(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", {"HR/a.png": b"1"})
    data = bytearray(archive.read_bytes())
    central = data.index(b"PK\x01\x02")
    struct.pack_into("<H", data, central + 8, 1)
    archive.write_bytes(data)
    with pytest.raises(ValueError, match="is encrypted"):
        extract(archive)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>", b"\x89PNG\r\n"])
def test_what_is_no_archive_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.zip is refused: it is no zip, tar or tar\.gz file"):
        extract(tmp_path / "a.zip")
