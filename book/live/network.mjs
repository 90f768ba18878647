// SAT in a browser: satlib/network/model.py, blocks.py and attention.py on the kernels of sat.wasm. It reads satlib's
// own files, and gives what `satlib.SAT` gives in eval mode, but for rounding.
//
// Shapes: H x W pixels of I channels, N = H*W tokens in raster order, C channels, K aggregated tokens, s the scale.
// Arrays in the kernels' memory are known by their addresses; all of them are rows of tokens, (N, C), which is also
// (H, W, C).
import { checked } from "./config.mjs";
import { aggregate } from "./dta.mjs";
import { Kernels } from "./memory.mjs";
import { positionBias } from "./position_bias.mjs";
import { evalSample, nCenters, nSamples } from "./sampler.mjs";
import { laidOut, parse } from "./weights.mjs";

const RGB_MEAN = [0.4488, 0.4371, 0.4040].map(Math.fround); // mean colour of DIV2K
const NEVER = -1e9; // a logit whose exponential is 0
const MAX_SIDE = 256;

/** A network, ready to run. */
export class Network {
  /** `module` is sat.wasm, a WebAssembly.Module; `weights` the bytes of a .safetensors file, an ArrayBuffer. */
  constructor(module, weights) {
    const { config, tensors } = parse(weights);
    this.config = config;
    this.nLayers = config.selective === "none" ? 0 : config.groups.reduce((a, b) => a + b);
    this.kernels = new Kernels(module);
    this.weights = new Map(); // name -> {at, size}
    this.samples = new Map();
    const keep = (name, values) => this.weights.set(name, { at: this.kernels.put(values), size: values.length });
    for (const [name, tensor] of Object.entries(tensors)) if (!name.includes(".biases.")) keep(name, laidOut(tensor));
    const [h, w] = config.window;
    config.groups.forEach((pairs, group) => {
      for (let pair = 0; pair < pairs; pair++)
        for (const half of [0, 1]) {
          const name = `groups.${group}.blocks.${2 * pair}.attention.biases.${half}`;
          keep(name, positionBias(tensors, name, half ? [w, h] : [h, w]));
        }
    });
  }

  /**
   * Upscale an image, in steps: a generator that yields the share of the work that is done, and returns
   * {upscaled (sH, sW, I), height, width, layers, bytes}; a layer is what one SAA layer chose, as `describe` says.
   *
   * `image` (H, W, I) is a Float32Array in [0, 1], of 256 x 256 pixels at most. `options` are fields of the
   * configuration to change, `query` is the token whose reading is kept, and `read` may be the layers of another run,
   * whose tokens are read in place of the image's own.
   */
  *run({ image, height, width, options = {}, query = 0, read = null }) {
    if (!(height >= 1 && width >= 1 && height <= MAX_SIDE && width <= MAX_SIDE))
      throw new RangeError(`a picture has 1 to ${MAX_SIDE} pixels on a side, got ${width} x ${height}`);
    const numbers = this.config.in_channels * height * width;
    if (image.length !== numbers)
      throw new RangeError(`a picture of ${width} x ${height} pixels has ${numbers} numbers here, got ${image.length}`);
    const config = checked({ ...this.config, ...options });
    const before = this.kernels.call.mark();
    try {
      return yield* new Run(this, config, height, width, query, read).whole(image);
    } catch (error) {
      throw this.kernels.explained(error);
    } finally {
      this.kernels.call.release(before);
    }
  }

  /** The address of a tensor that must have `size` numbers. */
  weight(name, size) {
    const found = this.weights.get(name);
    if (!found) throw new Error(`the weights lack ${name}`);
    if (found.size !== size) throw new Error(`${name} has ${found.size} numbers, not ${size}`);
    return found.at;
  }

  /** The samples of all layers on a grid; those of the last few are kept. */
  sample(config, layer, height, width, size, k) {
    const { seed, sampling } = config, key = [seed, layer, sampling, height, width, size, k].join();
    if (this.samples.size > 8 * this.nLayers) this.samples.clear();
    if (!this.samples.has(key))
      this.samples.set(key, evalSample({ seed, layer, sampling, height, width, size, k }));
    return this.samples.get(key);
  }
}

/** One image on its way through a network. */
class Run {
  constructor(network, config, height, width, query, read) {
    Object.assign(this, { network, config, height, width, query, read, kernels: network.kernels, layers: [] });
    this.n = height * width;
  }

