// Density-driven token aggregation: N tokens become K, in six steps. Read it beside satlib/dta/aggregation.py.
//
// Shapes: N tokens of C channels, S sampled tokens, K centres, m neighbours.
import { place } from "./config.mjs";
import { nNeighbors } from "./sampler.mjs";

/**
 * Aggregate tokens x (N, C), an address, into k. `sample` (S,) is an Int32Array. Returns addresses, all above the
 * stack's mark: tokens (K, C), centers (K), assignment (N), counts (K), density, separation, score (S) and weight (N),
 * how much of each token is in its cluster's; and m.
 */
export function aggregate(kernels, x, N, C, sample, k, config) {
  const { call } = kernels, S = sample.length, m = nNeighbors(config.neighbors, k, S);
  const sampled = kernels.put(sample), unit = kernels.take(S * C);
  call.normalize(S, C, x, sampled, unit);
  const density = kernels.take(S), separation = kernels.take(S);
  call.density(S, C, unit, m, density);
  call.separation(S, C, unit, density, separation);
  const rho = kernels.readFloats(density, S), delta = kernels.readFloats(separation, S);
  const score = kernels.put(rho.map((value, i) => value * delta[i]));
  const order = kernels.take(S);
  call.highest(S, score, order);
  const centers = kernels.put(kernels.readInts(order, k).map((place) => sample[place]));
  const centerUnit = kernels.take(k * C), assignment = kernels.take(N);
  call.normalize(k, C, x, centers, centerUnit);
  call.assign(N, C, x, k, centerUnit, assignment);
  const tokens = kernels.take(k * C), counts = kernels.take(k), weight = kernels.take(N);
  const method = place("aggregation", config.aggregation), norm = place("norm_restoration", config.norm_restoration);
  call.merge(N, C, x, k, centers, centerUnit, assignment, method, config.temperature, tokens, counts, weight);
  call.restore_norm(N, C, x, k, assignment, counts, norm, tokens);
  return { tokens, centers, assignment, counts, density, separation, score, weight, m };
}
