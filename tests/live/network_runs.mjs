// What tests/live/test_network.py and test_sampler.py call, by tests/javascript.py.
import { checked, DEFAULTS, parseConfig } from "../../book/live/config.mjs";
import { Network } from "../../book/live/network.mjs";
import { evalSample } from "../../book/live/sampler.mjs";
import { parse } from "../../book/live/weights.mjs";

/** Samples, each for {seed, a text; layer, sampling, height, width, size, k}. */
export const samples = (cases) => cases.map((c) => evalSample({ ...c, seed: BigInt(c.seed) }));

export const defaults = () => DEFAULTS;
export const configuration = (text) => {
  const { seed, ...config } = parseConfig(text);
  return { ...config, seed: String(seed) };
};
export const check = (config) => checked({ ...config, seed: 0n }) && null;
export const tensors = (buffer) => parse(buffer).tensors;

/** Run a generator to its end: what it returns, and what it yielded. */
function finished(steps) {
  const progress = [];
  for (;;) {
    const { value, done } = steps.next();
    if (done) return { ...value, progress };
    progress.push(value);
  }
}

/** The results of some images, one after the other, by one network. */
export async function upscale(wasm, weights, images) {
  const network = new Network(await WebAssembly.compile(wasm), weights), before = network.kernels.call.mark();
  const results = images.map((image) => finished(network.run(image)));
  if (network.kernels.call.mark() !== before) throw new Error("a run keeps memory");
  return results;
}

/** What a run says that finds only `left` bytes, and what the next one gives that finds all. */
export async function crowded(wasm, weights, left, image) {
  const network = new Network(await WebAssembly.compile(wasm), weights), { call } = network.kernels;
  const before = call.mark();
  call.alloc(512 * 2 ** 20 - before - left);
  try {
    finished(network.run(image));
  } catch (error) {
    call.release(before);
    return { words: `${error.name}: ${error.message}`, ...finished(network.run(image)) };
  }
  throw new Error("memory has no end");
}

/** The result of one image that reads the tokens of another. */
export async function swapped(wasm, weights, image, other) {
  const network = new Network(await WebAssembly.compile(wasm), weights);
  return finished(network.run({ ...image, read: finished(network.run(other)).layers }));
}