  *whole(image) {
    const { in_channels: I, channels: C, groups, scale } = this.config, { call } = this.kernels;
    const mean = I === 3 ? RGB_MEAN : Array(I).fill(0);
    const centred = this.kernels.put(image.map((value, i) => value - mean[i % I]));
    const shallow = this.conv(centred, "head", I, C);
    let x = this.norm(shallow, "norm_in");
    for (let group = 0; group < groups.length; group++) x = yield* this.group(x, group);
    const deep = this.conv(this.norm(x, "norm_out"), "body_conv", C, C);
    call.add(this.n, C, deep, shallow, 0);
    const out = this.upsample(deep);
    const beside = scale === 1 ? (i) => image[i] : (i) => mean[i % I]; // what the network adds its result to
    const upscaled = this.kernels.readFloats(out, I * scale ** 2 * this.n).map((value, i) => value + beside(i));
    const { height, width, layers } = this;
    return { upscaled, height: scale * height, width: scale * width, layers, bytes: this.kernels.bytes };
  }

  /** Pairs of a local and a selective aggregation block, a convolution, and the group's input. */
  *group(x, group) {
    const { channels: C, groups } = this.config, name = `groups.${group}`, y = this.copy(x);
    const first = groups.slice(0, group).reduce((a, b) => a + b, 0), all = groups.reduce((a, b) => a + b);
    for (let pair = 0; pair < groups[group]; pair++) {
      const shifted = (group + pair) % 2;
      this.block(y, `${name}.blocks.${2 * pair}`, (z, at) => this.windowAttention(z, at, shifted));
      yield (first + pair + 0.4) / all;
      const selective = (z, at) => this.selectiveAttention(z, at, first + pair);
      this.block(y, `${name}.blocks.${2 * pair + 1}`, this.config.selective === "none" ? null : selective);
      yield (first + pair + 1) / all;
    }
    const out = this.conv(y, `${name}.conv`, C, C);
    this.kernels.call.add(this.n, C, out, x, 0);
    return out;
  }

  /** y becomes its block: attention and gated MLP, each of the normalised input, and the input times gamma. */
  block(y, name, attention) {
    const { channels: C } = this.config, { call } = this.kernels;
    this.kernels.scope(() => {
      const x = this.copy(y);
      if (attention) {
        const read = () => attention(this.norm(x, `${name}.norm1`), `${name}.attention`);
        this.kernels.scope(() => call.add(this.n, C, y, read(), 0));
      }
      call.add(this.n, C, y, this.gatedMlp(this.norm(y, `${name}.norm2`), `${name}.mlp`), 0);
      call.add(this.n, C, y, x, this.network.weight(`${name}.gamma`, C));
    });
  }

  /** Linear, GELU; half of the channels gated by a depthwise convolution of the other half; Linear. */
  gatedMlp(x, name) {
    const { channels: C, mlp_ratio: ratio, gate_kernel: side } = this.config, { call } = this.kernels;
    const half = Math.trunc(C * ratio) / 2, N = this.n;
    const hidden = this.linear(x, N, `${name}.expand`, C, 2 * half);
    call.gelu(N * 2 * half, hidden);
    const gate = this.kernels.take(N * half), gated = this.kernels.take(N * half);
    const [gain, shift] = ["weight", "bias"].map((end) => this.network.weight(`${name}.norm.${end}`, half));
    call.layer_norm(N, half, hidden + 4 * half, 2 * half, gate, half, gain, shift);
    this.depthwise(gate, half, gated, `${name}.gate`, half, side);
    call.multiply(N, half, gated, half, hidden, 2 * half);
    return this.linear(gated, N, `${name}.reduce`, half, C);
  }

  /** Attention in h x w windows with the first half of the channels, in w x h windows with the second. */
  windowAttention(x, name, shifted) {
    const { channels: C, heads, window: [h, w], mask_padding: masked } = this.config, { call } = this.kernels;
    const qkv = this.linear(x, this.n, `${name}.qkv`, C, 3 * C, this.config.qkv_bias);
    const out = this.kernels.take(this.n * C), local = this.kernels.take(this.n * C);
    for (const half of [0, 1]) {
      const bias = this.network.weight(`${name}.biases.${half}`, (heads / 2) * (h * w) ** 2);
      const sides = half ? [w, h] : [h, w];
      call.windows(this.height, this.width, C, heads / 2, ...sides, half, shifted, masked, qkv, bias, out);
    }
    this.depthwise(qkv + 4 * 2 * C, 3 * C, local, `${name}.local`, C, 3); // of the values
    call.add(this.n, C, out, local, 0);
    return this.linear(out, this.n, `${name}.project`, C, C);
  }

