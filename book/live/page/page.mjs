// The page "Try it": the reader's choices, the network at work on them, and what it gives. Everything happens here and in
// the worker; nothing is sent anywhere.
import { Engine, isAble } from "./engine.mjs";
import { bytesOf, fromText } from "./files.mjs";
import { clusterShares, DRAWINGS, mark } from "./overlay.mjs";
import { bicubic, cut, decoded, painted, part } from "./picture.mjs";
import { FIRST, fromAddress, options, toAddress } from "./state.mjs";

const QUICK = 64; // pixels of a side while a knob is dragged
const WHOLE = 256; // and at most on request
const OF_NETWORK = { ratio: "keep_ratio", beta: "subsample", tau: "temperature", m: "neighbors", sampler: "sampling" };

const live = document.getElementById("live");
const find = (selector) => live.querySelector(selector);
const input = (name) => find(`[data-name="${name}"]`);
const view = (name) => find(`[data-view="${name}"]`);
const text = (name) => find(`[data-text="${name}"]`);
const button = (name) => find(`[data-do="${name}"]`);
const say = (words, state = live.dataset.state) => { find(".live-status").textContent = words; live.dataset.state = state; };

/** What is shown: the state of the controls, the file, its cut, the last result and where in the cut it lies. */
class Page {
  constructor({ wasm, worker, networks, pictures }) {
    this.state = fromAddress(location.hash);
    this.names = { networks, pictures };
    this.engine = new Engine(worker, wasm);
    this.files = new Map(); // name -> a decoded picture
    this.wanted = 0;
    this.connect();
  }

  // Start and controls

  connect() {
    const { networks, pictures } = this.names;
    input("network").append(...networks.map((name) => new Option(name)));
    input("picture").append(...Object.entries(pictures).map(([name, words]) => new Option(words, name)));
    input("other").append(new Option("this picture", ""), ...Object.entries(pictures).map(([name, words]) => new Option(words, name)));
    if (!networks.includes(this.state.network)) this.state.network = FIRST.network;
    for (const name of ["picture", "other"]) if (!(this.state[name] in pictures)) this.state[name] = FIRST[name];
    if (!(this.state.draw in DRAWINGS)) this.state.draw = FIRST.draw;
    for (const control of live.querySelectorAll("[data-name]:not([type=file])")) {
      if (control.type === "range") control.addEventListener("input", () => this.changed(control, true));
      control.addEventListener("change", () => this.changed(control, false));
    }
    input("file").addEventListener("change", () => input("file").files[0] && this.take(input("file").files[0]));
    button("reset").addEventListener("click", () => this.reset());
    button("whole").addEventListener("click", () => this.whole());
    button("cancel").addEventListener("click", () => this.engine.cancel());
    button("download").addEventListener("click", () => this.download());
    this.connectDrop(find("#live-drop"));
    this.connectQuery(view("inside"));
  }

  connectDrop(place) {
    for (const kind of ["dragover", "dragleave", "drop"])
      place.addEventListener(kind, (event) => {
        event.preventDefault();
        place.classList.toggle("live-over", kind === "dragover");
      });
    place.addEventListener("drop", ({ dataTransfer }) => dataTransfer.files[0] && this.take(dataTransfer.files[0]));
  }

