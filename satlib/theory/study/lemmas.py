"""Finding 5: the lemmas of the proof, one measurement each."""

from math import comb

import numpy as np
import torch
from torch import Tensor

from satlib import dta
from satlib.dta.options import AggregationMethod
from satlib.theory.arrays import as_matrix
from satlib.theory.bounds import hoeffding_radius
from satlib.theory.compression import choose_centers, compress, weights
from satlib.theory.draws import draw_many
from satlib.theory.mixture import Mixture, make_mixture
from satlib.theory.scores import scores
from satlib.theory.study.common import Row, median, number, projections, quantiles, rounded

QUERIES = 64


def concentration(n_tokens: int, n_centers: int, n_samples: int, neighbors: int) -> Row:
    """Lemma 1: how far sampled densities scatter around their mean, beside Hoeffding's radius at delta = 0.05.

    64 tokens are in every sample, so that each has a density in each of 100 draws.
    """
    unit = torch.from_numpy(make_mixture(n_tokens, n_centers, sigma=0.25, separation=0.2, intrinsic_dim=8).x)
    rest = draw_many(n_tokens - QUERIES, n_samples - QUERIES, "uniform", range(100)) + QUERIES
    fixed = torch.arange(QUERIES)
    found = torch.stack([scores(unit[torch.cat((fixed, row))][None], neighbors).density[0, :QUERIES] for row in rest])
    return {
        "radius": number(hoeffding_radius(n_samples, neighbors, 0.05)),
        "largest_deviation": number(float((found - found.mean(0)).abs().max())),
        "mean_density": number(float(found.mean())),
        "mean_similarity": number(float((1 + unit[:QUERIES] @ unit.T).mean() / 2)),
    }


def concentration_settings() -> tuple[Row, ...]:
    """SAT's own sizes: 64 x 64 training patches with the appendix's m and the released code's, and smaller images."""
    varied = [(1024, 30, 120, 3), (2304, 69, 276, 6), (4096, 122, 488, 12), (4096, 122, 488, 122)]
    return tuple(dict(zip(("n_tokens", "n_centers", "n_samples", "neighbors"), v, strict=True)) for v in varied)


def bias(intrinsic_dim: int, n_samples: int) -> Row:
    """Lemma 2: the mean of rho~ - rho in one wide cluster, N = 4096, m = 4, over 5 mixtures of 8 draws."""
    gaps = []
    for seed in range(5):
        x = make_mixture(4096, 1, sigma=0.5, intrinsic_dim=intrinsic_dim, seed=seed).x
        unit = torch.from_numpy(x)
        full = scores(unit[None], 4).density[0]
        sample = draw_many(4096, n_samples, "uniform", range(8 * seed, 8 * seed + 8))
        gaps.append(float((full[sample] - scores(unit[sample], 4).density).mean()))
    return {"bias": rounded(gaps)}


def bias_settings() -> tuple[Row, ...]:
    """Cross the dimension of the cluster and S, far below N."""
    return tuple({"intrinsic_dim": d, "n_samples": s} for d in (1, 2, 4, 8, 16) for s in (32, 64, 128, 256))


def stability(beta: int, sigma: float) -> Row:
    """Lemma 4: how often its condition holds, and how often the top K are the same; 10 mixtures of 20 draws."""
    margins, deviations, condition, same, shared = [], [], [], [], []
    n, k = 512, 16
    for seed in range(10):
        unit = torch.from_numpy(make_mixture(n, k, sigma=sigma, seed=seed).x)
        full = scores(unit[None], 2).score
        ordered = full[0].sort(descending=True).values
        margins.append(float(ordered[k - 1] - ordered[k]))
        sample = draw_many(n, beta * k, "uniform", range(20 * seed, 20 * seed + 20))
        sampled = scores(unit[sample], 2).score
        deviation = (sampled - full[0, sample]).abs().amax(1)
        deviations += deviation.tolist()
        condition += (deviation <= margins[-1] / 2).tolist()
        centers = sample.gather(1, dta.highest(sampled, k))
        overlap = torch.isin(centers, dta.highest(full, k)).double().mean(1)
        shared += overlap.tolist()
        same += (overlap == 1).tolist()
    possible = comb(n - k, beta * k - k) / comb(n, beta * k)
    return {
        "margin": median(margins),
        "deviation": median(deviations),
        "condition": number(float(np.mean(condition))),
        "same": number(float(np.mean(same))),
        "shared": number(float(np.mean(shared))),
        "possible": number(possible),
    }


