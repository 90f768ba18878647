"""A small data set in two archives, on a server of this machine."""

import io
import zipfile

import numpy as np
from loopback import Site
from PIL import Image

from satlib.data import Archive, Dataset


def png(seed: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def archive(images: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, content in images.items():
            file.writestr(name, content)
    return stream.getvalue()


TRAIN = archive({"HR/1.png": png(1), "HR/2.png": png(2), "LR/1.png": png(3)})
VALID = archive({"valid/3.png": png(4)})


def toy(site: Site, images: int = 2) -> Dataset:
    train = Archive(site.address("train.zip"), (("HR", "train"),), images)
    valid = Archive(site.address("valid.zip"), (("valid", "valid"),), 1, size=len(VALID))
    return Dataset("Toy", "tests", "None.", (train, valid))
