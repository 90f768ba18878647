// The page "Try it", or a chapter's panel: the reader's choices, and the network at work on them. Everything happens here
// and in the worker; nothing is sent anywhere.
import { Engine, isAble } from "./engine.mjs";
import { bytesOf, fromText } from "./files.mjs";
import { DRAWINGS } from "../../../satlib/explore/overlay.mjs";
import { cut, decoded, part } from "./picture.mjs";
import { fromAddress, options, toAddress } from "./state.mjs";
import { enlarged, find, say, sayTime, show, view } from "./views.mjs";

const QUICK = 64; // pixels of a side while a knob is dragged
const WHOLE = 256; // and at most on request
const OF_NETWORK = { ratio: "keep_ratio", beta: "subsample", tau: "temperature", m: "neighbors", sampler: "sampling" };
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const page = document.getElementById("live");
const isPanel = "first" in page.dataset; // its state does not stand in the address, which is the chapter's
const first = fromAddress(page.dataset.first ?? "");
const controls = [...page.querySelectorAll("[data-name]:not([type=file])")];
const control = (name) => find(`[data-name="${name}"]`);
const button = (name) => find(`[data-do="${name}"]`);
const between = (value, least, most) => Math.min(Math.max(value, least), most);

/** The reader's choices (`state`), the files read so far, the cut (`picture`), the last result and its `region`. */
class Page {
  constructor({ wasm, worker, networks, pictures }) {
    Object.assign(this, { engine: new Engine(worker, wasm), files: new Map(), wanted: 0 });
    const entries = Object.entries(pictures).map(([name, words]) => [words, name]);
    control("network").append(...networks.map((name) => new Option(name)));
    control("picture").append(...entries.map((entry) => new Option(...entry)));
    control("other").append(new Option("this picture", ""), ...entries.map((entry) => new Option(...entry)));
    this.names = { networks, pictures };
    this.connect();
  }

  /** Take the state from the address; what it names must be there. */
  read() {
    const { networks, pictures } = this.names, state = (this.state = fromAddress(isPanel ? "" : location.hash, first));
    if (!networks.includes(state.network)) state.network = first.network;
    for (const name of ["picture", "other"]) if (!(state[name] in pictures)) state[name] = first[name];
    if (!(state.draw in DRAWINGS)) state.draw = first.draw;
    if (![...control("side").options].some(({ value }) => Number(value) === state.side)) state.side = first.side;
  }

  connect() {
    for (const each of controls) {
      if (each.type === "range") each.addEventListener("input", () => this.changed(each, true));
      each.addEventListener("change", () => this.changed(each, false));
    }
    const file = control("file");
    file.addEventListener("change", () => file.files[0] && this.take(file.files[0]));
    button("reset").addEventListener("click", () => this.reset());
    button("whole").addEventListener("click", () => this.whole());
    button("cancel").addEventListener("click", () => this.engine.cancel());
    button("download").addEventListener("click", () => this.download());
    this.connectDrop(find("#live-drop"));
    view("inside").addEventListener("click", (event) => this.clicked(event));
    view("inside").addEventListener("keydown", (event) => this.pressed(event));
    if (!isPanel) addEventListener("hashchange", () => location.hash.includes("=") && this.want(() => this.start()));
  }

  connectDrop(place) {
    for (const kind of ["dragover", "dragleave", "drop"])
      place.addEventListener(kind, (event) => {
        event.preventDefault();
        place.classList.toggle("live-over", kind === "dragover");
      });
    place.addEventListener("drop", ({ dataTransfer }) => dataTransfer.files[0] && this.take(dataTransfer.files[0]));
  }

  async start() {
    this.read();
    await this.network();
    await this.choose(this.state.picture);
  }

  // What the reader does

  /** Do what is wanted now. What was wanted before no longer matters, and neither does what becomes of it. */
  async want(work) {
    const wanted = (this.wanted += 1);
    page.dataset.state = "working";
    try {
      await work();
    } catch (error) {
      if (wanted === this.wanted) say(error.message, error.message === "Cancelled." ? "done" : "failed");
    }
  }

  /** A control has been moved; while it is `dragged`, a smaller part of the picture must do. */
  changed({ type, checked, value, dataset: { name } }, dragged) {
    this.state[name] = type === "checkbox" ? checked : type === "range" || name === "side" ? Number(value) : value;
    if (["draw", "layer", "split"].includes(name)) {
      this.show();
      return;
    }
    this.want(async () => {
      this.tell();
      if (name === "network") await this.network();
      if (name === "picture") await this.choose(value);
      else await this.again(dragged ? QUICK : this.state.side);
    });
  }

  clicked({ clientX, clientY }) {
    const box = view("inside").getBoundingClientRect(), { width, height } = this.picture;
    this.query(((clientY - box.top) / box.height) * height, ((clientX - box.left) / box.width) * width);
  }

  pressed(event) {
    if (!ARROWS[event.key]) return;
    event.preventDefault();
    const [down, across] = ARROWS[event.key];
    this.query(this.state.row + down, this.state.column + across);
  }

  query(row, column) {
    this.state.row = between(Math.floor(row), 0, this.picture.height - 1);
    this.state.column = between(Math.floor(column), 0, this.picture.width - 1);
    this.want(() => this.again(this.state.side));
  }

