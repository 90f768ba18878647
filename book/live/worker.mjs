// The network in a thread of its own. It answers messages {id, task, ...} with {id, value} or {id, error}, and tells
// how far it is with {id, progress}; the message {cancel: id} ends that run.
import { Network } from "./network.mjs";

const LARGE = 64 * 2 ** 20; // bytes; memory never shrinks, so a network that holds more is made anew

const networks = new Map(); // name -> {network, weights}
let module = null, cancelled = null;

/** Let messages come in. */
const pause = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { port1.close(); resolve(); };
  port2.postMessage(null);
});

const tasks = {
  /** Make a network of a file's bytes. A tiny run looks for what it lacks, and lets the browser compile. */
  async load({ name, wasm, weights }) {
    module ??= await WebAssembly.compile(wasm);
    const network = new Network(module, weights);
    for (const side of [1, 16]) {
      const image = new Float32Array(network.config.in_channels * side ** 2);
      const steps = network.run({ image, height: side, width: side });
      while (!steps.next().done);
    }
    networks.set(name, { network, weights });
    const { scale, keep_ratio, subsample, temperature, neighbors, sampling, size_bias } = network.config;
    return { scale, nLayers: network.nLayers, keep_ratio, subsample, temperature, neighbors, sampling, size_bias };
  },

  /** Upscale a picture; with `other`, a picture {image, height, width}, by reading that one's tokens. */
  async run({ id, name, other, ...picture }) {
    const start = performance.now(), { network, weights } = networks.get(name);
    const read = other ? (await finish(id, network.run({ ...other, options: picture.options }))).layers : null;
    const result = await finish(id, network.run({ ...picture, read }));
    if (result.bytes > LARGE) networks.set(name, { network: new Network(module, weights), weights });
    return { ...result, ms: performance.now() - start };
  },
};

async function finish(id, steps) {
  for (;;) {
    const { value, done } = steps.next();
    if (done) return value;
    postMessage({ id, progress: value });
    await pause();
    if (cancelled === id) {
      steps.return();
      throw new Error("Cancelled.");
    }
  }
}

addEventListener("message", async ({ data }) => {
  if ("cancel" in data) { cancelled = data.cancel; return; }
  try {
    postMessage({ id: data.id, value: await tasks[data.task](data) });
  } catch (error) {
    postMessage({ id: data.id, error: error.message });
  }
});
