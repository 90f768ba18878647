/* Density-driven token aggregation, from N tokens to K: the steps of satlib/dta/aggregation.py, one function each.
 *
 * Similarity is cosine. Similarities are made in blocks of rows and never kept whole.
 *
 * Shapes: N tokens of C channels, S sampled tokens, K centres, m neighbours.
 */
#include "simd.h"

/* Similarities, densities and scores are compared in whole steps of 2^-20; what is equal but for rounding is a tie. */
#define STEPS 1048576.0f

/* unit (n, C): tokens x[index[i]] (or x[i], where index is 0) with norm 1; 0 for those without a direction. */
EXPORT(normalize)(i32 n, i32 C, const f32 *x, const i32 *index, f32 *unit) {
  for (i32 i = 0; i < n; i++, unit += C) {
    const f32 *token = x + (index ? index[i] : i) * C;
    f32 norm = __builtin_sqrtf(dot(token, token, C)), inverse = norm > EPS ? 1 / norm : 0;
    for (i32 c = 0; c < C; c++) unit[c] = token[c] * inverse;
  }
}

/* Put x in the place of the least of a heap of m numbers, which stands at its root, and let it sink. */
static void replace_least(f32 *heap, i32 m, f32 x) {
  i32 i = 0, child;
  while ((child = 2 * i + 1) < m) {
    if (child + 1 < m && heap[child + 1] < heap[child]) child++;
    if (heap[child] >= x) break;
    heap[i] = heap[child];
    i = child;
  }
  heap[i] = x;
}

/* The mean of the m largest of n numbers, n in fours, with room for m: a heap of the m largest so far. */
static f32 mean_of_largest(const f32 *x, i32 n, i32 m, f32 *heap) {
  fill(heap, m, LOWER);
  for (i32 j = 0; j < n; j += 4)
    if (wasm_v128_any_true((v128_t)(load(x + j) > all(heap[0])))) /* seldom */
      for (i32 i = j; i < j + 4; i++)
        if (x[i] > heap[0]) replace_least(heap, m, x[i]);
  f32 total = 0;
  for (i32 i = 0; i < m; i++) total += heap[i];
  return total / m;
}

/* With m = 1, two tokens nearest to each other are equally dense; rounding may have made them differ. */
static void agree(i32 S, const i32 *nearest, f32 *rho) {
  f32 *own = floats(S);
  copy(own, rho, S);
  for (i32 i = 0; i < S; i++)
    if (own[i] > rho[nearest[i]]) rho[nearest[i]] = own[i];
}

static i32 place_of_largest(i32 n, const f32 *x) {
  i32 best = 0;
  for (i32 j = 1; j < n; j++)
    if (x[j] > x[best]) best = j;
  return best;
}

/* Step 2: rho (S), the mean of the m largest similarities to other sampled tokens; 0 where m is 0, a token alone. */
EXPORT(density)(i32 S, i32 C, const f32 *unit, i32 m, f32 *rho) {
  uintptr_t before = mark();
  i32 columns = in_eights(S), *nearest = ints(S);
  f32 *across = floats(C * columns), *similarity = floats(ROWS * columns), *heap = floats(m ? m : 1);
  fill(across, C * columns, 0);
  transpose(S, C, unit, C, across, columns);
  fill(rho, S, 0);
  for (i32 a = 0; a < S && m; a += ROWS) {
    i32 rows = least_of(S - a, ROWS);
    product(rows, columns, C, unit + a * C, C, across, columns, similarity, columns, 0, 0);
    for (i32 i = 0; i < rows; i++) {
      f32 *row = similarity + i * columns;
      row[a + i] = LOWER; /* a token is not its own neighbour */
      fill(row + S, columns - S, LOWER);
      rho[a + i] = mean_of_largest(row, columns, m, heap);
      if (m == 1) nearest[a + i] = place_of_largest(S, row);
    }
  }
  if (m == 1) agree(S, nearest, rho);
  release(before);
}

