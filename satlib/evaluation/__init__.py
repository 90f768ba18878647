"""PSNR, SSIM, LPIPS and DISTS of a model on a folder of images, as super-resolution papers measure them."""

from satlib.evaluation.evaluation import Evaluation, Score
from satlib.evaluation.protocol import METRICS, Protocol
from satlib.evaluation.published import published_rows
from satlib.evaluation.run import evaluate

__all__ = ["METRICS", "Evaluation", "Protocol", "Score", "evaluate", "published_rows"]
