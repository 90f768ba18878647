"""The configuration of a training run: one frozen dataclass, its checks, and the recipes it starts from.

A recipe says how to train; which network, on what, and for how long can be said beside it. Three are known:

"paper"
    The appendix's section A.2.
"released"
    What the authors' YAML files say instead: no weight decay, and for x3 and x4 as many steps as for x2.
"quick"
    Ours, for small networks and small budgets: few and small patches, a high learning rate that falls to zero along a
    cosine, a moving average of the weights, and a start that interpolates. One thread: the operations of such a step
    are too short to be shared well; two threads save a quarter of the time on an idle machine, for half as much CPU
    time again, and take four times as long as one beside other work (`python -m benchmarks beside`).

The paper does not say how its x3 and x4 runs treat what does not fit from x2; see :mod:`satlib.training.first_weights`.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

from satlib.config import SATConfig
from satlib.data.degradation import Pass, passes_of
from satlib.network.convolutional import ConvolutionalConfig, NetworkConfig
from satlib.support.checks import is_int, real, require
from satlib.training.networks import config_of

SCHEDULES = ("steps", "cosine")
PRECISIONS = ("32-true", "bf16-mixed")
STARTS = ("random", "interpolation")
MAX_THREADS = 1024


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """All choices of a training run.

    Raises
    ------
    ValueError
        If a field has a value that no run can have; the message names the field and the value.
    """

    network: NetworkConfig
    """What is trained: SAT, or the convolutional network, whose configuration has ``blocks``."""
    store: str
    """Folder made by `satlib data prepare` with the network's scale: the training photographs."""
    holdout: int = 0
    """Photographs of the store, evenly spaced, that are kept from training and used for validation."""
    validation: str | None = None
    """Folder of high-resolution images for validation, instead of held-out photographs."""
    degradation: tuple[Pass, ...] = ()
    """How low resolution (at scale 1: what is restored) is made of each patch, and of the images for validation: passes
    of blur, resizing, noise and JPEG, "one-pass", "two-passes", "mild", or a list of one or two with the fields of
    :class:`satlib.data.degradation.Pass`. Empty, or ``None``: as the benchmarks do, by bicubic downscaling."""
    start: str = "random"
    """"random", "interpolation" (the untrained network interpolates bilinearly; at scale 1 it gives about its input),
    or a file of weights: what fits is taken from it, which is all but the upsampler where the scales differ."""
    query_std: float | None = None
    """Let SAA begin selective: queries and keys of a layer begin with one matrix, drawn with this standard deviation,
    so that each token attends to those like it. ``None``: two matrices, with 0.02, which attend to all tokens alike."""
    steps: int = 500_000
    """Optimiser steps."""
    batch: int = 32
    """Patches of a step, over all processes and parts."""
    accumulate: int = 1
    """Parts that a process computes its share of the batch in, one after the other, to save memory."""
    patch: int = 64
    """Side of a training patch in low-resolution pixels."""
    learning_rate: float = 2e-4
    """The highest learning rate."""
    schedule: str = "steps"
    """"steps" (times ``decay`` at each milestone) or "cosine" (to zero at the last step)."""
    milestones: tuple[int, ...] = ()
    """Steps at which the learning rate falls, for the schedule "steps"."""
    decay: float = 0.5
    """What it is multiplied by."""
    warmup: int = 0
    """Steps over which the learning rate rises linearly from nearly 0."""
    betas: tuple[float, float] = (0.9, 0.99)
    """Adam's decay rates."""
    weight_decay: float = 0.0
    """Adam's L2 penalty, on all parameters."""
    clip: float | None = None
    """Largest norm of a step's gradient; longer ones are shortened."""
    ema: float | None = None
    """Decay of the moving average of the weights, which is then what is validated and kept; None: no average."""
    precision: str = "32-true"
    """"32-true" or "bf16-mixed"."""
    cuda_graph: bool = False
    """Record the forward and backward pass of a step and replay it as one launch; on one GPU."""
    seed: int = 0
    """Of initial weights, patches, token samples and stochastic depth."""
    threads: int | None = None
    """Threads of torch in each process, on a CPU; their number decides how sums are rounded. None: its share of the
    cores."""
    workers: int = 0
    """Processes that read patches; 0: the training process itself. The patches are the same."""
    log_every: int = 100
    """Steps between two lines of the log."""
    validate_every: int = 5_000
    """Steps between two validations; there is one at the end, too."""
    save_every: int = 5_000
    """Steps between two checkpoints; there is one at the end, too."""
    keep: int = 2
    """Checkpoints that are kept."""
    samples: int = 0
    """Validation images whose upscaled versions are written at each validation."""

    def __post_init__(self) -> None:
        """Check every field."""
        if not isinstance(self.network, (SATConfig, ConvolutionalConfig)):
            raise ValueError(f"network must be a SATConfig or a ConvolutionalConfig, got {self.network!r}")
        for name in ("milestones", "betas"):
            value = getattr(self, name)
            require(isinstance(value, (list, tuple)), name, value, "a sequence of numbers")
            object.__setattr__(self, name, tuple(value))
        object.__setattr__(self, "degradation", passes_of(self.degradation))
        for name in ("steps", "batch", "accumulate", "patch", "log_every", "validate_every", "save_every", "keep"):
            _integer(name, getattr(self, name), 1)
        if self.threads is not None:
            _integer("threads", self.threads, 1)
            require(self.threads <= MAX_THREADS, "threads", self.threads, f"at most {MAX_THREADS}")
        for name in ("holdout", "warmup", "workers", "samples", "seed"):
            _integer(name, getattr(self, name), 0)
        for name in ("store", "start"):
            value = getattr(self, name)
            require(isinstance(value, str) and value != "", name, value, "a text that is not empty")
        require(isinstance(self.validation, str | None), "validation", self.validation, "a folder or None")
        require(not (self.validation and self.holdout), "holdout", self.holdout, "0 beside a validation folder")
        if self.query_std is not None:
            real("query_std", self.query_std, 0)
            require(isinstance(self.network, SATConfig), "query_std", self.query_std, "None where nothing attends")
            require(self.start in STARTS, "query_std", self.query_std, "None where training starts from weights")
        require(self.batch % self.accumulate == 0, "accumulate", self.accumulate, f"a divisor of batch={self.batch}")
        real("learning_rate", self.learning_rate, 0)
        require(self.schedule in SCHEDULES, "schedule", self.schedule, f"one of {', '.join(SCHEDULES)}")
        for milestone in self.milestones:
            _integer("milestones", milestone, 1)
        require(list(self.milestones) == sorted(set(self.milestones)), "milestones", self.milestones, "increasing")
        real("decay", self.decay, 0, 1)
        require(len(self.betas) == 2, "betas", self.betas, "two numbers")
        for beta in self.betas:
            real("betas", beta, 0, 1, closed=True)
            require(beta < 1, "betas", beta, "below 1")
        real("weight_decay", self.weight_decay, 0, closed=True)
        if self.clip is not None:
            real("clip", self.clip, 0)
        if self.ema is not None:
            real("ema", self.ema, 0, 1)
            require(self.ema < 1, "ema", self.ema, "below 1")
        require(self.precision in PRECISIONS, "precision", self.precision, f"one of {', '.join(PRECISIONS)}")
        require(isinstance(self.cuda_graph, bool), "cuda_graph", self.cuda_graph, "True or False")

    @classmethod
    def recipe(cls, name: str, *, network: NetworkConfig, **fields: object) -> "TrainConfig":
        """Return a recipe for a network: "paper", "released" or "quick".

        Parameters
        ----------
        name, network
            Which recipe; its steps and milestones depend on the network's scale.
        fields
            Further fields by name, ``store`` among them; they go before the recipe's.
        """
        return cls.from_dict({"recipe": name, "network": network, **fields})

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of JSON values."""
        values = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        passes = [made.to_dict() for made in self.degradation] or None  # runs of older versions have none
        return {**values, "network": self.network.to_dict(), "degradation": passes}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """Build a configuration from a dict, as :meth:`to_dict` returns it or as it is written by hand.

        ``recipe`` names the recipe whose fields are taken where ``values`` has none. ``network`` is a
        configuration, or a dict of its fields (:func:`satlib.training.networks.config_of`). Unknown keys are an error.

        Raises
        ------
        ValueError
            If ``store`` is missing, a key is unknown, or a value out of range.
        """
        values = dict(values)
        network = _network(values.pop("network", None))
        recipe = values.pop("recipe", None)
        known = [f.name for f in fields(cls)]
        for key in values:
            if key not in known:
                raise ValueError(f"unknown TrainConfig field {key!r}; the fields are recipe, {', '.join(known)}")
        if "store" not in values:
            raise ValueError("store is missing: the folder that `satlib data prepare` made")
        return cls(network=network, **{**({} if recipe is None else recipe_fields(recipe, network.scale)), **values})

    def replace(self, **changes: object) -> "TrainConfig":
        """Return a copy with some fields changed."""
        return self.from_dict({**self.to_dict(), **changes})


def recipe_fields(name: object, scale: int) -> dict[str, Any]:
    """Return the fields that a recipe sets for a network of this scale.

    Raises
    ------
    ValueError
        If there is no such recipe.
    """
    if name not in RECIPES:
        raise ValueError(f"recipe must be one of {', '.join(RECIPES)}, got {name!r}")
    common, by_scale = RECIPES[str(name)]
    return {**common, **(by_scale if scale != 2 else {})}


_LONG: dict[str, Any] = {"steps": 500_000, "milestones": (250_000, 400_000, 450_000, 475_000)}
_SHORT: dict[str, Any] = {"steps": 250_000, "milestones": (100_000, 150_000, 200_000, 225_000, 240_000)}
_COMMON: dict[str, Any] = {"batch": 32, "patch": 64, "learning_rate": 2e-4, "betas": (0.9, 0.99), "workers": 8}

RECIPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "paper": ({**_COMMON, **_LONG, "weight_decay": 1e-4}, _SHORT),
    "released": ({**_COMMON, **_LONG, "weight_decay": 0.0, "seed": 10}, {}),
    "quick": (
        {
            "batch": 8,
            "patch": 32,
            "learning_rate": 2e-3,
            "schedule": "cosine",
            "warmup": 50,
            "steps": 2_000,
            "ema": 0.99,
            "clip": 1.0,
            "start": "interpolation",
            "validate_every": 500,
            "save_every": 500,
            "threads": 1,
        },
        {},
    ),
}
"""Of each recipe: the fields for x2, and what differs at other scales."""


def _network(values: object) -> NetworkConfig:
    """Build the network's configuration from the fields given by hand."""
    if isinstance(values, (SATConfig, ConvolutionalConfig)):
        return values
    if not isinstance(values, dict):
        raise ValueError(f"network must hold the fields of SATConfig, or a preset and a scale, got {values!r}")
    return config_of(values)


def _integer(name: str, value: object, low: int) -> None:
    require(isinstance(value, int) and is_int(value) and value >= low, name, value, f"an integer of at least {low}")
