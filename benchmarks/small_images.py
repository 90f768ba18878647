"""Small image files of all formats, modes and depths, by several writers: Pillow, tifffile, satlib."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import ExifTags, Image

from satlib.images.picture import Picture
from satlib.images.png import write_png
from satlib.images.tiff_writer import write_tiff

HEIGHT, WIDTH = 11, 14

Pixels = npt.NDArray[Any]


def smooth(channels: int, dtype: npt.DTypeLike = np.uint8, seed: int = 0) -> Pixels:
    """Return pixels (11, 14, channels) that slope, with some noise; floats lie in [0, 1]."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(0.1, 0.8, WIDTH) + np.linspace(0, 0.1, HEIGHT)[:, None]
    values = slope[..., None] + 0.1 * rng.random((HEIGHT, WIDTH, channels))
    dtype = np.dtype(dtype)
    return np.asarray(values if dtype.kind == "f" else values * np.iinfo(dtype).max).astype(dtype)


def pillow(mode: str, name: str, **options: object) -> bytes:
    """Return a file that Pillow writes of an image of a mode."""
    file = io.BytesIO()
    rgb = Image.fromarray(smooth(3))
    image = rgb.quantize(20) if mode == "P" else rgb.convert(mode)
    save: Callable[..., None] = image.save
    save(file, name, **options)
    return file.getvalue()


def tiff(pixels: Pixels, **options: object) -> bytes:
    """Return a file that tifffile writes."""
    file = io.BytesIO()
    save: Callable[..., object] = tifffile.imwrite
    save(file, pixels, **options)
    return file.getvalue()


def small_images() -> dict[str, bytes]:
    """Return 26 files by name."""
    exif = Image.Exif()
    exif[ExifTags.Base.Artist], exif[ExifTags.Base.Orientation] = "artist", 6
    frames = [Image.fromarray(255 - smooth(3))]
    deep = Picture(smooth(4, np.uint16), exif.tobytes(), dpi=(300, 300), gamma=1.0)
    return {
        "bilevel.png": pillow("1", "PNG"),
        "grey.png": pillow("L", "PNG", dpi=(72, 72)),
        "palette.png": pillow("P", "PNG", transparency=3),
        "colour.png": pillow("RGB", "PNG", exif=exif),
        "alpha16.png": write_png(deep),
        "grey-alpha16.png": write_png(Picture(smooth(2, np.uint16))),
        "grey.jpg": pillow("L", "JPEG"),
        "colour.jpg": pillow("RGB", "JPEG", exif=exif),
        "progressive.jpg": pillow("RGB", "JPEG", progressive=True),
        "cmyk.jpg": pillow("CMYK", "JPEG"),
        "lossy.webp": pillow("RGB", "WEBP", exif=exif),
        "lossless.webp": pillow("RGBA", "WEBP", lossless=True),
        "colour.bmp": pillow("RGB", "BMP"),
        "palette.bmp": pillow("P", "BMP"),
        "frames.gif": pillow("P", "GIF", save_all=True, append_images=frames),
        "one.gif": pillow("L", "GIF"),
        "ours.tif": write_tiff(deep),
        "floats.tif": write_tiff(Picture(smooth(3, np.float32))),
        "lzw.tif": pillow("RGB", "TIFF", compression="tiff_lzw"),
        "fax.tif": pillow("1", "TIFF", compression="group4"),
        "big-endian.tif": tiff(smooth(3, np.uint16), byteorder=">", photometric="rgb", compression="packbits"),
        "bigtiff.tif": tiff(smooth(1)[..., 0], bigtiff=True, rowsperstrip=4),
        "planes.tif": tiff(np.moveaxis(smooth(3), -1, 0).copy(), photometric="rgb", planarconfig="separate"),
        "tiles.tif": tiff(smooth(3, np.uint16), photometric="rgb", tile=(16, 16), compression="lzw", predictor=True),
        "bits12.tif": tiff(smooth(1, np.uint16)[..., 0] >> 4, bitspersample=12, photometric="miniswhite"),
        "jpeg.tif": tiff(smooth(3), photometric="ycbcr", compression="jpeg", compressionargs={"level": 90}),
    }