/* order (n): the places of scores, highest first, ties to the first place. A merge sort, which keeps ties in order. */
EXPORT(highest)(i32 n, const f32 *score, i32 *order) {
  uintptr_t before = mark();
  f32 *key = floats(n);
  i32 *from = order, *to = ints(n);
  for (i32 i = 0; i < n; i++) {
    key[i] = __builtin_rintf(score[i] * STEPS);
    order[i] = i;
  }
  for (i32 run = 1; run < n; run *= 2) { /* runs of this length are in order; two of them become one */
    for (i32 a = 0; a < n; a += 2 * run) {
      i32 middle = least_of(a + run, n), end = least_of(a + 2 * run, n), i = a, j = middle;
      for (i32 k = a; k < end; k++) {
        i32 first = i < middle && (j >= end || key[from[i]] >= key[from[j]]);
        to[k] = first ? from[i++] : from[j++];
      }
    }
    i32 *other = from;
    from = to;
    to = other;
  }
  for (i32 i = 0; i < n && from != order; i++) order[i] = from[i];
  release(before);
}

/* Step 3: delta (S), 1 - the largest similarity to a denser sampled token; for the densest, 1 - its smallest. With the
 * tokens in the order of density, the denser ones are those before. 0 for a token alone. */
EXPORT(separation)(i32 S, i32 C, const f32 *unit, const f32 *rho, f32 *delta) {
  uintptr_t before = mark();
  i32 columns = in_eights(S), *order = ints(S);
  f32 *ranked = floats(S * C), *across = floats(C * columns), *similarity = floats(ROWS * columns);
  highest(S, rho, order);
  for (i32 i = 0; i < S; i++) copy(ranked + i * C, unit + order[i] * C, C);
  fill(across, C * columns, 0);
  transpose(S, C, ranked, C, across, columns);
  for (i32 a = 0; a < S; a += ROWS) {
    i32 rows = least_of(S - a, ROWS);
    product(rows, in_eights(a + rows), C, ranked + a * C, C, across, columns, similarity, columns, 0, 0);
    for (i32 i = 0; i < rows; i++) {
      f32 nearest = LOWER, *row = similarity + i * columns;
      for (i32 j = 0; j < a + i; j++) nearest = row[j] > nearest ? row[j] : nearest;
      delta[order[a + i]] = 1 - nearest;
    }
  }
  f32 least = S > 1 ? 4 : 1;
  for (i32 j = 1; j < S; j++) {
    f32 s = 0; /* added up as `product` does: of two tokens, both are equally separate to the last bit */
    for (i32 c = 0; c < C; c++) s += ranked[c] * ranked[j * C + c];
    least = s < least ? s : least;
  }
  delta[order[0]] = 1 - least;
  for (i32 i = 0; i < S; i++) delta[i] = delta[i] < 0 ? 0 : delta[i] > 2 ? 2 : delta[i];
  release(before);
}

/* The place of the largest of n numbers (n in fours) in whole steps, ties to the first. */
static i32 most_similar(i32 n, const f32 *x) {
  v4 best = all(-1e30f);
  v128_t place = wasm_i32x4_splat(0), here = wasm_i32x4_make(0, 1, 2, 3);
  for (i32 j = 0; j < n; j += 4, here = wasm_i32x4_add(here, wasm_i32x4_splat(4))) {
    v4 steps = rounded(load(x + j) * all(STEPS));
    v128_t more = (v128_t)(steps > best);
    best = (v4)wasm_v128_bitselect((v128_t)steps, (v128_t)best, more);
    place = wasm_v128_bitselect(here, place, more);
  }
  i32 at[4], k = 0;
  wasm_v128_store(at, place);
  for (i32 j = 1; j < 4; j++)
    if (best[j] > best[k] || (best[j] == best[k] && at[j] < at[k])) k = j;
  return at[k];
}

