"""The sample photographs: there, documented, small, and crops of what scikit-image ships."""

import re
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from satlib import samples

FOLDER = Path(samples.__file__).parent
LICENSES = (FOLDER / "LICENSES.md").read_text()


def test_files_names_and_licences_agree():
    assert sorted(path.stem for path in FOLDER.glob("*.png")) == sorted(samples.names())
    assert re.findall(r"^\| `(\w+)\.png`", LICENSES, re.MULTILINE) == samples.names()
    assert sum(path.stat().st_size for path in FOLDER.glob("*.png")) < 800_000


@pytest.mark.parametrize("name", samples.names())
def test_a_sample(name):
    image = samples.load(name)
    assert image.mode in ("L", "RGB")
    assert 150 <= min(image.size) <= max(image.size) <= 256
    assert all(side % 24 == 0 for side in image.size)
    assert samples.path(name).is_file()
    sample = samples.SAMPLES[name]
    assert sample.license in ("CC0", "public domain")
    (line,) = (line for line in LICENSES.splitlines() if line.startswith(f"| `{name}.png`"))
    assert f"| {sample.license} |" in line


@pytest.mark.parametrize("name", samples.names())
def test_a_sample_is_the_crop_that_its_licence_line_gives(name):
    (line,) = (line for line in LICENSES.splitlines() if line.startswith(f"| `{name}.png`"))
    box = tuple(int(v) for v in re.search(r"(\d+), (\d+), (\d+), (\d+) of", line).groups())
    (source,) = (Path(skimage.__file__).parent / "data").glob(f"{name}.*")
    with Image.open(source) as whole:
        np.testing.assert_array_equal(np.asarray(samples.load(name)), np.asarray(whole.crop(box)))


def test_an_unknown_sample_is_named():
    for function in (samples.load, samples.path):
        with pytest.raises(ValueError, match="unknown sample 'lena'; the samples are astronaut, brick"):
            function("lena")
