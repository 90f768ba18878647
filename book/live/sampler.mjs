// Which tokens DTA looks at: satlib/dta/sampling.py and eval_sample, bit for bit.
//
// Shapes: N = H*W tokens in raster order, K centres, S samples.

/** K = max(1, int(ratio N)). */
export const nCenters = (n, ratio) => Math.max(1, Math.trunc(ratio * n));

/** S = min(N, max(2K, int(beta K))). */
export const nSamples = (n, k, beta) => Math.min(n, Math.max(2 * k, Math.trunc(Math.min(beta * k, n))));

/** m: itself, or with `share` a share of K; in 1..S-1, and 0 where S is 1. */
export const nNeighbors = ({ value, share }, k, s) =>
  Math.min(Math.max(Math.trunc(share ? Math.min(value * k, s) : value), 1), s - 1);

/**
 * What torch.rand draws from a CPU generator with this seed (a BigInt): float32 in [0, 1), the low 24 bits of each
 * number of a Mersenne twister (MT19937), which is seeded with the low 32 bits.
 */
export function* uniforms(seed) {
  const state = new Uint32Array(624);
  state[0] = Number(seed & 0xffffffffn);
  for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  for (;;) {
    for (let i = 0; i < 624; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
      state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    for (let i = 0; i < 624; i++) {
      let y = state[i];
      y ^= y >>> 11;
      y ^= (y << 7) & 0x9d2c5680;
      y ^= (y << 15) & 0xefc60000;
      y ^= y >>> 18;
      yield (y & 0xffffff) / 0x1000000;
    }
  }
}

/** Places in the order of their keys, equal keys in order; keys are multiples of 2^-24 below 2^17. */
function argsort(keys) {
  const n = keys.length; // key and place in one number, which a typed array sorts without a function
  return Int32Array.from(Float64Array.from(keys, (key, i) => key * 0x1000000 * n + i).sort(), (both) => both % n);
}

/** Python's round: halves go to the even number. */
const round = (x) => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/** Split a grid into S near-square cells of equal area: the cell of each token, (N,). */
export function cellLabels(height, width, cells) {
  const n = height * width;
  const bands = Math.min(height, Math.max(1, round(height / Math.sqrt(n / cells))));
  const walk = Float64Array.from({ length: n }, (_, i) => {
    const row = Math.floor(i / width), column = i % width, band = Math.floor((row * bands) / height);
    return ((band * width + (band % 2 ? width - 1 - column : column)) * height + row) * n + i;
  }).sort();
  const labels = new Int32Array(n);
  walk.forEach((step, place) => { labels[step % n] = Math.floor((place * cells) / n); });
  return labels;
}

/** The token nearest to the middle of each cell, (S,), ascending; ties go to the first. */
export function cellMiddles(height, width, cells) {
  const labels = cellLabels(height, width, cells);
  const rows = new Float64Array(cells), columns = new Float64Array(cells), size = new Float64Array(cells);
  labels.forEach((cell, i) => {
    rows[cell] += Math.floor(i / width);
    columns[cell] += i % width;
    size[cell] += 1;
  });
  const nearest = new Int32Array(cells), least = new Float64Array(cells).fill(Infinity);
  labels.forEach((cell, i) => {
    const down = Math.floor(i / width) - rows[cell] / size[cell], across = (i % width) - columns[cell] / size[cell];
    const distance = down * down + across * across;
    if (distance < least[cell]) [nearest[cell], least[cell]] = [i, distance];
  });
  return nearest.sort();
}

/** How a sampling splits the tokens: the cell of each, (N,), and how many tokens a cell gives. */
function makeCells({ sampling, height, width, size, k }) {
  const n = height * width, run = Math.floor(n / k);
  switch (sampling) {
    case "stratified":
      return { labels: cellLabels(height, width, size), each: 1 };
    case "strips": {
      const labels = Int32Array.from({ length: n }, (_, i) => Math.min(Math.floor(i / run), k - 1));
      return { labels, each: Math.floor(size / k) };
    }
    case "random":
      return { labels: new Int32Array(n), each: size };
    default:
      throw new Error(`sampling "${sampling}" is not known here`);
  }
}

/** Two random keys decide: which tokens a cell gives, and which of the others make up the number; (S,), ascending. */
function drawFromCells({ labels, each }, size, random) {
  const n = labels.length, draw = () => Float32Array.from({ length: n }, () => random.next().value);
  const first = draw(), second = draw(), shuffled = argsort(first);
  const byCell = argsort(shuffled.map((token) => labels[token]));
  const key = new Float32Array(n);
  for (let i = 0, start = 0; i < n; i++) {
    if (labels[shuffled[byCell[i]]] !== labels[shuffled[byCell[start]]]) start = i; // another cell begins
    key[byCell[i]] = i - start >= each ? 1 : 0;
  }
  for (let i = 0; i < n; i++) key[i] += second[i]; // in float32: it rounds, as torch does
  return argsort(key).subarray(0, size).map((place) => shuffled[place]).sort();
}

/** The sample of one SAA layer, (S,), ascending: fixed by the seed (a BigInt), the layer and the sizes. */
export function evalSample({ seed, layer, sampling, height, width, size, k }) {
  if (sampling === "grid") return cellMiddles(height, width, size);
  const random = uniforms((seed * 1000003n + BigInt(layer)) % 2n ** 63n);
  return drawFromCells(makeCells({ sampling, height, width, size, k }), size, random);
}
