"""The choices of DTA, by name: what :func:`satlib.dta.aggregate` takes beside the tokens and K."""

from typing import Literal, TypedDict, get_args

AggregationMethod = Literal["similarity", "mean", "center"]
"""How a cluster becomes one token: softmax weights, the mean, or its centre."""
NormRestoration = Literal["max", "mean", "none"]
"""What norm an aggregated token gets: the image's largest, the members' mean, or the one that it has."""
Sampling = Literal["stratified", "strips", "grid", "random"]
"""How the sample is drawn: from 2-D cells, from raster runs, the cells' middles, or uniformly."""

AGGREGATIONS: tuple[AggregationMethod, ...] = get_args(AggregationMethod)
NORM_RESTORATIONS: tuple[NormRestoration, ...] = get_args(NormRestoration)
SAMPLINGS: tuple[Sampling, ...] = get_args(Sampling)


def listed(choices: tuple[str, ...]) -> str:
    """Return choices as an error names them: "a, b or c"."""
    return " or ".join([", ".join(choices[:-1]), choices[-1]])


class AggregationOptions(TypedDict):
    """Arguments of :func:`satlib.dta.aggregate` that a configuration decides."""

    subsample: float
    neighbors: float | int
    aggregation: AggregationMethod
    temperature: float
    norm_restoration: NormRestoration
    sampling: Sampling