  reset() {
    const { picture, left, top } = this.state;
    this.state = { ...first, ...(picture === "own" ? { picture, left, top } : {}) };
    this.want(async () => {
      await this.network();
      await this.choose(this.state.picture);
    });
  }

  /** Take the reader's own picture. */
  take(file) {
    this.want(async () => {
      this.files.set("own", await decoded(file));
      const { options: names } = control("picture");
      if (![...names].some(({ value }) => value === "own")) control("picture").append(new Option("your own", "own"));
      Object.assign(this.state, { left: 0, top: 0 });
      await this.choose("own");
    });
  }

  download() {
    const link = document.createElement("a");
    enlarged(this.result).toBlob((blob) => {
      link.href = URL.createObjectURL(blob);
      link.download = `${this.state.picture}-${this.state.network}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }

  // Networks and pictures

  /** Load the chosen network, and let its file say where the knobs stand. */
  async network() {
    const { network } = this.state;
    this.about = await this.engine.load(network, () => bytesOf(`${network}.safetensors`));
    control("layer").max = this.about.nLayers;
    this.state.layer = between(this.state.layer, 1, this.about.nLayers);
    this.tell();
  }

  /** One of the pictures that come with the page, decoded; or the reader's own. */
  async file(name) {
    if (!this.files.has(name)) this.files.set(name, await decoded(new Blob([await bytesOf(`${name}.webp`)])));
    return this.files.get(name);
  }

  async choose(name) {
    await this.file(name);
    this.state.picture = name;
    await this.again(this.state.side);
  }

  /** Cut the picture as the controls say. */
  cut() {
    const { state } = this, file = this.files.get(state.picture);
    const limits = { left: Math.max(0, file.width - state.side), top: Math.max(0, file.height - state.side) };
    for (const [name, most] of Object.entries(limits)) {
      control(name).max = most;
      state[name] = Math.min(state[name], most);
      control(name).parentElement.hidden = most === 0;
    }
    this.picture = cut(file, state.side, state.left, state.top);
    state.row = Math.min(state.row, this.picture.height - 1);
    state.column = Math.min(state.column, this.picture.width - 1);
    this.tell();
  }

  // The network at work

  /** Run the middle of the cut, `side` pixels of it at most, and show the result unless another run was asked for. */
  async again(side) {
    this.cut();
    const { picture, state, wanted } = this;
    const width = Math.min(side, picture.width), height = Math.min(side, picture.height);
    const left = Math.floor((picture.width - width) / 2), top = Math.floor((picture.height - height) / 2);
    const row = between(state.row - top, 0, height - 1), column = between(state.column - left, 0, width - 1);
    const result = await this.run(part(picture, left, top, width, height), row * width + column);
    if (!result) return;
    Object.assign(this, { result, region: { width, height, left, top } });
    this.show();
    if (wanted === this.wanted) sayTime(this.region, result);
  }

  async run(picture, query, onProgress) {
    const { state } = this, given = ({ rgb, width, height }) => ({ image: rgb, width, height });
    const other = state.other ? given(cut(await this.file(state.other), state.side, 0, 0)) : null;
    const message = { name: state.network, query, options: options(state), other, ...given(picture) };
    return this.engine.run(message, onProgress);
  }

  /** Upscale the whole picture, or a cut of 256 pixels where it is larger, with progress. */
  whole() {
    const { left, top, picture, row, column } = this.state, large = cut(this.files.get(picture), WHOLE, left, top);
    const bar = find("progress");
    const busy = (is) => {
      bar.hidden = button("cancel").hidden = !is;
      button("whole").disabled = is;
    };
    this.want(async () => {
      busy(true);
      bar.value = 0;
      say("The network is at work.");
      const query = Math.min(row, large.height - 1) * large.width + Math.min(column, large.width - 1);
      const result = await this.run(large, query, (share) => { bar.value = share; }).finally(() => busy(false));
      if (!result) return;
      Object.assign(this, { picture: large, result, region: { ...large, left: 0, top: 0 } });
      this.show();
      sayTime(large, result);
    });
  }

  // What is shown

  /** Let the controls and the address tell of the state. */
  tell() {
    for (const each of controls) {
      const { name } = each.dataset, own = this.about?.[OF_NETWORK[name]];
      const value = this.state[name] ?? own?.value ?? own;
      if (each.type === "checkbox") each.checked = value;
      else each.value = value;
      if (each.nextElementSibling?.tagName === "OUTPUT") each.nextElementSibling.textContent = each.value;
    }
    if (isPanel) return;
    const heading = location.hash.includes("=") ? "" : location.hash; // a link to a part of the page stays
    history.replaceState(null, "", location.pathname + location.search + (toAddress(this.state) || heading));
  }

  show() {
    this.tell();
    const { picture, region, result, state } = this;
    if (result) show({ picture, region, result, state, scale: this.about.scale });
  }
}

/** Begin, or say what is missing. `given` is what the build has put into the page's script. */
export async function begin(given) {
  const wasm = fromText(given.wasm).buffer;
  if (!isAble(wasm)) {
    page.classList.add("live-unable");
    const instead = isPanel ? "The figures of this chapter show" : "Chapters 2 to 8 show";
    say(`This browser has no WebAssembly with SIMD, which the network needs. ${instead} its work.`, "unable");
    return;
  }
  const made = new Page({ ...given, wasm });
  await made.want(() => made.start());
}