def stability_settings() -> tuple[Row, ...]:
    """Cross beta and the cluster radius."""
    return tuple({"beta": b, "sigma": s} for s in (0.02, 0.1) for b in (2, 4, 8, 16))


def perturbation(beta: int, aggregation: AggregationMethod) -> Row:
    """Lemma 5: ||K' - K'_exact||_F, each exact key against its nearest, N = 512, K = 16, 10 mixtures of 20 draws."""
    distances, covered = [], []
    for seed in range(10):
        mixture = make_mixture(512, 16, sigma=0.05, seed=seed)
        x = torch.from_numpy(mixture.x)
        sample = draw_many(512, 16 * beta, "uniform", range(20 * seed, 20 * seed + 20))
        w_k = as_matrix("w_k", projections(32, seed).w_k)
        full = merged(x, choose_centers(x, torch.arange(512)[None], 16, 2), aggregation) @ w_k
        found = merged(x, choose_centers(x, sample, 16, 2), aggregation) @ w_k
        nearest = torch.cdist(full, found, compute_mode="donot_use_mm_for_euclid_dist").amin(2)
        distances += nearest.norm(dim=1).tolist()
        labels = torch.from_numpy(mixture.labels)[sample]
        covered += [len(row.unique()) == 16 for row in labels]
    hit = np.array(covered)
    return {
        "covered": median(np.array(distances)[hit]),
        "missing": median(np.array(distances)[~hit]),
        "all": quantiles(distances),
        "share": number(float(hit.mean())),
    }


def merged(x: Tensor, centers: Tensor, aggregation: AggregationMethod) -> Tensor:
    """Return the aggregated tokens (R, K, d) of centres (R, K), norms restored."""
    return compress(x, centers, aggregation=aggregation, temperature=0.1, norm_restoration="max").tokens


def perturbation_settings() -> tuple[Row, ...]:
    """Vary beta for similarity weights and for centres alone."""
    return tuple({"beta": b, "aggregation": a} for a in ("similarity", "center") for b in (2, 4, 8, 16, 31))


def lifted(n_tokens: int, sigma: float) -> Row:
    """Lemma 6: ||A* - A_exact||_F, each weight of A_exact spread evenly over its cluster; K = 8, 1:16, 4 mixtures."""
    lists: dict[str, list[float]] = {"blind": [], "aware": []}
    for seed in range(4):
        mixture = make_mixture(n_tokens, 8, sigma=sigma, size_ratio=16, seed=seed)
        for name, size_bias in (("blind", False), ("aware", True)):
            lists[name].append(lifted_distance(mixture, seed, size_bias=size_bias))
    return {**{name: rounded(values) for name, values in lists.items()}, "paper": number(8 / n_tokens**0.5)}


def lifted_distance(mixture: Mixture, seed: int, *, size_bias: bool) -> float:
    """Return the distance of the exact attention weights (N, N) from the lifted ones of SAA with S = N."""
    x = torch.from_numpy(mixture.x)
    w = projections(x.shape[1], seed)
    queries, w_k = x @ torch.from_numpy(w.w_q), torch.from_numpy(w.w_k)
    exact = (queries @ (x @ w_k).T / w_k.shape[1] ** 0.5).softmax(1)
    centers = choose_centers(x, torch.arange(len(x))[None], len(mixture.sizes), 4)
    parts = compress(x, centers, aggregation="similarity", temperature=0.1, norm_restoration="max")
    compressed = weights(queries, parts, w_k, size_bias=size_bias)[0] / parts.counts[0]
    return float((exact - compressed[:, parts.assignment[0]]).norm())


def lifted_settings() -> tuple[Row, ...]:
    """Vary N for near duplicates and for wide clusters."""
    return tuple({"n_tokens": n, "sigma": s} for s in (1e-3, 0.1) for n in (256, 512, 1024, 2048))
