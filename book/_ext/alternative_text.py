"""Sphinx extension: a picture that a notebook cell returns gets its plain-text form as alternative text.

``satlib.figures.kit.show`` puts both into one output. The transform runs before myst-nb (priority 4) keeps the picture
and drops the text. A picture without such a text is a warning, and so stops the build.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)


class AlternativeText(SphinxPostTransform):
    """Copy the text/plain of each output into the ``alt`` of its picture."""

    default_priority = 3

    def run(self, **kwargs: object) -> None:
        """Run over one document."""
        for bundle in filter(_is_output, self.document.findall(nodes.container)):
            outputs = [child for child in bundle.children if isinstance(child, nodes.Element)]
            texts = [output.astext().strip() for output in outputs if output["mime_type"] == "text/plain"]
            for picture in bundle.findall(nodes.image):
                if "alt" in picture:
                    continue
                if not texts or texts[0].startswith("<"):  # the repr of an object, not a text
                    logger.warning("a picture has no alternative text; use satlib.figures.kit.show", location=bundle)
                else:
                    picture["alt"] = texts[0]


def _is_output(node: nodes.container) -> bool:
    return bool(node.get("nb_element") == "mime_bundle")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transform."""
    app.add_post_transform(AlternativeText)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
