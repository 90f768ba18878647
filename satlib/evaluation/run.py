"""`evaluate`: every image of a folder through the protocol, and the numbers together."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

import torch
from torch import nn

from satlib.data.degradation import Pass, passes_of
from satlib.data.pairs import Pairs
from satlib.evaluation.evaluation import Evaluation, Score
from satlib.evaluation.finished_rows import Ledger, fingerprint, row_key
from satlib.evaluation.protocol import Protocol, measure
from satlib.evaluation.published import set_name
from satlib.images.files import write
from satlib.images.folder import image_files
from satlib.images.picture import Picture
from satlib.metrics.perceptual import load_dists, load_lpips
from satlib.support.errors import is_out_of_memory
from satlib.support.paths import as_path, check_folder, check_writable
from satlib.support.progress import Progress, silent
from satlib.upscaling.models import ModelLike, Upscaler, channels_of, get_model, weight_of
from satlib.upscaling.tiling import Tile


def evaluate(
    model: ModelLike | Upscaler,
    folder: str | PathLike[str],
    *,
    scale: int,
    lr: str | PathLike[str] | None = None,
    metrics: tuple[str, ...] = ("psnr", "ssim"),
    rounded: bool = False,
    gray: str = "rgb",
    degradation: str | Sequence[Pass | dict[str, object]] | None = None,
    tile: Tile = None,
    overlap: int = 16,
    ensemble: bool = False,
    device: torch.device | str | None = None,
    name: str | None = None,
    save_images: str | PathLike[str] | None = None,
    resume: str | PathLike[str] | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Measure a model on the images of a folder.

    Parameters
    ----------
    model
        A network, its name ("sat-tiny-x4") or file, the baseline "bicubic" (of scale 1, "unrestored"), or another
        :class:`satlib.upscaling.models.Upscaler`.
    folder
        High-resolution images; folders inside it are left out.
    scale
        The model's factor. With 1, what is restored must be said: ``lr`` or ``degradation``.
    lr
        A folder of low-resolution images of the same names, or as benchmarks name them, "babyx4.png" or
        "baby_LRBI_x4.png" (:mod:`satlib.data.pairs`). By default they are made by MATLAB's bicubic.
    metrics, rounded, gray, degradation, tile, overlap, ensemble
        See :class:`satlib.evaluation.Protocol`, which also says why the defaults are what they are.
    device
        ``None``: where the network is, or a GPU for a loaded one if CUDA has one.
    name
        What to call the model in the result.
    save_images
        A folder for the upscaled images, as PNG; made if it is missing.
    resume
        A file that keeps finished rows. A later call that finds it does not compute them again, as far as they were
        made by the same weights, options and images. It stays; remove it when it is not needed any more. A model that
        is no ``torch.nn.Module`` must be a dataclass of numbers and texts, which tell it from others.
    progress
        Opened once, and told the images that are done.

    Returns
    -------
    Evaluation
        Its ``failures`` name the images that could not be evaluated; the others are not affected.

    Raises
    ------
    ValueError, OSError
        If the model, the options or the folders cannot be used, or no image can be evaluated.
    """
    protocol = Protocol(
        scale=scale,
        metrics=metrics,
        rounded=rounded,
        gray=gray,
        degradation=passes_of(degradation),
        tile=tile,
        overlap=overlap,
        ensemble=ensemble,
    )
    check_given(protocol, lr)
    folder, resume = as_path(folder, "folder"), None if resume is None else check_writable(resume)
    save_images = None if save_images is None else check_folder(save_images)
    network = _get_model(model, scale, device)
    _check_channels(network, gray)
    place = weight_of(network).device
    files = image_files(folder)
    run = _Run(network, protocol, place, files, None if lr is None else as_path(lr, "lr"), save_images, resume)
    run.check_names(files)
    scores, failures = [], []
    _reset_peak(place)
    with progress(folder.name) as report:
        for done, file in enumerate(files, start=1):
            try:
                scores.append(run.score(file, done - 1))
            except (OSError, ValueError, MemoryError, RuntimeError) as error:
                failures.append((file.name, _reason(error)))
            report(done, len(files))
    if not scores:
        raise ValueError(f"no image of {folder} could be evaluated; {failures[0][0]}: {failures[0][1]}")
    label = name or (str(model) if isinstance(model, (str, Path)) else _name(network))
    data = set_name(folder) or folder.resolve().name
    return Evaluation(label, data, protocol, tuple(scores), tuple(failures), str(place), _peak_bytes(place))


