"""Comparing an output with the original: `fidelity` has PSNR and SSIM, `perceptual` LPIPS, `luma` the Y of both."""

from satlib.metrics.fidelity import psnr, ssim

__all__ = [
    "psnr",
    "ssim",
]
