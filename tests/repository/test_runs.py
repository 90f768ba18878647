"""The files of runs/: training configurations, parameters of notebooks, and small ones for every notebook."""

from pathlib import Path

import pytest
import yaml

from satlib.data.degradation import PRESETS
from satlib.network.convolutional import ConvolutionalConfig
from satlib.runner.notebooks import read_notebook
from satlib.support.yaml_files import read_mapping
from satlib.training import TrainConfig, read_config

ROOT = Path(__file__).parents[2]
RUNS = ROOT / "runs"
CONFIGS = sorted((RUNS / "train").glob("*.yaml"))
PARAMETERS = sorted(RUNS.glob("*.yaml"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.md"))

each_config = pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
each_file = pytest.mark.parametrize("path", PARAMETERS, ids=lambda path: path.stem)


def notebook_of(path: Path) -> Path:
    name = "15_evaluation" if path.stem.startswith("evaluation") else "14_training"
    return ROOT / "notebooks" / f"{name}.md"


@each_config
def test_a_configuration_has_the_scale_and_the_network_of_its_name(path: Path) -> None:
    config = read_config(path)
    name, _, scale = path.stem.rpartition("-x")
    if name == "convolutional":
        assert config.network == ConvolutionalConfig(scale=int(scale))
        return
    written = yaml.safe_load(path.read_text())["network"]["preset"]
    if path.stem == "smoke":
        assert (written, config.network.scale) == ("sat-tiny", 2)
        return
    presets = {"paper": "sat", "released": "sat-released", "light": "sat-light", "tiny": "sat-tiny"}
    presets |= {"tiny-real": "sat-tiny", "tiny-long": "sat-tiny"}
    assert (written, config.network.scale) == (presets[name], int(scale))


@each_config
def test_a_configuration_starts_from_x2_where_it_is_not_x2(path: Path) -> None:
    config = read_config(path)
    if config.network.scale == 2:
        assert config.start in (("sat-tiny-x2",) if path.stem == "tiny-real-x2" else ("random", "interpolation"))
    else:
        family = path.stem.rpartition("-x")[0]
        trained = f"out/{family}-x2/last.safetensors"  # where `satlib train` puts it
        assert config.start == ("sat-tiny-x2" if path.stem == "tiny-x3" else trained)  # which is bundled
        assert path.with_name(f"{family}-x2.yaml") in CONFIGS


@each_config
def test_a_configuration_validates_on_something(path: Path) -> None:
    config = read_config(path)
    assert bool(config.holdout) != bool(config.validation)
    assert config.store.startswith("data/") and config.store.endswith(".store")


def test_the_network_for_real_photographs_is_trained_on_the_mild_degradation() -> None:
    assert read_config(RUNS / "train" / "tiny-real-x2.yaml").degradation == PRESETS["mild"]


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(("name", "recipe"), [("paper", "paper"), ("light", "paper"), ("released", "released")])
def test_the_long_runs_change_nothing_of_their_recipe(name: str, recipe: str, scale: int) -> None:
    config = read_config(RUNS / "train" / f"{name}-x{scale}.yaml")
    places = {key: getattr(config, key) for key in ("store", "start", "validation")}
    assert config == TrainConfig.recipe(recipe, network=config.network, **places)


def test_the_convolutional_network_is_trained_as_the_small_sat() -> None:
    ours, theirs = (read_config(RUNS / "train" / f"{name}-x2.yaml") for name in ("convolutional", "tiny"))
    assert ours.replace(network=theirs.network) == theirs


@each_file
def test_parameters_fit_their_notebook(path: Path) -> None:
    values = yaml.safe_load(path.read_text())
    notebook = read_notebook(notebook_of(path))
    notebook.check(values, path.name)
    assert values["results"].endswith(".json")
    assert str(notebook.path.relative_to(ROOT)) in path.read_text(), "the comment names the command"


@each_file
def test_parameters_name_files_that_exist(path: Path) -> None:
    values = yaml.safe_load(path.read_text())
    if "config" in values:
        assert (ROOT / values["config"]).is_file()
        stem = Path(values["config"]).stem
        assert values["out"] == f"out/{stem}"
    else:
        assert path.stem == f"evaluation-x{values['scale']}"


def test_every_notebook_has_small_parameters_and_nothing_else_has() -> None:
    assert {path.stem for path in (RUNS / "smoke").iterdir()} == {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
def test_small_parameters_fit_their_notebook_and_write_to_no_folder_of_it(source: Path) -> None:
    path = RUNS / "smoke" / f"{source.stem}.yaml"
    values = read_mapping(path)
    read_notebook(source).check(values, path.name)
    assert not {"out", "results"} & values.keys()
    command = f"satlib run notebooks/{source.name} -f runs/smoke/{path.name}"
    assert command in path.read_text(), "the comment names the command"
    assert values or "nothing to make smaller" in path.read_text()


def test_both_notebooks_can_be_called_without_parameters() -> None:
    for name in ("14_training", "15_evaluation"):
        notebook = read_notebook(ROOT / "notebooks" / f"{name}.md")
        assert {"out", "results"} <= notebook.parameters.keys()
        assert notebook.complete({})["out"] == notebook.complete({})["results"] == ""
