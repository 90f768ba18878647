"""Sphinx extension: a picture of a cell has a narrow layout, which the page shows on a phone, and both are WebP files.

``satlib.figures.kit.show`` puts both into one output: the wide picture as a PNG, the narrow one as a GIF. The transform
runs before myst-nb (priority 4) keeps one of them. The files of the site are a third smaller than PNG, without loss.
"""

from pathlib import Path, PurePosixPath

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.osutil import relative_uri

from satlib.figures.kit.show import DENSITY

PHONE = "(max-width: 600px)"
"""The screens that get the narrow picture, those of companion.css."""


class TwoLayouts(SphinxPostTransform):
    """Put the narrow picture of each output beside its wide one, as another source of the same picture."""

    default_priority = 3

    def run(self, **kwargs: object) -> None:
        """Run over one document."""
        for bundle in filter(_is_output, list(self.document.findall(nodes.container))):
            children = {child["mime_type"]: child for child in bundle.children if isinstance(child, nodes.Element)}
            narrow = children.get("image/gif")
            if narrow is None or "image/png" not in children:
                continue
            bundle.remove(narrow)
            if self.app.builder.format == "html":
                self._put_beside(next(children["image/png"].findall(nodes.image)), next(narrow.findall(nodes.image)))

    def _put_beside(self, wide: nodes.image, narrow: nodes.image) -> None:
        """Make a picture of two, which leads to the wide one: the browser takes the first source that suits it."""
        width, height = self._compress(narrow)
        self._compress(wide)
        names = {picture: self.env.images[picture["uri"]][1] for picture in (wide, narrow)}
        self.app.builder.images[narrow["uri"]] = names[narrow]
        folder = relative_uri(self.app.builder.get_target_uri(self.env.docname), self.app.builder.imagedir)
        size = f'width="{round(width / DENSITY)}" height="{round(height / DENSITY)}"'
        before = (
            f'<a class="reference internal image-reference" href="{folder}/{names[wide]}">'
            f'<picture><source media="{PHONE}" srcset="{folder}/{names[narrow]}" {size}>'
        )
        wide["classes"].append("no-scaled-link")  # Sphinx's own would stand within the picture
        place = wide.parent.index(wide)
        wide.parent.insert(place, nodes.raw("", before, format="html"))
        wide.parent.insert(place + 2, nodes.raw("", "</picture></a>", format="html"))

    def _compress(self, picture: nodes.image) -> tuple[int, int]:
        """Let a picture be a WebP file of the same pixels, beside the one it was; return its width and height."""
        old = PurePosixPath(picture["uri"])
        new = old.with_suffix(".webp")
        with Image.open(Path(self.env.srcdir, old)) as read:
            if not Path(self.env.srcdir, new).exists():
                read.convert("RGB").save(Path(self.env.srcdir, new), "WEBP", lossless=True)
            picture["uri"] = str(new)
            picture["candidates"] = {"*": str(new)}
            self.env.images.add_file(self.env.docname, str(new))
            return read.size


def _is_output(node: nodes.container) -> bool:
    return bool(node.get("nb_element") == "mime_bundle")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transform."""
    app.add_post_transform(TwoLayouts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
