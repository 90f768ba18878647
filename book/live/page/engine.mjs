// The worker, asked by the page. Of runs that are asked for while one is at work only the last is done.

/** Whether this browser has what the kernels need: WebAssembly with 128-bit SIMD. */
export const isAble = (wasm) => typeof WebAssembly === "object" && WebAssembly.validate(wasm);

export class Engine {
  /** `source` is the worker's script, a text: a page that is opened as a file may start no other. */
  constructor(source, wasm) {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    Object.assign(this, { wasm, worker: new Worker(url), next: 0, current: null });
    Object.assign(this, { asked: new Map(), networks: new Map() }); // by number, and by name
    this.worker.addEventListener("message", ({ data }) => this.heard(data));
  }

  heard({ id, value, error, progress }) {
    const { resolve, reject, onProgress } = this.asked.get(id);
    if (progress !== undefined) { onProgress?.(progress); return; }
    this.asked.delete(id);
    error === undefined ? resolve(value) : reject(new Error(error));
  }

  ask(message, onProgress) {
    const id = this.next++;
    const answer = new Promise((resolve, reject) => this.asked.set(id, { resolve, reject, onProgress }));
    this.worker.postMessage({ id, ...message });
    return { id, answer };
  }

  /** Load a network once: what its file says of it. `bytes` gives the file's bytes. */
  load(name, bytes) {
    if (!this.networks.has(name)) {
      const loading = bytes().then((weights) => this.ask({ task: "load", name, wasm: this.wasm, weights }).answer);
      loading.catch(() => this.networks.delete(name)); // it may be tried again
      this.networks.set(name, loading);
    }
    return this.networks.get(name);
  }

  /** Run, after what is at work; null where another run has been asked for since. */
  async run(message, onProgress) {
    const mine = (this.last = Symbol());
    while (this.current) await this.current.answer.catch(() => {});
    if (this.last !== mine) return null;
    this.current = this.ask({ task: "run", ...message }, onProgress);
    try {
      return await this.current.answer;
    } finally {
      this.current = null;
    }
  }

  /** End the run that is at work; its answer is the error "Cancelled.". */
  cancel() {
    if (this.current) this.worker.postMessage({ cancel: this.current.id });
  }
}
