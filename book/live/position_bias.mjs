// Dynamic position bias, PositionBias of satlib/network/attention.py: a small network from the offset of two tokens,
// query minus key, to one logit for each head. It depends on the weights alone, so it runs once, when they are read.

/** Rows x (rows, ins) times a weight (outs, ins), plus a bias: (rows, outs). */
function linear(x, { shape: [outs, ins], data }, bias) {
  const rows = x.length / ins, y = new Float64Array(rows * outs);
  for (let r = 0; r < rows; r++)
    for (let o = 0; o < outs; o++) {
      let sum = bias.data[o];
      for (let i = 0; i < ins; i++) sum += x[r * ins + i] * data[o * ins + i];
      y[r * outs + o] = sum;
    }
  return y;
}

/** LayerNorm of each row of x (rows, width), and ReLU, in place. */
function normalizeAndCut(x, { data: gain }, { data: shift }) {
  const width = gain.length;
  for (let start = 0; start < x.length; start += width) {
    let mean = 0, variance = 0;
    for (let i = 0; i < width; i++) mean += x[start + i] / width;
    for (let i = 0; i < width; i++) variance += (x[start + i] - mean) ** 2 / width;
    const inverse = 1 / Math.sqrt(variance + 1e-5);
    for (let i = 0; i < width; i++) x[start + i] = Math.max(0, (x[start + i] - mean) * inverse * gain[i] + shift[i]);
  }
  return x;
}

/** The bias of each pair of tokens in an h x w window, (heads, n, n); `name` begins the names of its tensors. */
export function positionBias(tensors, name, [h, w]) {
  const tensor = (end) => {
    if (!tensors[`${name}.${end}`]) throw new Error(`the weights lack ${name}.${end}`);
    return tensors[`${name}.${end}`];
  };
  const offsets = [];
  for (let row = 1 - h; row < h; row++) for (let column = 1 - w; column < w; column++) offsets.push(row, column);
  let y = linear(offsets, tensor("project.weight"), tensor("project.bias"));
  for (const i of [0, 1, 2]) {
    y = normalizeAndCut(y, tensor(`layers.${i}.0.weight`), tensor(`layers.${i}.0.bias`));
    y = linear(y, tensor(`layers.${i}.2.weight`), tensor(`layers.${i}.2.bias`));
  }
  const n = h * w, heads = y.length / (offsets.length / 2), out = new Float32Array(heads * n * n);
  for (let a = 0; a < n; a++)
    for (let b = 0; b < n; b++) {
      const row = Math.floor(a / w) - Math.floor(b / w) + h - 1, column = (a % w) - (b % w) + w - 1;
      const offset = row * (2 * w - 1) + column;
      for (let head = 0; head < heads; head++) out[(head * n + a) * n + b] = y[offset * heads + head];
    }
  return out;
}
