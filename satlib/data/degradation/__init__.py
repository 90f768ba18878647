"""What happens to photographs before people see them: blur, resizing, noise and JPEG, drawn at random from a seed.

`steps` has each as a function of an image; `passes` says what is drawn in which order, as a training configuration
names it (``TrainConfig.degradation``). The bicubic downscaling of the benchmarks is `satlib.images.degradation`.
"""

from satlib.data.degradation.passes import PRESETS, Pass, degrade, degrade_bytes, passes_of
from satlib.data.degradation.steps import blur, gaussian_kernel, gaussian_noise, jpeg, poisson_noise, resize

__all__ = [
    "PRESETS",
    "Pass",
    "blur",
    "degrade",
    "degrade_bytes",
    "gaussian_kernel",
    "gaussian_noise",
    "jpeg",
    "passes_of",
    "poisson_noise",
    "resize",
]
