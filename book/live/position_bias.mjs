// Dynamic position bias, PositionBias of satlib/network/attention.py: a small network from the offset of two tokens,
// query minus key, to one logit for each head. It depends on the weights alone, so it runs once, when they are read.

const relu = (x) => x.map((v) => Math.max(v, 0));

function layerNorm(x, gain, shift) {
  const mean = x.reduce((a, b) => a + b) / x.length;
  const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
  return x.map((v, i) => ((v - mean) / Math.sqrt(variance + 1e-5)) * gain[i] + shift[i]);
}

function linear(x, { shape: [outs, ins], data }, bias) {
  return Array.from({ length: outs }, (_, o) => x.reduce((sum, v, i) => sum + v * data[o * ins + i], bias[o]));
}

/** The bias of each pair of tokens in an h x w window, (heads, n, n); `name` begins the names of its tensors. */
export function positionBias(tensors, name, [h, w]) {
  const tensor = (end) => {
    if (!tensors[`${name}.${end}`]) throw new Error(`the weights lack ${name}.${end}`);
    return tensors[`${name}.${end}`];
  };
  const bias = (offset) => {
    let y = linear(offset, tensor("project.weight"), tensor("project.bias").data);
    for (const i of [0, 1, 2]) {
      y = relu(layerNorm(y, tensor(`layers.${i}.0.weight`).data, tensor(`layers.${i}.0.bias`).data));
      y = linear(y, tensor(`layers.${i}.2.weight`), tensor(`layers.${i}.2.bias`).data);
    }
    return y;
  };
  const table = []; // by offset, from (1 - h, 1 - w) on
  for (let row = 1 - h; row < h; row++) for (let column = 1 - w; column < w; column++) table.push(bias([row, column]));
  const n = h * w, heads = table[0].length, out = new Float32Array(heads * n * n);
  for (let a = 0; a < n; a++)
    for (let b = 0; b < n; b++) {
      const row = Math.floor(a / w) - Math.floor(b / w) + h - 1, column = (a % w) - (b % w) + w - 1;
      const logits = table[row * (2 * w - 1) + column];
      for (let head = 0; head < heads; head++) out[(head * n + a) * n + b] = logits[head];
    }
  return out;
}
