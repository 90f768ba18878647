"""Finding 9: features of photographs, where the assumptions fail, and what log n_k does there."""

import torch
from torch import Tensor
from torch.nn import functional

from satlib import dta, samples
from satlib.analysis.patch_features import patch_features
from satlib.images.degradation import low_resolution
from satlib.theory.baselines import random_center_errors, trivial_error
from satlib.theory.constants import estimate_constants
from satlib.theory.decomposition import decompose_error
from satlib.theory.study.common import Row, median, number, projections, quantiles

SIDE = 40
KEEP_RATIO = 0.03
PHOTOGRAPHS = ("astronaut", "brick", "coffee")
FEATURES = ("patches", "layernorm", "raw")
BETAS = (2, 4, 8, 16, 24)


def photograph_tokens(name: str, features: str) -> Tensor:
    """Describe every pixel of a sample photograph, at most 40 pixels wide and high: (N, d).

    Parameters
    ----------
    name
        One of :func:`satlib.samples.names`.
    features
        "raw": 3x3 colour patches, of mean norm 1. "patches": the same, each of norm 1. "layernorm": a random 3x3
        convolution to 32 channels and layer normalisation, the tokens of an untrained network's first block, norm 1.
    """
    image = low_resolution(samples.load(name), side=SIDE).double()[None]
    patches = patch_features(image)[0]  # (N, 27)
    if features == "patches":
        return dta.normalize(patches)
    if features == "raw":
        return torch.div(patches, patches.norm(dim=1).mean())
    kernel = torch.randn(patches.shape[1], 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.div(functional.layer_norm(patches @ kernel, (32,)), 32**0.5)


def n_centers_of(tokens: Tensor) -> int:
    """Return K for the tokens of a photograph."""
    return int(KEEP_RATIO * len(tokens))


def image_error(features: str, name: str, beta: int, size_bias: bool) -> Row:
    """Measure the total error on a photograph over 40 uniform draws, relative to ||O*||; m = 0.1 K as in the paper."""
    x = photograph_tokens(name, features)
    n_centers = n_centers_of(x)
    w = projections(x.shape[1], 0)
    found = decompose_error(
        x,
        *w,
        n_centers=n_centers,
        n_samples=beta * n_centers,
        neighbors=max(1, n_centers // 10),
        size_bias=size_bias,
        seeds=range(40),
    )
    random = random_center_errors(x, *w, n_centers=n_centers, size_bias=size_bias, seeds=range(20))
    return {
        "total": quantiles(found.total / found.exact_norm),
        "cluster": quantiles(found.cluster / found.exact_norm),
        "attention": number(found.attention / found.exact_norm),
        "random": median(random / found.exact_norm),
        "trivial": number(trivial_error(x, *w) / found.exact_norm),
    }


def image_error_settings() -> tuple[Row, ...]:
    """Cross the features, the photographs, beta and log n_k."""
    return tuple(
        {"features": features, "name": name, "beta": beta, "size_bias": bias}
        for features in FEATURES
        for name in PHOTOGRAPHS
        for bias in (False, True)
        for beta in BETAS
    )


def image_constants(features: str, name: str) -> Row:
    """Estimate the assumptions' constants on a photograph, the clusters being those of DTA with S = N."""
    x = photograph_tokens(name, features)
    n_centers = n_centers_of(x)
    found = estimate_constants(x, n_centers=n_centers, neighbors=max(1, n_centers // 10))
    kept = ("lipschitz", "similarity_lipschitz", "margin", "sigma", "separation", "size_ratio")
    return {"n_tokens": len(x), "n_centers": n_centers, **{k: number(getattr(found, k)) for k in kept}}


def image_constants_settings() -> tuple[Row, ...]:
    """Cross the features and the photographs."""
    return tuple({"features": f, "name": n} for f in FEATURES for n in PHOTOGRAPHS)
