"""The ledger of the appendix: each step of the proof of Theorem 3.2 with its verdict and the number that shows it."""

from typing import NamedTuple

from satlib.support.tables import table
from satlib.theory.study import signed


class Evidence(NamedTuple):
    """The numbers of the ledger, each measured on the page."""

    short: float
    """Lipschitz constant of the similarity for tokens of norm 0.01."""
    slope: float
    """L of the density as a field."""
    moved: float
    """Largest change of a density where neighbours are in other clusters."""
    split: float
    """Total error over the sum of its parts, at most."""
    radius: float
    """Radius of Lemma 1 as printed, and the sharp one below."""
    sharp: float
    bias: float
    """Exponent of the bias in dimension 16."""
    jump: tuple[float, float]
    """Largest change of a density and of a separation in one draw."""
    condition: float
    """Share of draws in which Lemma 4's condition holds."""
    keys: float
    """Distance of the keys where a cluster is missed."""
    softmax: float
    """Largest ratio of the softmax step."""
    quantile: float
    """Exponent of L in the 95 % quantile of the clustering error."""
    scaled: float
    """L of tokens 100 times as long over that of the tokens."""
    replaced: float
    """Change of the values in units of the claimed one without its square root."""
    lifted: float
    """Exponent of N in the distance of lifted attention."""
    attention: float
    """Exponent of N in the attention error."""


def ledger(found: Evidence) -> str:
    """Return each step of the proof with its verdict, the evidence and the smallest counter-example."""
    density, gap = found.jump
    rows = [
        (
            "setting: $s$ is $L_s$-Lipschitz in a ball",
            "inconsistent for the cosine",
            f"{found.short:.0f} at norm 0.01",
            "two tokens near 0",
        ),
        ("(i) $\\rho$ is $L$-Lipschitz", "no assumption: $L \\le L_s$", f"L = {found.slope:.3f} as a field", "none"),
        (
            "(ii) makes $m$-NN stable",
            "does not follow",
            f"densities move by {found.moved:.2f}",
            "m + 1 above a cluster's sampled members",
        ),
        ("D.2, split of the error", "holds", f"at most {found.split:.3f}", "none"),
        (
            "Lemma 1, concentration",
            "vacuous as printed, useless when sharp",
            f"{found.radius:.2f}; sharp {found.sharp:.2f}",
            "64 × 64 patch, m = 12",
        ),
        ("Lemma 2, bias L/√S", "false for D > 4", f"exponent {signed(found.bias)} at D = 16", "one ball, D = 16"),
        ("Lemmas 1 + 2 → O(L/√S)", "does not follow", "drops Lemma 1's radius", "L = 0"),
        (
            "Lemma 3, separation",
            "false as stated",
            f"{gap:.2f} for {density:.0e}",
            "two clusters, one leader not sampled",
        ),
        ("Lemma 4, deterministic half", "holds", "property test", "none"),
        ("Lemma 4, probability", "false as stated", f"{found.condition:.0%} of draws", "a centre not sampled"),
        ("Lemma 5, keys", "false as stated", f"{found.keys:.1f} when a cluster is missed", "K = 2, one missed"),
        ("D.6, softmax step", "holds, C = 1/2", f"at most {found.softmax:.3f}", "none"),
        (
            r"D.6, last line: $E_\text{cluster}$",
            "drops ‖V′‖; false as stated",
            f"exponent of L {signed(found.quantile)}",
            "values times 10; K = 2, one missed",
        ),
        (
            "D.6 under x → 100x",
            "does not scale",
            f"L times {found.scaled:.2f}, same error",
            "any tokens, projections / 100",
        ),
        (
            r"D.7, first line: $\lVert \mathbf{V} - \tilde{\mathbf{V}} \rVert$",
            "holds without √K",
            f"{found.replaced:.2f}",
            "none",
        ),
        (
            "Lemma 6, attention",
            "sizes differ; lifted: false",
            f"exponent of N {signed(found.lifted)}",
            "two clusters 1 : 2",
        ),
        ("after Lemma 6", "does not follow", "K/√N became K/N, σ is gone", "any"),
        (
            r"$E_\text{attn} \le C_2 \lVert \mathbf{V} \rVert K/N$",
            "false at fixed K",
            f"exponent of N {signed(found.attention)}",
            "two clusters 1 : 2",
        ),
    ]
    return table(("step", "verdict", "evidence", "smallest counter-example"), rows)
