// A picture with what a layer has chosen on it, as a widget of a notebook: the page "Try it" draws by the same module.
import { dot, DRAWINGS, mark, middle } from "./overlay.mjs";

const ARRAYS = { int32: Int32Array, float32: Float32Array };
const CANVAS = 768, SHOWN = 384, LEAST = 48; // pixels of the longer side, there and on the page; of the shorter one

const TRAITS = ["rgb", "width", "height", "drawings", "layer", "marked", "outlined", "dots", "alt", "clickable"];

/** The layer as overlay.mjs takes it. The bytes are copied: an array may begin only at a multiple of its items' size. */
function layerOf(data) {
  const layer = {};
  for (const [name, { dtype, bytes: { buffer, byteOffset, byteLength } }] of Object.entries(data))
    layer[name] = new ARRAYS[dtype](buffer.slice(byteOffset, byteOffset + byteLength));
  return { ...layer, k: layer.centers?.length };
}

/** A canvas that shows RGB bytes, pixel for pixel. */
function photograph({ rgb, width, height }) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const image = new ImageData(width, height);
  image.data.fill(255);
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) image.data[4 * i + c] = rgb.getUint8(3 * i + c);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** A line around the cluster of a token. */
function outline(context, { assignment }, token, { width, height }, zoom) {
  const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && assignment[y * width + x] === assignment[token];
  const line = Math.max(1, zoom / 8);
  context.fillStyle = "#fff";
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (!inside(x, y)) continue;
      if (!inside(x - 1, y)) context.fillRect(x * zoom, y * zoom, line, zoom);
      if (!inside(x + 1, y)) context.fillRect((x + 1) * zoom - line, y * zoom, line, zoom);
      if (!inside(x, y - 1)) context.fillRect(x * zoom, y * zoom, zoom, line);
      if (!inside(x, y + 1)) context.fillRect(x * zoom, (y + 1) * zoom - line, zoom, line);
    }
}

function draw(canvas, shown) {
  const { width, height, marked } = shown, longer = Math.max(width, height), layer = layerOf(shown.layer);
  const zoom = Math.max(2, Math.round(CANVAS / longer)), region = { width, height, left: 0, top: 0 };
  Object.assign(canvas, { width: zoom * width, height: zoom * height });
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(photograph(shown), 0, 0, canvas.width, canvas.height);
  for (const name of shown.drawings) DRAWINGS[name].draw(context, layer, region, zoom);
  if (shown.outlined) outline(context, layer, marked[0] * width + marked[1], region, zoom);
  for (const [token, colour] of shown.dots) dot(context, ...middle(token, region, zoom), zoom, colour);
  if (marked.length) mark(context, ...marked, zoom);
  canvas.style.width = `${(SHOWN * width) / longer}px`;
  canvas.style.cursor = shown.clickable ? "crosshair" : "";
  canvas.setAttribute("aria-label", shown.alt);
}

function render({ model, el }) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  Object.assign(canvas.style, { maxWidth: "100%", minWidth: `${LEAST}px`, minHeight: `${LEAST}px` });
  const show = () => draw(canvas, Object.fromEntries(TRAITS.map((name) => [name, model.get(name)])));
  let waits = false;
  const changed = () => { // traits that change together are drawn once
    if (!waits) queueMicrotask(() => { waits = false; show(); });
    waits = true;
  };
  canvas.addEventListener("click", ({ clientX, clientY }) => {
    if (!model.get("clickable")) return;
    const box = canvas.getBoundingClientRect();
    model.set("clicked", [(clientX - box.left) / box.width, (clientY - box.top) / box.height]);
    model.save_changes();
  });
  for (const name of TRAITS) model.on(`change:${name}`, changed);
  show();
  el.append(canvas);
  return () => TRAITS.forEach((name) => model.off(`change:${name}`, changed));
}
export default { render };
