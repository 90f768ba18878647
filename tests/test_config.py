"""The configuration: what it accepts, what it refuses and how it says so, and its round trips."""

import json
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satlib import SATConfig
from satlib.config import PRESETS, SCALES, SELECTIVES, UPSAMPLERS
from satlib.dta.options import AGGREGATIONS, NORM_RESTORATIONS, SAMPLINGS

NAN, INFINITY = float("nan"), float("inf")

BAD = [
    *(("scale", v) for v in (0, 5, 16, -2, 2.0, "2", True, None)),
    *(("in_channels", v) for v in (0, -1, 17, 3.0, "3", True, None)),
    *(("channels", v) for v in (0, -6, 100, 6.0, "228", True, None)),
    *(("groups", v) for v in ((), (0,), (2, -1), (2.0,), (True,), 3, "22", None)),
    *(("heads", v) for v in (0, 3, 5, 6.0, True, None)),
    *(("mlp_ratio", v) for v in (0, -2.0, 0.001, 285 / 228, NAN, INFINITY, 1e308, "2", True, None)),
    *(("gate_kernel", v) for v in (0, 2, -3, 3.0, True, None)),
    *(("qkv_bias", v) for v in (0, 1, "yes", None)),
    *(("window", v) for v in ((8,), (8, 16, 32), (8, 12), (0, 8), (-8, 8), (8.0, 16), 8, "88", None)),
    *(("position_channels", v) for v in (0, -1, 2.0, "2", True)),
    *(("qk_ratio", v) for v in (0, -0.5, 0.01, 0.49, NAN, INFINITY, 1e308, "1", True, None)),
    *(("keep_ratio", v) for v in (0, -0.1, 1.01, NAN, INFINITY, "0.1", True, None)),
    *(("subsample", v) for v in (0, 0.99, -4, NAN, INFINITY, "4", True, None)),
    *(("neighbors", v) for v in (0, -1, 0.0, -0.1, NAN, INFINITY, "1", True, None)),
    *(("selective", v) for v in ("", "Exact", "all", True, None)),
    *(("aggregation", v) for v in ("", "Mean", "max", 1, None)),
    *(("temperature", v) for v in (0, -0.1, NAN, INFINITY, "0.1", True, None)),
    *(("norm_restoration", v) for v in ("", "min", None, False)),
    *(("sampling", v) for v in ("", "uniform", None)),
    *(("size_bias", v) for v in (0, 1, "no", None)),
    *(("mask_padding", v) for v in (0, 1, None)),
    *(("upsampler", v) for v in ("", "pixelshuffle", None)),
    *(("upsampler_channels", v) for v in (0, -64, 64.0, True, None)),
    *(("drop_path", v) for v in (-0.1, 1, 1.0, 1.5, NAN, "0", True, None)),
    *(("seed", v) for v in (-1, 2**63, 0.0, "0", True, None)),
]


@pytest.mark.parametrize(("name", "value"), BAD, ids=lambda v: str(v)[:20])
def test_a_bad_value_is_refused_by_name_and_value(name, value):
    with pytest.raises(ValueError) as error:
        SATConfig(**{"scale": 4, name: value})
    message = str(error.value)
    assert message.startswith(f"{name} must be ") and "\n" not in message
    shown = tuple(value) if isinstance(value, tuple) else value
    assert repr(shown) in message


def test_channels_must_be_divisible_by_heads():
    with pytest.raises(ValueError, match="^channels must be divisible by heads=8, got 228$"):
        SATConfig(scale=4, heads=8)


def test_every_field_has_bad_values_above():
    assert {name for name, _ in BAD} == {field.name for field in fields(SATConfig)}


GOOD = [
    *(("scale", v) for v in SCALES),
    *(("aggregation", v) for v in AGGREGATIONS),
    *(("upsampler", v) for v in UPSAMPLERS),
    *(("norm_restoration", v) for v in NORM_RESTORATIONS),
    *(("sampling", v) for v in SAMPLINGS),
    *(("selective", v) for v in SELECTIVES),
    ("in_channels", 1),
    ("in_channels", 16),
    ("channels", 12),
    ("groups", (1,)),
    ("heads", 2),
    ("mlp_ratio", 2),
    ("gate_kernel", 1),
    ("window", (1, 1)),
    ("window", (32, 8)),
    ("window", (3, 9)),
    ("qk_ratio", 1),
    ("qk_ratio", 2.0),
    ("keep_ratio", 1),
    ("keep_ratio", 1e-9),
    ("subsample", 1),
    ("subsample", 2.5),
    ("neighbors", 1),
    ("neighbors", 10**6),
    ("neighbors", 0.001),
    ("neighbors", 3.0),
    ("temperature", 5),
    ("upsampler_channels", 1),
    ("drop_path", 0),
    ("drop_path", 0.999),
    ("seed", 2**63 - 1),
    ("qkv_bias", False),
    ("size_bias", True),
    ("mask_padding", False),
]


