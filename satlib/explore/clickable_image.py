"""A picture in a notebook that says where it was clicked, and what it shows to readers who cannot see it."""

from typing import Generic, NamedTuple, TypeVar

import traitlets
from anywidget import AnyWidget

ESM = """
function render({ model, el }) {
  const image = document.createElement("img");
  image.style.maxWidth = "100%";
  image.style.cursor = model.get("clickable") ? "crosshair" : "";
  const draw = () => {
    URL.revokeObjectURL(image.src);
    image.alt = model.get("alt");
    image.src = URL.createObjectURL(new Blob([model.get("value")], { type: "image/png" }));
  };
  image.addEventListener("click", (event) => {
    if (!model.get("clickable")) return;
    const box = image.getBoundingClientRect();
    model.set("clicked", [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
    model.save_changes();
  });
  model.on("change:value", draw);
  draw();
  el.append(image);
  return () => {
    model.off("change:value", draw);
    URL.revokeObjectURL(image.src);
  };
}
export default { render };
"""


Shown = TypeVar("Shown")
"""What a kind of picture shows."""


class Drawing(NamedTuple):
    """A picture as it is shown."""

    png: bytes
    alt: str
    """What there is to see, in words."""


class Clickable(AnyWidget, Generic[Shown]):
    """What all pictures share: words instead of them, and where they were clicked."""

    alt = traitlets.Unicode("").tag(sync=True)
    clickable = traitlets.Bool(False).tag(sync=True)
    clicked = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(0.0, 0.0)).tag(sync=True)
    """Where it was last clicked: shares of its width and of its height, from the upper left corner."""

    def show(self, drawing: Shown) -> None:
        """Show another drawing."""
        raise NotImplementedError


class Picture(Clickable[Drawing]):
    """A PNG with its alternative text. It is sent to the page with the widget: nothing is fetched from elsewhere."""

    _esm = ESM
    value = traitlets.Bytes(b"").tag(sync=True)
    """The PNG."""

    def show(self, drawing: Drawing) -> None:
        """Show another PNG."""
        self.alt = drawing.alt
        self.value = drawing.png