class _Run:
    """What the images of one evaluation share."""

    def __init__(
        self,
        model: Upscaler,
        protocol: Protocol,
        device: torch.device,
        files: list[Path],
        lr: Path | None,
        save_images: str | PathLike[str] | None,
        resume: str | PathLike[str] | None,
    ) -> None:
        self.model, self.protocol = model, protocol
        self.lr = lr
        self.pairs = Pairs(files, [] if lr is None else image_files(lr), protocol.scale)
        self.networks: dict[str, nn.Module] = {}
        if "lpips" in protocol.metrics:
            self.networks["lpips"] = load_lpips(device=device)
        if "dists" in protocol.metrics:
            self.networks["dists"] = load_dists(device=device)
        self.target = None if save_images is None else Path(save_images)
        if self.target is not None:
            self.target.mkdir(parents=True, exist_ok=True)
        self.ledger = None if resume is None else Ledger(Path(resume))
        self.common = "" if resume is None else fingerprint(model, protocol, device)

    def check_names(self, files: list[Path]) -> None:
        """Raise ValueError if two images would be saved under one name."""
        stems = [file.stem for file in files]
        twice = next((stem for stem in stems if stems.count(stem) > 1), None)
        if self.target is not None and twice is not None:
            raise ValueError(f"two images are called {twice}; both would be saved as {twice}.png")

    def score(self, file: Path, number: int) -> Score:
        """Return the row of image ``number``, from the ledger if it is there and the upscaled image needs no saving."""
        lr_file = self.pairs.low_of(file)
        if lr_file is None and self.lr is not None:
            raise ValueError(f"{self.lr} has no low-resolution version of {file.name}")
        target = None if self.target is None else self.target / f"{file.stem}.png"
        common = f"{self.common} {number}" if self.protocol.degradation else self.common
        key = "" if self.ledger is None else row_key(common, file, lr_file)
        known = None if self.ledger is None else self.ledger.find(key)
        if known is not None and (target is None or target.is_file()):
            return replace(known, name=file.name)
        sr, values, seconds = measure(file, lr_file, self.model, self.protocol, self.networks, number)
        if target is not None:
            write(Picture(sr if sr.ndim == 3 else sr[..., None]), target)
        score = Score(
            file.name, values.get("psnr"), values.get("ssim"), values.get("lpips"), seconds, values.get("dists")
        )
        if self.ledger is not None:
            self.ledger.add(key, score)
        return score


def check_given(protocol: Protocol, lr: object) -> None:
    """Raise ValueError unless it is said, once, what is upscaled or restored: ``lr`` is the folder given, or None."""
    if lr is not None and protocol.degradation:
        raise ValueError(f"degradation must be None beside a folder of low-resolution images, got {lr} as well")
    if protocol.scale == 1 and lr is None and not protocol.degradation:
        raise ValueError("scale 1 restores images, and there are none: give their folder (lr), or a degradation")


def _get_model(model: ModelLike | Upscaler, scale: int, device: torch.device | str | None) -> Upscaler:
    """Return the model, of the right scale."""
    named = isinstance(model, str) and model == "bicubic"
    network = get_model(f"bicubic-x{scale}" if named else model, device)
    if network.scale != scale:
        raise ValueError(f"the model upscales by {network.scale}, not by {scale}")
    return network


def _check_channels(model: Upscaler, gray: str) -> None:
    """Raise ValueError if the photographs will not be what a model takes; the baseline takes all."""
    takes = channels_of(model)
    if takes != 3 and (takes, gray) != (1, "all"):
        remedy = "gray='all' (--gray all) makes all photographs grey" if takes == 1 else "photographs have 1 or 3"
        raise ValueError(f"the model takes images of {takes} channel{'s' * (takes > 1)}; {remedy}")


def _name(model: Upscaler) -> str:
    return f"{model.name} ({model.n_params:,} parameters)" if model.n_params else model.name


def _reason(error: Exception) -> str:
    """Return an error in one line; one that is no fault of an image is raised."""
    if is_out_of_memory(error):
        return "out of memory; try tiles"
    if isinstance(error, RuntimeError):
        raise error
    return " ".join(str(error).split())


def _reset_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _peak_bytes(device: torch.device) -> int:
    """Return the most memory in use: of the GPU since the reset, of this process since it began; 0 if unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return 0
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