/* Step 4: assignment (N), the most similar of the K centres, whose directions are center_unit (K, C). */
EXPORT(assign)(i32 N, i32 C, const f32 *x, i32 K, const f32 *center_unit, i32 *assignment) {
  uintptr_t before = mark();
  i32 columns = in_eights(K);
  f32 *across = floats(C * columns), *unit = floats(ROWS * C), *similarity = floats(ROWS * columns);
  fill(across, C * columns, 0);
  transpose(K, C, center_unit, C, across, columns);
  for (i32 a = 0; a < N; a += ROWS) {
    i32 rows = least_of(N - a, ROWS);
    normalize(rows, C, x + a * C, 0, unit);
    product(rows, columns, C, unit, C, across, columns, similarity, columns, 0, 0);
    for (i32 i = 0; i < rows; i++) {
      fill(similarity + i * columns + K, columns - K, LOWER);
      assignment[a + i] = most_similar(columns, similarity + i * columns);
    }
  }
  release(before);
}

/* The weight of each token in its cluster's mean, softmax over the members of similarity / tau, and not yet divided;
 * mass (K) is what it must be divided by. */
static void weigh(i32 N, i32 C, const f32 *x, i32 K, const f32 *center_unit, const i32 *assignment, f32 tau,
                  f32 *weight, f32 *mass) {
  f32 *most = floats(K), *unit = floats(C);
  fill(most, K, -1e30f);
  fill(mass, K, 0);
  for (i32 i = 0; i < N; i++) {
    normalize(1, C, x + i * C, 0, unit);
    weight[i] = dot(center_unit + assignment[i] * C, unit, C) / tau;
    if (weight[i] > most[assignment[i]]) most[assignment[i]] = weight[i];
  }
  for (i32 i = 0; i < N; i++) {
    weight[i] = exponential(all(weight[i] - most[assignment[i]]))[0];
    mass[assignment[i]] += weight[i];
  }
}

/* Step 5: tokens (K, C), the members of each cluster merged, 0 where there are none; counts (K), how many they are, and
 * weight (N), how much of each is in its cluster's token. method 0 is "similarity", 1 "mean", 2 "center". */
EXPORT(merge)(i32 N, i32 C, const f32 *x, i32 K, const i32 *centers, const f32 *center_unit, const i32 *assignment,
              i32 method, f32 tau, f32 *tokens, i32 *counts, f32 *weight) {
  uintptr_t before = mark();
  f32 *mass = floats(K);
  for (i32 k = 0; k < K; k++) counts[k] = 0;
  for (i32 i = 0; i < N; i++) counts[assignment[i]]++;
  if (method == 0) weigh(N, C, x, K, center_unit, assignment, tau, weight, mass);
  for (i32 i = 0; i < N && method; i++) weight[i] = method == 1;
  for (i32 k = 0; k < K; k++) {
    if (method) mass[k] = method == 1 ? counts[k] : 1;
    if (method == 2) weight[centers[k]] = 1;
  }
  fill(tokens, K * C, 0);
  for (i32 i = 0; i < N; i++) {
    f32 *token = tokens + assignment[i] * C;
    weight[i] /= mass[assignment[i]];
    for (i32 c = 0; c < C && method < 2; c++) token[c] += weight[i] * x[i * C + c];
  }
  for (i32 k = 0; k < K && method == 2; k++) copy(tokens + k * C, x + centers[k] * C, C);
  release(before);
}

/* Step 6: averaging has shortened the tokens (K, C); they get the largest norm of all x (method 0, "max"), the mean
 * norm of their members (1, "mean"), or keep theirs (2, "none"). */
EXPORT(restore_norm)(i32 N, i32 C, const f32 *x, i32 K, const i32 *assignment, const i32 *counts, i32 method,
                     f32 *tokens) {
  if (method == 2) return;
  uintptr_t before = mark();
  f32 *target = floats(K), most = 0;
  fill(target, K, 0);
  for (i32 i = 0; i < N; i++) {
    f32 norm = __builtin_sqrtf(dot(x + i * C, x + i * C, C));
    most = norm > most ? norm : most;
    target[assignment[i]] += norm;
  }
  for (i32 k = 0; k < K; k++) {
    f32 *token = tokens + k * C, norm = __builtin_sqrtf(dot(token, token, C));
    f32 wanted = method == 0 ? most : target[k] / (counts[k] ? counts[k] : 1);
    for (i32 c = 0; c < C && norm > EPS; c++) token[c] *= wanted / (norm + EPS);
  }
  release(before);
}