@pytest.mark.parametrize(("name", "value"), GOOD, ids=str)
def test_a_good_value_is_kept_as_it_is(name, value):
    kept = getattr(SATConfig(**{"scale": 4, name: value}), name)
    assert kept == value and type(kept) is type(value)


def test_defaults_are_the_appendix():
    config = SATConfig(scale=4)
    assert config.in_channels == 3
    assert (config.channels, config.heads, config.groups) == (228, 6, (2, 2, 2, 3, 3, 3, 3, 3))
    assert (config.window, config.qk_ratio, config.keep_ratio, config.subsample) == ((8, 32), 0.5, 0.03, 4)
    assert (config.neighbors, config.temperature, config.aggregation) == (0.1, 0.1, "similarity")
    assert (config.norm_restoration, config.sampling, config.gate_kernel) == ("max", "stratified", 7)
    assert (config.size_bias, config.mask_padding, config.upsampler) == (False, True, "classic")
    assert (config.mlp_ratio, config.qkv_bias, config.drop_path, config.seed) == (2.0, True, 0.1, 0)
    assert config == SATConfig.preset("sat")


def test_derived_widths():
    config = SATConfig(scale=2, channels=40, heads=4, qk_ratio=0.3, mlp_ratio=1.5)
    assert (config.qk_channels, config.hidden_channels) == (12, 60)


def test_it_is_keyword_only_frozen_and_hashable():
    with pytest.raises(TypeError):
        SATConfig(4)
    config = SATConfig(scale=4)
    with pytest.raises(FrozenInstanceError):
        config.scale = 2
    assert len({config, SATConfig(scale=4), SATConfig(scale=2)}) == 2


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("scale", SCALES)
def test_presets_survive_dict_and_json(name, scale):
    config = SATConfig.preset(name, scale=scale, seed=7)
    assert config.scale == scale and config.seed == 7
    assert SATConfig.from_dict(config.to_dict()) == config
    assert SATConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@given(
    groups=st.lists(st.integers(1, 9), min_size=1, max_size=9).map(tuple),
    keep_ratio=st.floats(0, 1, exclude_min=True),
    neighbors=st.one_of(st.integers(1, 10**9), st.floats(0, 1e9, exclude_min=True)),
    subsample=st.one_of(st.integers(1, 1000), st.floats(1, 1000)),
    seed=st.integers(0, 2**63 - 1),
    window=st.tuples(st.integers(1, 9), st.integers(1, 9)).map(lambda t: (t[0], t[0] * t[1])),
)
def test_any_valid_configuration_survives_json_with_its_types(**values):
    config = SATConfig(scale=3, **values)
    again = SATConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config and type(again.neighbors) is type(config.neighbors)
    assert set(config.to_dict()) == {field.name for field in fields(SATConfig)}


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown SATConfig field 'chanels'.*channels"):
        SATConfig.from_dict({"scale": 4, "chanels": 3})
    with pytest.raises(ValueError, match="unknown SATConfig field 'depth'"):
        SATConfig.preset("sat", depth=3)
    with pytest.raises(ValueError, match="unknown SATConfig field 'name'"):
        SATConfig(scale=4).replace(name="x")
    with pytest.raises(ValueError, match="scale is missing"):
        SATConfig.from_dict({})
    with pytest.raises(ValueError, match="preset must be one of 'sat', .*, got 'sat-huge'"):
        SATConfig.preset("sat-huge")


def test_replace_checks_the_new_value():
    config = SATConfig(scale=4)
    assert config.replace(scale=2, window=[4, 8]) == SATConfig(scale=2, window=(4, 8))
    with pytest.raises(ValueError, match="drop_path must be .* got 2"):
        config.replace(drop_path=2)


def test_what_distinguishes_the_presets():
    released = SATConfig.preset("sat-released")
    assert released == SATConfig(
        scale=4,
        groups=(3,) * 8,
        gate_kernel=3,
        aggregation="mean",
        neighbors=1.0,
        sampling="strips",
        mask_padding=False,
    )
    light = SATConfig.preset("sat-light")
    assert (light.channels, light.heads, light.groups, light.gate_kernel) == (40, 4, (3,) * 8, 5)
    assert (light.qkv_bias, light.upsampler, light.upsampler_channels) == (False, "onestep", 64)


def test_the_number_of_centres_is_the_share_rounded_down_and_one_at_least():
    config = SATConfig(scale=2)  # K / N = 0.03
    assert [config.n_centers(n) for n in (1, 33, 34, 66, 67, 100, 16_384)] == [1, 1, 1, 1, 2, 3, 491]
    assert config.replace(keep_ratio=1e-9).n_centers(10**6) == 1 and config.replace(keep_ratio=1).n_centers(7) == 7
