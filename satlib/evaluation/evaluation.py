"""What an evaluation found: numbers for each image, their means, and both as Markdown and JSON."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from satlib.evaluation.protocol import Protocol
from satlib.support.tables import table

TITLES = {"psnr": "PSNR (dB)", "ssim": "SSIM", "lpips": "LPIPS", "dists": "DISTS"}
DIGITS = {"psnr": 3, "ssim": 4, "lpips": 4, "dists": 4}


@dataclass(frozen=True)
class Score:
    """The numbers of one image."""

    name: str
    """Of its file."""
    psnr: float | None
    """In dB, infinite for identical images; None if it was not asked for, as for the other metrics."""
    ssim: float | None
    lpips: float | None
    seconds: float
    """Of upscaling alone, in the run that computed it."""
    dists: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """The numbers of a model on a folder of images."""

    model: str
    """A name for people."""
    data: str
    """The folder's name."""
    protocol: Protocol
    images: tuple[Score, ...]
    """One for each image that could be evaluated, by name."""
    failures: tuple[tuple[str, str], ...] = ()
    """The others: name, and what was wrong."""
    device: str = "cpu"
    peak_bytes: int = 0
    """Most memory in use: on a GPU what torch had allocated during this run, on the CPU what the process has had."""

    @property
    def psnr(self) -> float | None:
        """Mean over the images, in dB."""
        return self.mean("psnr")

    @property
    def ssim(self) -> float | None:
        """Mean over the images."""
        return self.mean("ssim")

    @property
    def lpips(self) -> float | None:
        """Mean over the images."""
        return self.mean("lpips")

    @property
    def dists(self) -> float | None:
        """Mean over the images."""
        return self.mean("dists")

    @property
    def seconds(self) -> float:
        """Sum over the images."""
        return math.fsum(score.seconds for score in self.images)

    def mean(self, metric: str) -> float | None:
        """Return the mean of a metric over the images, or None if the protocol does not have it."""
        if metric not in self.protocol.metrics:
            return None
        values = [getattr(score, metric) for score in self.images]
        return math.fsum(values) / len(values)

    def to_markdown(self, published: Mapping[str, Mapping[str, float]] | None = None) -> str:
        """Return a table with a row for each image and their mean, and a line that says how it was measured.

        Parameters
        ----------
        published
            Rows to put below: a name, and its values by metric; see :func:`satlib.evaluation.published_rows`.
        """
        metrics = self.protocol.metrics
        rows = [
            [score.name, *(_number(getattr(score, m), m) for m in metrics), f"{score.seconds:.2f}"]
            for score in self.images
        ]
        means = [f"**{_number(self.mean(m), m)}**" for m in metrics]
        rows.append([f"**mean of {len(self.images)}**", *means, f"**{self.seconds / len(self.images):.2f}**"])
        for name, values in (published or {}).items():
            if values.keys() & set(metrics):
                rows.append([name, *(f"{values[m]:g}" if m in values else "" for m in metrics), ""])
        head = [f"{self.model} ×{self.protocol.scale}, {self.data}", *(TITLES[m] for m in metrics), "seconds"]
        where = f"{self.device}, peak memory {self.peak_bytes / 2**30:.2f} GiB"
        return f"{table(head, rows, align='lr')}\n\n{self.protocol.describe()}; {where}.\n"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values; an infinite PSNR is the string "inf"."""
        means = {metric: _finite(self.mean(metric)) for metric in self.protocol.metrics}
        passes = [made.to_dict() for made in self.protocol.degradation] or None
        images = [{key: _finite(value) for key, value in asdict(score).items()} for score in self.images]
        return {
            "model": self.model,
            "data": self.data,
            "protocol": {**asdict(self.protocol), "metrics": list(self.protocol.metrics), "degradation": passes},
            "mean": means,
            "seconds": self.seconds,
            "images": images,
            "failures": [list(failure) for failure in self.failures],
            "device": self.device,
            "peak_bytes": self.peak_bytes,
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"


def _finite(value: object) -> object:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: float | None, metric: str) -> str:
    return "" if value is None else f"{value:.{DIGITS[metric]}f}"
