"""TIFF files: what the tags say about the pixels is honoured, or refused by name; decoding is tifffile's.

Pillow ignores some of what a TIFF says (white is zero in 16 bits, 12 bits in 16, signed samples) and knows few of its
layouts. `tifffile` with `imagecodecs` undoes compression, predictors, fill order, planes and packing of bits;
`tiff_samples` makes pixels of samples. After Adobe's TIFF 6.0 and its Technical Note of 2002.

Shapes: H, W image height and width; S samples of a pixel; C channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import numpy as np
from PIL import Image

from satlib.images.decoded import Decoded
from satlib.images.formats import UnsupportedImageError
from satlib.images.metadata import UNREADABLE
from satlib.images.picture import check_size
from satlib.images.tiff_samples import (
    BLACK_IS_ZERO,
    CIELAB,
    CMYK,
    COLORS,
    ICCLAB,
    PALETTE,
    RGB,
    WHITE_IS_ZERO,
    YCBCR,
    to_pixels,
)
from satlib.images.tiff_strips import JPEG, check_strips
from satlib.images.turned import lost_orientation

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

UNSIGNED, FLOATING = 1, 3
MAX_PAGES = 10_000
MAX_EXTRA = 16
"""Samples of a pixel beside its colour."""


def read_tiff(file: IO[bytes], max_pixels: int) -> Decoded:
    """Decode an open TIFF or BigTIFF file.

    Raises
    ------
    UnsupportedImageError
        If it has more than ``max_pixels`` pixels, several pages, or pixels that are not taken; the message says which.
    Exception
        If it is damaged or truncated; tifffile and its decoders raise errors of many kinds.
    """
    from tifffile import TiffFile

    with _quiet(), TiffFile(file, _multifile=False) as tiff:
        page = _only_page(tiff)
        check_size((page.imagelength, page.imagewidth), max_pixels)
        _check_meaning(page)
        check_strips(page, tiff.filehandle.size, max_pixels)
        samples = page.asarray(maxworkers=1)
        samples = samples.reshape(_shape_of_samples(page))
        if page.planarconfig == 2 and page.samplesperpixel > 1:
            samples = np.moveaxis(samples, 0, -1)
        tag = page.tags.get(34675)
        icc = bytes(tag.value) if tag is not None and isinstance(tag.value, bytes) else b""
        decoded = to_pixels(samples, page, icc)
        decoded.exif = _exif(file, tiff, page.offset)
        decoded.turned = not tiff.is_bigtiff and _may_be_turned(file, tiff, page.offset)
    return decoded


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what tifffile logs about odd tags in this thread to itself: what matters is raised."""
    logger, thread = logging.getLogger("tifffile"), threading.get_ident()

    def of_others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger.addFilter(of_others)
    try:
        yield
    finally:
        logger.removeFilter(of_others)


def _only_page(tiff: "TiffFile") -> "TiffPage":
    """Return the page of a file; thumbnails and masks beside it do not count."""
    from tifffile import TiffPage

    found: list[TiffPage] = []
    for number, page in enumerate(tiff.pages):
        if number > MAX_PAGES:
            raise UnsupportedImageError(f"it has more than {MAX_PAGES} pages")
        if isinstance(page, TiffPage) and (number == 0 or not int(page.subfiletype) & 5):
            found.append(page)
    full = [page for page in found if not int(page.subfiletype) & 5] or found[:1]
    images = max(len(full), int((tiff.imagej_metadata or {}).get("images", 1)))  # ImageJ keeps a stack in one page
    if images != 1:
        raise UnsupportedImageError(f"it holds {images} pages or frames, not one image")
    if int(full[0].subfiletype) & 1 and full[0].subifds:
        raise UnsupportedImageError("its page is a thumbnail of an image that is not read here, as in raw files")
    return full[0]


