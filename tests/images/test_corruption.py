"""Damaged files of all formats: a clear error or an image, and nothing left behind; `python -m benchmarks` has more."""

import pytest

from benchmarks import corruption
from benchmarks.small_images import small_images

FILES = small_images()


def test_there_are_files_of_every_format_by_every_writer():
    suffixes = [name.split(".")[1] for name in FILES]
    assert len(FILES) >= 20 and {"png", "jpg", "webp", "tif", "bmp", "gif"} == set(suffixes)


@pytest.mark.parametrize("name", FILES)
def test_some_damage_is_an_error_or_an_image(name, tmp_path):
    found = corruption.try_all(name, FILES[name], tmp_path, header=24, places=15, step=23)
    assert found.get("fault", []) == []
    assert found["refused"]


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_all_damage_is_an_error_or_an_image(name, tmp_path):
    found = corruption.try_all(name, FILES[name], tmp_path, header=corruption.HEADER, places=200, step=1)
    assert found.get("fault", []) == []


def test_a_fault_is_found(tmp_path, monkeypatch):
    def bad(*args: object, **options: object) -> None:
        raise KeyError("a decoder's own")

    monkeypatch.setattr(corruption, "upscale_file", bad)
    found = corruption.try_all("grey.png", FILES["grey.png"], tmp_path, header=2, places=0, step=100)
    assert len(found["fault"]) >= 3 and "KeyError" in found["fault"][0]


def test_damage_is_at_the_places_that_are_asked_for():
    data = bytes(range(100))
    done = list(corruption.damaged(data, header=10, places=5, step=7))
    cuts = [content for what, content in done if what.startswith("cut")]
    assert [len(content) for content in cuts[:10]] == list(range(10)) and len(cuts) == 15
    changed = [content for what, content in done if what.startswith("byte")]
    assert len(changed) in (14, 15)
    assert all(sum(a != b for a, b in zip(content, data, strict=True)) == 1 for content in changed)
