"""Comparing an output with the original: `fidelity` has PSNR and SSIM, `luma` their Y, `perceptual` LPIPS and DISTS."""

from satlib.metrics.fidelity import psnr, ssim

__all__ = [
    "psnr",
    "ssim",
]
