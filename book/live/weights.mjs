// A .safetensors file as satlib writes it: the configuration and the tensors.
import { parseConfig } from "./config.mjs";

/** A float16 number from its bits. */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
}

/** The configuration once more, for programs that drop the header. */
const CONFIG_TENSOR = "satlib_config";

const READERS = {
  F16: (bytes) => Float32Array.from(new Uint16Array(bytes), half),
  F32: (bytes) => new Float32Array(bytes),
};

/** {config, tensors: {name: {shape, data}}} of a file's bytes, an ArrayBuffer; an Error that says what is wrong. */
export function parse(buffer) {
  const { __metadata__: about = {}, ...entries } = header(buffer);
  if (about.format !== "satlib" || !about.config) throw new Error("the file was not written by satlib");
  const start = 8 + Number(new DataView(buffer).getBigUint64(0, true)), tensors = {};
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(entries)) {
    if (start + to > buffer.byteLength) throw new Error("the file is cut off");
    if (name === CONFIG_TENSOR) continue;
    if (!READERS[dtype]) throw new Error(`${name} has the type ${dtype}, which is not known here; F16 and F32 are`);
    tensors[name] = { shape, data: READERS[dtype](buffer.slice(start + from, start + to)) };
  }
  return { config: parseConfig(about.config), tensors };
}

function header(buffer) {
  try {
    const length = Number(new DataView(buffer).getBigUint64(0, true));
    return JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  } catch {
    throw new Error("the file is no safetensors file");
  }
}

/**
 * A tensor as the kernels take it, with what is summed over first: linear (out, in) -> (in, out); convolutions
 * (out, in, k, k) -> (k, k, in, out), and where each channel is by itself (c, 1, k, k) -> (k, k, c).
 */
export function laidOut({ shape, data }) {
  if (shape.length < 2) return data;
  const [outs, ins] = shape, taps = shape.length === 4 ? shape[2] * shape[3] : 1, out = new Float32Array(data.length);
  for (let o = 0; o < outs; o++)
    for (let i = 0; i < ins; i++)
      for (let tap = 0; tap < taps; tap++) out[(tap * ins + i) * outs + o] = data[(o * ins + i) * taps + tap];
  return out;
}
