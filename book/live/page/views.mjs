// What is shown of a result. `shown` is {picture, region, result, state, scale}: the cut as it is, where in it the
// result lies, what the network gave, what the reader has chosen, and the network's scale.
import { clusterShares, DRAWINGS, mark } from "../../../satlib/explore/overlay.mjs";
import { bicubic, painted } from "./picture.mjs";

const live = document.getElementById("live");
export const find = (selector) => live.querySelector(selector);
export const view = (name) => find(`[data-view="${name}"]`);
const text = (name) => find(`[data-text="${name}"]`);

/** Say something to all readers, also to those who hear the page; `state` tells what the page is doing. */
export function say(words, state = live.dataset.state) {
  find(".live-status").textContent = words;
  live.dataset.state = state;
}

/** How long a run took, and for what. */
export function sayTime({ width, height }, result) {
  const seconds = (result.ms / 1000).toFixed(2);
  say(`${width} × ${height} pixels became ${result.width} × ${result.height} in ${seconds} s.`, "done");
}

/** The network's picture, a canvas. */
export const enlarged = ({ upscaled, width, height }) => painted({ rgb: upscaled, width, height });

export function show(shown) {
  compare(shown);
  inside(shown);
  numbers(shown);
  readClusters(shown);
}

/** Bicubic beneath, SAT above it from the slider on. */
function compare({ picture, region, result, scale, state: { split, network } }) {
  const smooth = painted(bicubic(picture, scale)), sharp = view("sat"), under = view("bicubic");
  for (const canvas of [sharp, under]) Object.assign(canvas, { width: smooth.width, height: smooth.height });
  under.getContext("2d").drawImage(smooth, 0, 0);
  sharp.getContext("2d").drawImage(enlarged(result), scale * region.left, scale * region.top);
  sharp.style.clipPath = `inset(0 0 0 ${split}%)`;
  find(".live-line").style.left = `${split}%`;
  under.setAttribute("aria-label", `The picture enlarged ${scale} times by bicubic interpolation`);
  sharp.setAttribute("aria-label", `The same by ${network}, over the right ${100 - split} percent`);
}

/** The input, and what a layer has chosen on it. */
function inside({ picture, region, result, state }) {
  const canvas = view("inside"), zoom = Math.max(2, Math.round(768 / picture.width));
  Object.assign(canvas, { width: zoom * picture.width, height: zoom * picture.height });
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(painted(picture), 0, 0, canvas.width, canvas.height);
  const { draw, words } = DRAWINGS[state.other ? "nothing" : state.draw];
  draw(context, result.layers[state.layer - 1], region, zoom);
  mark(context, state.row, state.column, zoom);
  const why = state.other ? "nothing, as the tokens of another picture are read" : words;
  text("drawn").textContent =
    `The input, with ${why}, in layer ${state.layer}; the pixel at row ${state.row}, column ${state.column} is marked.`;
}

function numbers({ region, result, state }) {
  const { k, m, sample } = result.layers[state.layer - 1], n = region.width * region.height;
  const memory = (result.bytes / 2 ** 20).toFixed(0);
  text("measured").textContent =
    `K = ${k} of ${n} tokens, S = ${sample.length}, m = ${m}; ${Math.round(result.ms)} ms, ${memory} MiB of memory.`;
}

/** The five clusters that the marked pixel reads most. */
function readClusters({ region, result, state }) {
  const layer = result.layers[state.layer - 1], share = clusterShares(layer);
  const place = (token) =>
    `row ${region.top + Math.floor(token / region.width)}, column ${region.left + (token % region.width)}`;
  const most = Array.from(share.keys()).sort((a, b) => share[b] - share[a]).slice(0, 5);
  const rows = most.map((cluster) => {
    const where = state.other ? `number ${cluster + 1} of the other picture` : place(layer.centers[cluster]);
    const row = document.createElement("tr");
    for (const words of [where, layer.counts[cluster], `${(100 * share[cluster]).toFixed(1)} %`])
      row.append(Object.assign(document.createElement("td"), { textContent: words }));
    return row;
  });
  find(".live-read tbody").replaceChildren(...rows);
}
