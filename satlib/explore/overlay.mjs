// What a layer has chosen, drawn on the picture. A canvas has `zoom` of its pixels for each of the picture's.

const ORANGE = "#d55e00", YELLOW = "#f0e442";

/** A colour for a share from 0 to 1, dark blue over grey to yellow: as bright as large, and so not by hue alone. */
function ramp(share) {
  const stops = [[0, 34, 78], [65, 77, 107], [124, 123, 120], [188, 175, 111], [254, 232, 56]];
  const place = Math.min(Math.max(share, 0), 1) * 3.999, i = Math.floor(place), part = place - i;
  return stops[i].map((value, c) => value + part * (stops[i + 1][c] - value));
}

export function dot(context, x, y, radius, fill) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = "#fff";
  context.stroke();
}

/** Where the middle of a token lies on the canvas. */
export function middle(token, { width, left, top }, zoom) {
  return [(left + (token % width) + 0.5) * zoom, (top + Math.floor(token / width) + 0.5) * zoom];
}

/** The centres: dots, the best tenth of them larger. */
function centers(context, layer, region, zoom) {
  [...layer.centers].reverse().forEach((token, i) => {
    const best = layer.k - 1 - i < layer.k / 10;
    const radius = Math.max(1.5, zoom * (best ? 0.75 : 0.45));
    dot(context, ...middle(token, region, zoom), radius, best ? ORANGE : YELLOW);
  });
}

/** The tokens that are sampled: dots, all alike. */
function sample(context, layer, region, zoom) {
  for (const token of layer.sample) dot(context, ...middle(token, region, zoom), Math.max(1.5, 0.4 * zoom), "#56b4e9");
}

/** Tokens sampled, as dots: the larger and brighter, the higher their value. */
function values(name) {
  return (context, layer, region, zoom) => {
    const value = layer[name]; // up to 65,536: too many for the arguments of Math.min
    const least = value.reduce((a, b) => Math.min(a, b)), most = value.reduce((a, b) => Math.max(a, b));
    layer.sample.forEach((token, i) => {
      const share = most > least ? (value[i] - least) / (most - least) : 0;
      dot(context, ...middle(token, region, zoom), zoom * (0.25 + 0.45 * share), `rgb(${ramp(share).join()})`);
    });
  };
}

/** The clusters: a tint for each, and the borders between them. */
function clusters(context, layer, region, zoom) {
  const { width, height, left, top } = region, cluster = (x, y) => layer.assignment[y * width + x];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      context.fillStyle = `hsl(${(cluster(x, y) * 137.5) % 360} 80% 55% / 0.35)`;
      context.fillRect((left + x) * zoom, (top + y) * zoom, zoom, zoom);
      context.fillStyle = "#fff";
      const right = x + 1 < width && cluster(x, y) !== cluster(x + 1, y);
      const below = y + 1 < height && cluster(x, y) !== cluster(x, y + 1);
      if (right) context.fillRect((left + x + 1) * zoom - 0.5, (top + y) * zoom, 1, zoom);
      if (below) context.fillRect((left + x) * zoom, (top + y + 1) * zoom - 0.5, zoom, 1);
    }
}

/** How much of each pixel the query reads, as the mean of all heads: its weight in its cluster times the cluster's. */
export function read(layer) {
  const share = clusterShares(layer);
  return layer.weight ? layer.weight.map((weight, i) => weight * share[layer.assignment[i]]) : share;
}

/** How much of each cluster the query reads, as the mean of all heads; 1 in sum. */
export function clusterShares({ reading, counts }) {
  const k = counts.length, heads = reading.length / k;
  return Float32Array.from(counts, (_, j) => {
    let sum = 0;
    for (let head = 0; head < heads; head++) sum += reading[head * k + j];
    return sum / heads;
  });
}

/** What the query reads: the brighter, the more. */
function reading(context, layer, region, zoom) {
  const share = read(layer), most = share.reduce((a, b) => Math.max(a, b), 1e-12);
  share.forEach((value, i) => {
    context.fillStyle = `rgb(${ramp(Math.sqrt(value / most)).join(" ")} / 0.85)`;
    const [x, y] = middle(i, region, zoom);
    context.fillRect(x - zoom / 2, y - zoom / 2, zoom, zoom);
  });
}

/** What may be drawn, by name: a function of (context, layer, region, zoom), and what it shows, in words. */
export const DRAWINGS = {
  centers: { draw: centers, words: "the centres, the best tenth of them large and orange" },
  sample: { draw: sample, words: "the sampled tokens, from which centres are chosen" },
  clusters: { draw: clusters, words: "the clusters, tinted, with borders" },
  density: { draw: values("density"), words: "the density of the sampled tokens, large and bright where it is high" },
  separation: { draw: values("separation"), words: "the separation of the sampled tokens, large and bright where high" },
  score: { draw: values("score"), words: "the score of the sampled tokens, large and bright where it is high" },
  reading: { draw: reading, words: "what the marked pixel reads, bright where it is much" },
  nothing: { draw: () => {}, words: "nothing" },
};

/** Mark the query. */
export function mark(context, row, column, zoom) {
  for (const [width, colour] of [[4, "#000"], [2, "#fff"]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.strokeRect(column * zoom - 2, row * zoom - 2, zoom + 4, zoom + 4);
  }
}
