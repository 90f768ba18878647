"""The theorem read in each way that its words allow: what constants it would take, as one quantity grows.

"for some constants C1, C2" can be meant for all cases at once, for one family of cases, or for each case by itself.
Each experiment here lets one quantity grow and gives the constant C = C1 = C2 that the bound needs. The first three are
counter-examples; they satisfy assumptions (i) to (v) as printed, with the strict inequality of (iii).
"""

from functools import partial

import numpy as np

from satlib.theory.arrays import Floats
from satlib.theory.assumptions import field_lipschitz, printed_margin
from satlib.theory.baselines import random_center_errors
from satlib.theory.bounds import bound_terms
from satlib.theory.constants import estimate_constants
from satlib.theory.coverage import missed_cluster_probability
from satlib.theory.decomposition import decompose_error
from satlib.theory.mixture import Mixture, make_mixture
from satlib.theory.study.common import Row, number, projections, rounded

LARGEST_LIPSCHITZ = 0.5
"""L_s of s = (1 + cos) / 2 on the unit sphere: no density field of any tokens is steeper."""


def jittered(n_tokens: int) -> Row:
    """Measure two clusters of sizes 1 : 2 with jitter, all tokens sampled, no query: what C is needed.

    sigma = 1e-3, m = 3, S = N, values the tokens themselves.
    """
    mixture = make_mixture(n_tokens, 2, dim=3, sigma=1e-3, separation=1.4, size_ratio=2, intrinsic_dim=2)
    none, same = np.zeros((3, 3)), np.eye(3)
    found = decompose_error(mixture.x, none, none, same, n_centers=2, n_samples=n_tokens, neighbors=3)
    aware = decompose_error(mixture.x, none, none, same, n_centers=2, n_samples=n_tokens, neighbors=3, size_bias=True)
    constants = estimate_constants(mixture.x, n_centers=2, neighbors=3, labels=mixture.labels)
    margin = printed_margin(mixture.x, n_centers=2, neighbors=3)
    slopes = {"tokens": constants.lipschitz, "field": LARGEST_LIPSCHITZ}
    needed = {
        f"needed_{name}": number(found.attention / bound_terms(n_tokens, 2, n_tokens, slope, found.value_norm).total)
        for name, slope in slopes.items()
    }
    return {
        "error": number(found.attention),
        "aware": number(aware.attention),
        **needed,
        "lipschitz": number(constants.lipschitz),
        "field": number(field_lipschitz(mixture.x, neighbors=3)),
        "separation": number(constants.separation),
        "sigma": number(constants.sigma),
        "margin": number(margin.margin),
        "without_denser": margin.without_denser,
    }


def jittered_settings() -> tuple[Row, ...]:
    """Let N grow."""
    return tuple({"n_tokens": n} for n in (30, 300, 3000))


def balanced(n_tokens: int) -> Row:
    """Measure 8 equal clusters, sigma = 0.2, with log n in the logits and all tokens sampled, over 8 mixtures.

    Neither sizes nor sampling are to blame for what is left. The field's L is taken as large as any can be.
    """
    relative, against, needed, margins = [], [], [], []
    for seed in range(8):
        mixture = make_mixture(n_tokens, 8, sigma=0.2, separation=0.8, seed=seed)
        w = projections(32, seed)
        found = decompose_error(mixture.x, *w, n_centers=8, n_samples=n_tokens, neighbors=4, size_bias=True)
        terms = bound_terms(n_tokens, 8, n_tokens, LARGEST_LIPSCHITZ, found.value_norm)
        relative.append(found.attention / found.exact_norm)
        against.append(found.attention / terms.attention)
        needed.append(found.attention / terms.total)
        margins.append(printed_margin(mixture.x, n_centers=8, neighbors=4).margin)
    return {
        "relative": rounded(relative),
        "against_second": rounded(against),
        "needed_field": rounded(needed),
        "margin": rounded(margins),
    }


def balanced_settings() -> tuple[Row, ...]:
    """Let N grow."""
    return tuple({"n_tokens": n} for n in (128, 256, 512, 1024, 2048))


def rare(size_ratio: int) -> Row:
    """Measure clusters of sizes 1 : r of which all queries want the small one, S = r, log n, over 200 draws.

    beta = r / 2 >= 2, N = 16 (1 + r). The field's L cannot be made small, and is taken as large as any can be.
    """
    n_tokens = 16 * (1 + size_ratio)
    mixture = make_mixture(n_tokens, 2, dim=8, sigma=1e-3, separation=1.2, size_ratio=size_ratio)
    w_q, w_k = queries_for_the_first(mixture, np.log(size_ratio) + 5)
    found = decompose_error(
        mixture.x,
        w_q,
        w_k,
        np.eye(8),
        n_centers=2,
        n_samples=size_ratio,
        neighbors=3,
        size_bias=True,
        labels=mixture.labels,
        seeds=range(200),
    )
    error = float(np.quantile(found.total, 0.95))
    terms = bound_terms(n_tokens, 2, size_ratio, LARGEST_LIPSCHITZ, found.value_norm)
    return {
        "error": number(error),
        "needed_field": number(error / terms.total),
        "missed": number(float((np.asarray(found.missed) > 0).mean())),
        "probability": number(missed_cluster_probability(mixture.sizes, size_ratio)),
        "margin": number(printed_margin(mixture.x, n_centers=2, neighbors=3).margin),
    }


def rare_settings() -> tuple[Row, ...]:
    """Let the size ratio grow, and beta with it."""
    return tuple({"size_ratio": r} for r in (4, 16, 64, 256))


def queries_for_the_first(mixture: Mixture, gap: float) -> tuple[Floats, Floats]:
    """Return W_q and W_k, both (d, 1), with which every token's logit for the first cluster is ``gap`` higher, about.

    For clusters of small radius; the dual basis of the centres reads off in which cluster a token is.
    """
    dual = np.linalg.pinv(mixture.centers)  # (d, K)
    return np.asarray(gap * dual.sum(1, keepdims=True)), np.asarray(dual[:, :1])


def proportional(n_tokens: int) -> Row:
    """Measure SAT's own regime, K = 3 % of N and beta = 4: what C2 is needed without any first term.

    Sizes 1 : 16, sigma = 0.05; the 95 % quantile of 100 draws, and of as many random choices of centres.
    """
    n_centers = int(0.03 * n_tokens)
    mixture = make_mixture(n_tokens, n_centers, sigma=0.05, size_ratio=16)
    w = projections(32, 0)
    measure = partial(decompose_error, mixture.x, *w, n_centers=n_centers, neighbors=max(1, n_centers // 10))
    found = measure(n_samples=4 * n_centers, seeds=range(100))
    random = random_center_errors(mixture.x, *w, n_centers=n_centers, seeds=range(100))
    second = bound_terms(n_tokens, n_centers, 4 * n_centers, 0, found.value_norm).total
    lengths = np.linalg.norm(mixture.x @ w.w_v, axis=1)
    longest = np.linalg.norm(w.w_v, 2)  # aggregated tokens have norm 1, too
    return {
        "n_centers": n_centers,
        "needed_second": number(float(np.quantile(found.total, 0.95)) / second),
        "needed_by_random": number(float(np.quantile(random, 0.95)) / second),
        "enough_for_any": number((lengths.max() + longest) * n_tokens**1.5 / n_centers / found.value_norm),
    }


def proportional_settings() -> tuple[Row, ...]:
    """Let N grow, and K with it."""
    return tuple({"n_tokens": n} for n in (512, 1024, 2048, 4096))
