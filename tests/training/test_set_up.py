"""A run as a notebook asks for it: the configuration is found, changed and complete, and its store is there."""

from pathlib import Path

import pytest

from satlib.data import Store
from satlib.training.set_up import SAMPLES, set_up

ROOT = Path(__file__).parents[2]
TEXT = """recipe: quick
network: {preset: sat-tiny, scale: 2, channels: 8, heads: 2, groups: [1]}
store: data/some.store
holdout: 2
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, and below it the current one."""
    (tmp_path / "own.yaml").write_text(TEXT)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    return tmp_path


def test_paths_hold_from_a_folder_below_that_of_the_configuration(place: Path) -> None:
    (place / "other.yaml").write_text(TEXT.replace("holdout: 2", "validation: images\nstart: first.safetensors"))
    settings, folder = set_up("own.yaml", out="runs/one")
    assert settings.store == str(place / "data/some.store") and settings.start == "interpolation"
    assert folder == place / "notebooks/runs/one" and (place / "notebooks/runs/one").is_dir()
    settings, _ = set_up("other.yaml", out="runs/one")
    assert (settings.validation, settings.start) == (str(place / "images"), str(place / "first.safetensors"))


@pytest.mark.parametrize("start", ["sat-tiny-x2", "hf://owner/name"])
def test_a_start_that_is_a_name_stays_one(place: Path, start: str) -> None:
    settings, _ = set_up("own.yaml", overrides=[f"start={start}"], out="runs/one")
    assert settings.start == start


def test_parameters_go_before_the_file(place: Path) -> None:
    settings, _ = set_up("own.yaml", overrides=["batch=3", "steps=7"], out="out")
    assert (settings.batch, settings.steps, settings.seed) == (3, 7, 0)
    settings, _ = set_up("own.yaml", overrides=["steps=7"], steps=9, seed=4, out="out")
    assert (settings.steps, settings.seed) == (9, 4)


def test_every_run_without_a_folder_has_its_own(place: Path) -> None:
    (_, first), (_, second) = (set_up("own.yaml") for _ in range(2))
    assert first.is_dir() and second.is_dir() and first != second


def test_the_store_of_the_samples_is_made_where_it_is_missing(place: Path) -> None:
    settings, folder = set_up("own.yaml", overrides=[f"store=data/{SAMPLES}"], out="out")
    assert Path(settings.store).resolve() == (folder / SAMPLES).resolve()
    assert len(Store(settings.store, 2)) == 8


def test_a_checkout_is_found_from_anywhere(place: Path) -> None:
    settings, _ = set_up("runs/train/tiny-x2.yaml", out="out")
    assert Path(settings.store).is_relative_to(ROOT)


def test_a_run_that_cannot_validate_or_has_no_file_is_refused(place: Path) -> None:
    with pytest.raises(ValueError, match="own.yaml must have photographs to validate on, got holdout=0"):
        set_up("own.yaml", overrides=["holdout=0"], out="out")
    with pytest.raises(OSError, match="none.yaml"):
        set_up("none.yaml", out="out")
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (["network={blocks: 2, channels: 8, scale: 2}"], "a SAT network here, got a convolutional one"),
        (["network.in_channels=1"], "got in_channels=1 and scale=2"),
        (["network.scale=1", "degradation=mild", "start=random"], "got in_channels=3 and scale=1"),
    ],
)
def test_a_network_that_the_chapter_cannot_show_is_refused_before_it_is_trained(
    place: Path, changes: list[str], expected: str
) -> None:
    with pytest.raises(ValueError, match=f"own.yaml must be of .*{expected}"):
        set_up("own.yaml", overrides=changes, out="out")
    assert not Path("out").exists()