def _check_meaning(page: "TiffPage") -> None:
    """Refuse by name what has no plain meaning here, before anything is decoded."""
    if page.tags.get(262) is None:
        raise UnsupportedImageError("it does not say what its samples mean (PhotometricInterpretation is missing)")
    kind, bits, samples = int(page.photometric), page.bitspersample, page.samplesperpixel
    form = int(page.sampleformat) if not isinstance(page.sampleformat, tuple) else -1
    if kind not in COLORS:
        raise UnsupportedImageError(f"PhotometricInterpretation {kind} ({_name(page.photometric)}) is not supported")
    if not isinstance(bits, int):
        raise UnsupportedImageError(f"samples of different depths ({bits} bits) are not supported")
    if form not in (UNSIGNED, FLOATING) and not (form == 2 and kind in (CIELAB, ICCLAB)):
        raise UnsupportedImageError(
            f"SampleFormat {form} ({_name(page.sampleformat)}) of {bits} bits is not supported: it has no fixed white"
        )
    if bits > (64 if form == FLOATING else 32):
        raise UnsupportedImageError(f"samples of {bits} bits are not supported")
    if bits == 24 and form == UNSIGNED:
        raise UnsupportedImageError(
            "samples of 24 bits are not supported: programs disagree about their order of bytes"
        )
    if samples < COLORS[kind]:
        raise UnsupportedImageError(f"{samples} samples are too few for {_name(page.photometric)}")
    if samples > COLORS[kind] + MAX_EXTRA:
        raise UnsupportedImageError(
            f"{samples} samples of each pixel are too many; {MAX_EXTRA} beside the colour are taken"
        )
    if form == FLOATING and kind not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
        raise UnsupportedImageError(f"floating samples of {_name(page.photometric)} are not supported")
    if kind in (CIELAB, ICCLAB) and bits not in (8, 16):
        raise UnsupportedImageError(f"{_name(page.photometric)} of {bits} bits is not supported")
    if kind == PALETTE and (bits > 16 or page.colormap is None):
        raise UnsupportedImageError(f"a palette of {bits} bits is not supported")
    if kind == YCBCR and int(page.compression) not in JPEG:
        raise UnsupportedImageError("YCbCr is supported with JPEG compression alone")
    if kind == CMYK and page.tags.valueof(332, 1) != 1:
        raise UnsupportedImageError("inks other than CMYK are not supported")
    if int(page.predictor) == 2 and bits not in (8, 16, 32, 64) and int(page.compression) not in JPEG:
        raise UnsupportedImageError(f"differences (Predictor 2) of {bits} bits are not supported")
    if page.imagedepth != 1:
        raise UnsupportedImageError(f"volumes (ImageDepth {page.imagedepth}) are not supported")
    if int(page.fillorder) not in (1, 2) or int(page.planarconfig) not in (1, 2):
        raise UnsupportedImageError(
            f"FillOrder {page.fillorder} or PlanarConfiguration {page.planarconfig} is not one of 1, 2"
        )


def _name(value: object) -> str:
    return str(getattr(value, "name", value))


def _shape_of_samples(page: "TiffPage") -> tuple[int, int, int]:
    height, width, samples = page.imagelength, page.imagewidth, page.samplesperpixel
    planes = page.planarconfig == 2 and samples > 1
    return (samples, height, width) if planes else (height, width, samples)


def _exif(file: IO[bytes], tiff: "TiffFile", offset: int) -> Image.Exif:
    """Return the tags of a page as EXIF; an empty one if they are damaged."""
    exif = Image.Exif()
    try:
        exif.endian, exif.bigtiff = tiff.byteorder, tiff.is_bigtiff
        exif.load_from_fp(file, offset)
        for group in (0x8769, 0x8825):
            exif.get_ifd(group)  # while the file is open
    except UNREADABLE:
        return Image.Exif()
    return exif


def _may_be_turned(file: IO[bytes], tiff: "TiffFile", offset: int) -> bool:
    """Tell whether the directory of a page may have lost its orientation."""
    file.seek(offset)
    count = int.from_bytes(file.read(2), "little" if tiff.byteorder == "<" else "big")
    return lost_orientation(file.read(12 * count), tiff.byteorder, tiff.filehandle.size)
