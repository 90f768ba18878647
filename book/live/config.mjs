// The configuration of a network, from the header of its file: what satlib/config.py knows, and nothing that this
// implementation does not have.

/** The fields that a file may leave out, as older ones do, and what they then are. */
export const DEFAULTS = {
  in_channels: 3, channels: 228, groups: [2, 2, 2, 3, 3, 3, 3, 3], heads: 6, mlp_ratio: 2, gate_kernel: 7,
  qkv_bias: true, window: [8, 32], position_channels: null, qk_ratio: 0.5, keep_ratio: 0.03, subsample: 4, neighbors: 0.1,
  selective: "aggregate", aggregation: "similarity", temperature: 0.1, norm_restoration: "max", sampling: "stratified",
  size_bias: false, mask_padding: true, upsampler: "classic", upsampler_channels: 64, drop_path: 0.1, seed: 0,
};
const CHOICES = {
  scale: [1, 2, 3, 4, 8],
  selective: ["aggregate", "exact", "none"],
  aggregation: ["similarity", "mean", "center"],
  norm_restoration: ["max", "mean", "none"],
  sampling: ["stratified", "strips", "grid", "random"],
  upsampler: ["classic", "onestep"],
  qkv_bias: [true, false],
  size_bias: [true, false],
  mask_padding: [true, false],
};
/** Numbers, and between what they are. */
const RANGES = {
  in_channels: [1, 16], channels: [1, 1024], heads: [2, 64], mlp_ratio: [0.01, 100], gate_kernel: [1, 31],
  qk_ratio: [0.01, 100], keep_ratio: [1e-9, 1], subsample: [1, 1e9], temperature: [1e-6, 1e9], upsampler_channels: [1, 1024],
};

/** The place of a choice, as dta.c counts them. */
export const place = (field, value) => CHOICES[field].indexOf(value);

/**
 * Read the JSON text of a configuration. Two numbers are more than JavaScript's JSON tells: `neighbors` is a share
 * where it is written with a point, and becomes {value, share}; `seed` may have 63 bits, and becomes a BigInt.
 */
export function parseConfig(text) {
  const written = (name) => new RegExp(`"${name}"\\s*:\\s*([^,}\\s]+)`).exec(text)?.[1] ?? String(DEFAULTS[name]);
  const neighbors = { value: Number(written("neighbors")), share: /[.e]/i.test(written("neighbors")) };
  return checked({ ...DEFAULTS, ...JSON.parse(text), neighbors, seed: BigInt(written("seed")) });
}

/** Return a configuration after checking that this implementation has all of it; the error names what it lacks. */
export function checked(config) {
  for (const name of Object.keys(config))
    if (name !== "scale" && !(name in DEFAULTS)) throw new Error(`the option ${name} is not known here`);
  for (const [name, choices] of Object.entries(CHOICES))
    if (!choices.includes(config[name]))
      throw new Error(`${name} ${JSON.stringify(config[name])} is not known here; ${choices.join(", ")} are`);
  for (const [name, [least, most]] of Object.entries(RANGES))
    if (!(config[name] >= least && config[name] <= most))
      throw new Error(`${name} must be in ${least}..${most} here, got ${config[name]}`);
  if (!(config.neighbors.value > 0)) throw new Error(`neighbors must be positive, got ${config.neighbors.value}`);
  return config;
}