  connectQuery(canvas) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect(), { width, height } = this.picture;
      const place = (at, from, length, n) => Math.min(n - 1, Math.max(0, Math.floor(((at - from) / length) * n)));
      this.query(place(event.clientY, box.top, box.height, height), place(event.clientX, box.left, box.width, width));
    });
    canvas.addEventListener("keydown", (event) => {
      if (!steps[event.key]) return;
      event.preventDefault();
      const [down, across] = steps[event.key], { row, column } = this.state;
      this.query(row + down, column + across);
    });
  }

  async start() {
    await this.network();
    await this.choose(this.state.picture);
  }

  /** A control has been moved; while it is `dragged`, a smaller part of the picture must do. */
  async changed(control, dragged) {
    const name = control.dataset.name;
    const value = control.type === "checkbox" ? control.checked : control.type === "range" || name === "side" ? Number(control.value) : control.value;
    this.state[name] = value;
    if (name === "draw" || name === "layer" || name === "split") { this.show(); return; }
    const wanted = this.want();
    this.controls();
    try {
      if (name === "network") await this.network();
      if (name === "picture") { await this.choose(value); return; }
      this.cut();
      await this.run(dragged ? QUICK : this.state.side);
    } catch (error) {
      this.failed(error, wanted);
    }
  }

  reset() {
    const wanted = this.want();
    const { picture, left, top } = this.state;
    this.state = { ...FIRST, ...(picture === "own" ? { picture, left, top } : {}) };
    this.start().catch((error) => this.failed(error, wanted));
  }

  /** Load the chosen network, and let its file say where the knobs stand. */
  async network() {
    const { network } = this.state;
    this.about = await this.engine.load(network, () => bytesOf(`${network}.safetensors`));
    input("layer").max = this.about.nLayers;
    this.state.layer = Math.min(Math.max(this.state.layer, 1), this.about.nLayers);
    this.controls();
  }

  /** Let the controls show the state. */
  controls() {
    for (const control of live.querySelectorAll("[data-name]:not([type=file])")) {
      const name = control.dataset.name, own = this.about?.[OF_NETWORK[name]], value = this.state[name] ?? own?.value ?? own;
      if (control.type === "checkbox") control.checked = value;
      else control.value = value;
      const output = control.nextElementSibling;
      if (output?.tagName === "OUTPUT") output.textContent = control.value;
    }
    history.replaceState(null, "", location.pathname + location.search + toAddress(this.state));
  }

  // The picture

  /** Take one of the pictures that come with the page. */
  async choose(name) {
    if (name !== "own") this.files.set(name, this.files.get(name) ?? (await decoded(new Blob([await bytesOf(`${name}.webp`)]))));
    this.state.picture = name;
    this.cut();
    await this.run(this.state.side);
  }

  /** Take the reader's own. */
  async take(file) {
    const wanted = this.want();
    try {
      this.files.set("own", await decoded(file));
      if (![...input("picture").options].some(({ value }) => value === "own")) input("picture").append(new Option("your own", "own"));
      Object.assign(this.state, { left: 0, top: 0 });
      await this.choose("own");
    } catch (error) {
      this.failed(error, wanted);
    }
  }

  /** Cut the picture as the controls say. */
  cut() {
    const { state } = this, file = this.files.get(state.picture);
    const limits = { left: Math.max(0, file.width - state.side), top: Math.max(0, file.height - state.side) };
    for (const [name, most] of Object.entries(limits)) {
      input(name).max = most;
      state[name] = Math.min(state[name], most);
      input(name).parentElement.hidden = most === 0;
    }
    this.picture = cut(file, state.side, state.left, state.top);
    state.row = Math.min(state.row, this.picture.height - 1);
    state.column = Math.min(state.column, this.picture.width - 1);
    this.controls();
  }

  query(row, column) {
    const wanted = this.want();
    this.state.row = Math.min(Math.max(row, 0), this.picture.height - 1);
    this.state.column = Math.min(Math.max(column, 0), this.picture.width - 1);
    this.cut();
    this.run(this.state.side).catch((error) => this.failed(error, wanted));
  }

  // The network at work

  /** Something is wanted, and what was wanted before no longer matters: its number. */
  want() {
    live.dataset.state = "working";
    this.wanted += 1;
    return this.wanted;
  }

  failed(error, wanted) {
    if (wanted === this.wanted) say(error.message, "failed");
  }

  /** Run the middle of the cut, `side` pixels of it at most, and show the result if nothing else is wanted since. */
  async run(side) {
    const { picture, state, wanted } = this, width = Math.min(side, picture.width), height = Math.min(side, picture.height);
    const left = Math.floor((picture.width - width) / 2), top = Math.floor((picture.height - height) / 2);
    const inside = (place, from, length) => Math.min(Math.max(place - from, 0), length - 1);
    const query = inside(state.row, top, height) * width + inside(state.column, left, width);
    const result = await this.upscaled(part(picture, left, top, width, height), query);
    if (!result) return;
    Object.assign(this, { result, region: { width, height, left, top } });
    this.show();
    if (wanted === this.wanted) say(`${width} × ${height} pixels became ${result.width} × ${result.height} in ${(result.ms / 1000).toFixed(2)} s.`, "done");
  }

  async upscaled(picture, query, onProgress) {
    const { other } = this.state, given = ({ rgb, width, height }) => ({ image: rgb, width, height });
    if (other && !this.files.has(other)) this.files.set(other, await decoded(new Blob([await bytesOf(`${other}.webp`)])));
    const read = other ? given(cut(this.files.get(other), this.state.side, 0, 0)) : null;
    const message = { name: this.state.network, query, options: options(this.state), other: read, ...given(picture) };
    return this.engine.run(message, onProgress);
  }

  /** Upscale the whole picture, or a cut of 256 pixels where it is larger, with progress. */
  async whole() {
    const { left, top, picture } = this.state, large = cut(this.files.get(picture), WHOLE, left, top);
    const bar = find("progress"), busy = (is) => { bar.hidden = button("cancel").hidden = !is; button("whole").disabled = is; };
    busy(true);
    bar.value = 0;
    const wanted = this.want();
    say("The network is at work.");
    try {
      const result = await this.upscaled(large, 0, (share) => { bar.value = share; });
      if (!result) return;
      Object.assign(this, { picture: large, result, region: { width: large.width, height: large.height, left: 0, top: 0 } });
      this.show();
      say(`${large.width} × ${large.height} pixels became ${result.width} × ${result.height} in ${(result.ms / 1000).toFixed(1)} s.`, "done");
    } catch (error) {
      if (error.message === "cancelled") say("Cancelled.", "done");
      else this.failed(error, wanted);
    } finally {
      busy(false);
    }
  }

  download() {
    const link = Object.assign(document.createElement("a"), { download: `${this.state.picture}-${this.state.network}.png` });
    const result = this.enlarged();
    result.toBlob((blob) => {
      link.href = URL.createObjectURL(blob);
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }

  // What is shown

  enlarged() {
    const { upscaled, width, height } = this.result;
    return painted({ rgb: upscaled, width, height });
  }

  show() {
    this.controls();
    if (!this.result) return;
    this.showCompared();
    this.showInside();
    this.showRead();
    const { result, region } = this, layer = result.layers[this.state.layer - 1], { k, m, sample } = layer;
    text("measured").textContent =
      `K = ${k} of ${region.width * region.height} tokens, S = ${sample.length}, m = ${m}; ` +
      `${Math.round(result.ms)} ms, ${(result.bytes / 2 ** 20).toFixed(0)} MiB of memory.`;
  }

  /** Bicubic beneath, SAT above it from the slider on. */
  showCompared() {
    const { picture, region, about: { scale }, state: { split } } = this;
    const smooth = painted(bicubic(picture, scale)), sharp = view("sat"), under = view("bicubic");
    for (const canvas of [sharp, under]) Object.assign(canvas, { width: smooth.width, height: smooth.height });
    under.getContext("2d").drawImage(smooth, 0, 0);
    sharp.getContext("2d").drawImage(this.enlarged(), scale * region.left, scale * region.top);
    sharp.style.clipPath = `inset(0 0 0 ${split}%)`;
    find(".live-line").style.left = `${split}%`;
    under.setAttribute("aria-label", `The picture enlarged ${scale} times by bicubic interpolation`);
    sharp.setAttribute("aria-label", `The same by ${this.state.network}, over the right ${100 - split} percent`);
  }

  showInside() {
    const { picture, region, state } = this, canvas = view("inside"), zoom = Math.max(2, Math.round(768 / picture.width));
    const context = Object.assign(canvas, { width: zoom * picture.width, height: zoom * picture.height }).getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(painted(picture), 0, 0, canvas.width, canvas.height);
    const layer = this.result.layers[state.layer - 1], swapped = Boolean(state.other);
    if (!swapped) DRAWINGS[state.draw].draw(context, layer, region, zoom);
    mark(context, state.row, state.column, zoom);
    text("drawn").textContent = swapped
      ? `The input. Its tokens are not read, so nothing is drawn; the pixel at row ${state.row}, column ${state.column} is marked.`
      : `The input, with ${DRAWINGS[state.draw].words}, in layer ${state.layer}; the pixel at row ${state.row}, column ${state.column} is marked.`;
  }

  /** The five clusters that the query reads most. */
  showRead() {
    const layer = this.result.layers[this.state.layer - 1], share = clusterShares(layer);
    const width = this.state.other ? null : this.region.width;
    const most = Array.from(share.keys()).sort((a, b) => share[b] - share[a]).slice(0, 5);
    const place = (token) => `row ${this.region.top + Math.floor(token / width)}, column ${this.region.left + (token % width)}`;
    find(".live-read tbody").replaceChildren(...most.map((cluster) => {
      const row = document.createElement("tr");
      const cells = [width ? place(layer.centers[cluster]) : `number ${cluster + 1}`, layer.counts[cluster], `${(100 * share[cluster]).toFixed(1)} %`];
      row.append(...cells.map((words) => Object.assign(document.createElement("td"), { textContent: words })));
      return row;
    }));
  }
}

/** Begin, or say what is missing. `given` is what the build has put into the page's script. */
export async function begin(given) {
  const wasm = fromText(given.wasm).buffer;
  if (!isAble(wasm)) {
    live.classList.add("live-unable");
    say("This browser has no WebAssembly with SIMD, which the network needs here. Chapters 2 to 8 show the same as pictures.", "unable");
    return;
  }
  try {
    const page = new Page({ ...given, wasm });
    await page.start();
  } catch (error) {
    say(error.message, "failed");
  }
}
