"""The image sets of super-resolution: what they are, where they are published, what may be done with them.

Addresses stand here and nowhere else. A checksum is given where the archive's publisher or several independent users
state it; where none is, `fetch` records the first download's and holds later ones against it.
"""

from dataclasses import dataclass

_HUB = "https://huggingface.co/datasets"
_BSDS = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz"
_DIV2K = "https://data.vision.ee.ethz.ch/cvl/DIV2K"


@dataclass(frozen=True)
class Archive:
    """One file to download, and the images to take out of it."""

    url: str
    """Where it is."""
    folders: tuple[tuple[str, str], ...]
    """(end of a folder's path in the archive, folder of the data set that its images go to), "" for the set itself."""
    images: int
    """How many images these folders hold."""
    size: int | None = None
    """Bytes of the archive, where known exactly."""
    rough_size: int | None = None
    """Bytes of the archive, for people, where they are not known exactly."""
    sha256: str | None = None
    """Checksum of the archive, where known."""

    @property
    def filename(self) -> str:
        """The last part of the address."""
        return self.url.rsplit("/", 1)[1]


@dataclass(frozen=True)
class Dataset:
    """An image set."""

    name: str
    """As papers call it, and the name of its folder."""
    use: str
    """What papers do with it."""
    terms: str
    """What its publishers ask, in one sentence."""
    archives: tuple[Archive, ...] = ()
    """What to download; empty if the set cannot be had without asking."""

    @property
    def images(self) -> int:
        """Images in all archives."""
        return sum(archive.images for archive in self.archives)


def _bsds(images: int, *folders: tuple[str, str]) -> Archive:
    return Archive(
        _BSDS,
        folders,
        images,
        size=70_763_455,
        sha256="97e49d31764f3912f0c4122707d53062ac9e783ba0f095e447a4d53c1a41af8e",
    )


CATALOGUE = (
    Dataset(
        "DIV2K",
        "training (train), validation (valid)",
        "Academic research only.",
        (
            Archive(
                f"{_DIV2K}/DIV2K_train_HR.zip",
                (("DIV2K_train_HR", "train"),),
                800,
                size=3_530_603_713,
                sha256="9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
            ),
            Archive(
                f"{_DIV2K}/DIV2K_valid_HR.zip",
                (("DIV2K_valid_HR", "valid"),),
                100,
                size=448_993_893,
                sha256="20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
            ),
        ),
    ),
    Dataset(
        "Flickr2K",
        "training",
        "Photographs from Flickr, each under its photographer's licence; for research. A mirror: the first publisher's "
        "server no longer answers.",
        (
            Archive(
                f"{_HUB}/yangtao9009/Flickr2K/resolve/main/Flickr2K.zip",
                (("Flickr2K", ""),),
                2650,
                rough_size=11_600_000_000,
            ),
        ),
    ),
    Dataset(
        "BSDS500",
        "training (train, test)",
        "Non-commercial research and education. The 100 images of its val folder are B100 and are left out, so that "
        "nobody trains on them.",
        (_bsds(400, ("images/train", "train"), ("images/test", "test")),),
    ),
    Dataset(
        "Set5",
        "test",
        "No licence is stated; research use.",
        (
            Archive(
                f"{_HUB}/eugenesiow/Set5/resolve/main/data/Set5_HR.tar.gz",
                (("Set5_HR", ""),),
                5,
                rough_size=852_000,
                sha256="260fc447296333f6c2716bcd65513968c33b666f21a905537ee3330c51a1945b",
            ),
        ),
    ),
    Dataset(
        "Set14",
        "test",
        "No licence is stated; research use.",
        (
            Archive(
                f"{_HUB}/eugenesiow/Set14/resolve/main/data/Set14_HR.tar.gz",
                (("Set14_HR", ""),),
                14,
                rough_size=4_980_000,
            ),
        ),
    ),
    Dataset(
        "B100",
        "test",
        "Non-commercial research and education. The val images of BSDS500, as JPEG: the source of B100's PNG files.",
        (_bsds(100, ("images/val", "")),),
    ),
    Dataset(
        "Urban100",
        "test",
        "CC BY 4.0, as the mirror states it.",
        (
            Archive(
                f"{_HUB}/eugenesiow/Urban100/resolve/main/data/Urban100_HR.tar.gz",
                (("Urban100_HR", ""),),
                100,
                rough_size=135_000_000,
            ),
        ),
    ),
    Dataset(
        "Manga109",
        "test",
        "Its authors give it for academic use on application, and it must not be passed on: apply at "
        "http://www.manga109.org/en/download.html and put the images into a folder called Manga109.",
    ),
)


def find_dataset(name: str) -> Dataset:
    """Return the data set of this name, in any case.

    Raises
    ------
    ValueError
        If there is none; the message lists the names.
    """
    for dataset in CATALOGUE:
        if dataset.name.lower() == name.lower():
            return dataset
    raise ValueError(f"unknown data set {name!r}; known are {', '.join(d.name for d in CATALOGUE)}")