  /** SAA: queries from all N tokens, keys and values from the K that DTA makes of them. */
  selectiveAttention(x, name, layer) {
    const { channels: C, heads, qk_ratio: ratio, qkv_bias: biased } = this.config, { call } = this.kernels;
    const d = Math.trunc(C * ratio), N = this.n;
    const { tokens, counts, described } = this.tokens(x, layer), K = counts.length;
    const query = this.linear(x, N, `${name}.query`, C, d, biased);
    const key = this.linear(tokens, K, `${name}.key`, C, d, biased);
    const value = this.linear(tokens, K, `${name}.value`, C, C, biased);
    const logit = (count) => (count === 0 ? NEVER : this.config.size_bias ? Math.log(count) : 0);
    const bias = this.kernels.put(Float32Array.from(counts, logit)); // an empty cluster is never read
    const out = this.kernels.take(N * C), weights = this.kernels.take(heads * K);
    call.attend(N, K, heads, d / heads, C / heads, query, key, value, bias, out, this.query, weights);
    this.layers.push({ ...described, reading: this.kernels.readFloats(weights, heads * K) });
    return this.linear(out, N, `${name}.project`, C, C);
  }

  /** What a layer reads: tokens (K, C), an address; counts (K); and the rest of what is told of the layer. */
  tokens(x, layer) {
    const { channels: C } = this.config, N = this.n;
    if (this.read) {
      const other = this.read[layer];
      return { tokens: this.kernels.put(other.tokens), counts: other.counts, described: other };
    }
    if (this.config.selective === "exact") {
      const counts = new Int32Array(N).fill(1), places = counts.map((_, i) => i);
      const described = { k: N, m: 0, counts, centers: places, assignment: places, sample: places };
      return { tokens: x, counts, described };
    }
    const k = nCenters(N, this.config.keep_ratio), size = nSamples(N, k, this.config.subsample);
    const sample = this.network.sample(this.config, layer, this.height, this.width, size, k);
    const made = aggregate(this.kernels, x, N, C, sample, k, this.config);
    const described = this.describe(made, k, sample);
    return { tokens: made.tokens, counts: described.counts, described };
  }

  /** Copies of an aggregation: k and m, and arrays as satlib.dta.Aggregation has them, with `weight` (N,). */
  describe(made, k, sample) {
    const { kernels, n, config } = this, size = sample.length;
    return {
      k, m: made.m, sample,
      tokens: kernels.readFloats(made.tokens, k * config.channels),
      centers: kernels.readInts(made.centers, k),
      counts: kernels.readInts(made.counts, k),
      assignment: kernels.readInts(made.assignment, n),
      weight: kernels.readFloats(made.weight, n),
      density: kernels.readFloats(made.density, size),
      separation: kernels.readFloats(made.separation, size),
      score: kernels.readFloats(made.score, size),
    };
  }

  /** Convolve to the upsampler's channels and shuffle channels into pixels: at once, or in steps and to the image. */
  upsample(x) {
    const { in_channels: I, channels: C, upsampler_channels: F, upsampler, scale } = this.config;
    const { call } = this.kernels;
    let y = this.conv(x, "features.0", C, F), [h, w] = [this.height, this.width];
    call.leaky_relu(h * w * F, y);
    const steps = upsampler === "onestep" ? [scale] : scale === 3 ? [3] : Array(Math.log2(scale)).fill(2);
    const D = upsampler === "onestep" ? I : F;
    steps.forEach((step, i) => {
      const wide = this.conv(y, `upsampler.${2 * i}`, F, D * step ** 2, h, w);
      y = this.kernels.take(h * w * D * step ** 2);
      call.shuffle(h, w, D, step, wide, y);
      [h, w] = [step * h, step * w];
    });
    return upsampler === "onestep" ? y : this.conv(y, `upsampler.${2 * steps.length}`, F, I, h, w);
  }

  // What layers are made of: each gives a new array, but `depthwise`, which fills one.

  copy(x) {
    return this.kernels.put(this.kernels.readFloats(x, this.n * this.config.channels));
  }

  norm(x, name) {
    const { channels: C } = this.config, y = this.kernels.take(this.n * C);
    const [gain, shift] = ["weight", "bias"].map((end) => this.network.weight(`${name}.${end}`, C));
    this.kernels.call.layer_norm(this.n, C, x, C, y, C, gain, shift);
    return y;
  }

  linear(x, rows, name, from, to, biased = true) {
    const y = this.kernels.take(rows * to), weight = this.network.weight(`${name}.weight`, from * to);
    const bias = biased ? this.network.weight(`${name}.bias`, to) : 0;
    this.kernels.call.product(rows, to, from, x, from, weight, to, y, to, bias, 0);
    return y;
  }

  conv(x, name, from, to, h = this.height, w = this.width) {
    const y = this.kernels.take(h * w * to), weight = this.network.weight(`${name}.weight`, 9 * from * to);
    this.kernels.call.convolve(h, w, from, to, x, y, weight, this.network.weight(`${name}.bias`, to));
    return y;
  }

  depthwise(x, ldx, out, name, channels, side) {
    const weight = this.network.weight(`${name}.weight`, side * side * channels);
    const bias = this.network.weight(`${name}.bias`, channels);
    this.kernels.call.depthwise(this.height, this.width, channels, side, x, ldx, out, weight, bias);
  }
}
