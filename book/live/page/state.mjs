// What the reader has chosen, and how it stands in the address, behind the #, so that a view can be linked to.

/** The knobs and choices with what they are at first. A knob of the network that is null is as its file says. */
export const FIRST = {
  network: "sat-tiny-x2", picture: "coffee", side: 96, left: 0, top: 0, ratio: null, beta: null, tau: null, m: null,
  sampler: null, logn: false, draw: "centers", layer: 1, row: 48, column: 48, split: 50, other: "",
};

const INTEGERS = ["side", "left", "top", "layer", "row", "column", "split"];

/** The state that an address tells of; what is missing or makes no sense in it is as at first. */
export function fromAddress(hash, first = FIRST) {
  const state = { ...first };
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    if (!(name in FIRST)) continue;
    const isText = typeof FIRST[name] === "string" || name === "sampler", number = Number(text);
    if (name === "logn") state.logn = text === "true";
    else if (isText) state[name] = text;
    else if (text !== "" && Number.isFinite(number) && number >= 0) {
      state[name] = INTEGERS.includes(name) ? Math.trunc(number) : number;
    }
  }
  return state;
}

/** What stands in the address for a state: what differs from the first one. The reader's own picture cannot. */
export function toAddress(state, first = FIRST) {
  const changed = Object.entries(state).filter(([name, value]) => value !== first[name] && value !== null);
  const told = changed.filter(([name, value]) => !(name === "picture" && value === "own"));
  return told.length ? `#${new URLSearchParams(told)}` : "";
}

/** The options of the network that the knobs change. */
export function options({ ratio, beta, tau, m, sampler, logn }) {
  const chosen = { keep_ratio: ratio, subsample: beta, temperature: tau, sampling: sampler, size_bias: logn || null };
  if (m !== null) chosen.neighbors = { value: m, share: true };
  return Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== null));
}
