// The memory of the kernels, sat.wasm: a stack of arrays, which are known by their addresses.

/** The kernels of a compiled module, each running in a memory of its own. What is taken is given back by `scope`. */
export class Kernels {
  constructor(module) {
    this.call = new WebAssembly.Instance(module).exports;
  }

  /** Bytes that are held, 512 MiB at most. */
  get bytes() { return this.call.memory.buffer.byteLength; }

  /** An array of n numbers; what it holds is not set. */
  take(n) { return this.call.alloc(4 * n); }

  /** A copy of a Float32Array or Int32Array. */
  put(values) {
    const at = this.take(values.length);
    new values.constructor(this.call.memory.buffer, at, values.length).set(values);
    return at;
  }

  /** n numbers at an address, as they are; to be used before memory grows. */
  floats(at, n) { return new Float32Array(this.call.memory.buffer, at, n); }

  /** Copies of n numbers at an address. */
  readFloats(at, n) { return this.floats(at, n).slice(); }
  readInts(at, n) { return new Int32Array(this.call.memory.buffer, at, n).slice(); }

  /** Run a function, and free all that it has taken. */
  scope(run) {
    const before = this.call.mark();
    const result = run();
    this.call.release(before);
    return result;
  }

  /** An error in words: of memory that is full, where a trap has meant that. */
  explained(error) {
    const isFull = error instanceof WebAssembly.RuntimeError && this.call.full();
    return isFull ? new RangeError("the picture needs more than 512 MiB, the most that this page takes") : error;
  }
}
