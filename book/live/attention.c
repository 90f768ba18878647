/* Attention: in windows, and from all tokens to a few.
 *
 * Shapes: H x W pixels, N = H*W tokens in raster order, C channels, K keys, n tokens of a window, d (queries, keys) and
 * e (values) channels of a head.
 */
#include "simd.h"

/* exp(x - the row's largest) in place; what a row must be divided by is returned as its inverse. Columns: in eights. */
static void softmax(i32 rows, i32 columns, f32 *x, f32 *inverse) {
  for (i32 r = 0; r < rows; r++, x += columns) {
    v4 most = load(x), total = all(0);
    for (i32 j = 4; j < columns; j += 4) most = larger(most, load(x + j));
    most = all(largest(most));
    for (i32 j = 0; j < columns; j += 4) {
      v4 weight = exponential(load(x + j) - most);
      store(x + j, weight);
      total += weight;
    }
    inverse[r] = 1 / sum(total);
  }
}

/* Where the n places of a window lie: the token at each, or -1 for padding, and what kind of place it is. Places of
 * one kind may read each other: the roll and, if it is masked, the padding make kinds. Returns whether a token is
 * there (1) and whether there are two kinds (2). */
static i32 look(i32 H, i32 W, i32 h, i32 w, i32 shifted, i32 mask_padding, i32 top_row, i32 left, i32 *token,
                i32 *kind) {
  i32 side = h > w ? h : w, high = (H + side - 1) / side * side, wide = (W + side - 1) / side * side;
  i32 down = shifted ? h / 2 : 0, across = shifted ? w / 2 : 0, found = 0;
  for (i32 i = 0; i < h * w; i++) {
    i32 r = top_row + i / w, c = left + i % w, y = (r + down) % high, x = (c + across) % wide;
    token[i] = y < H && x < W ? y * W + x : -1;
    kind[i] = (r >= high - down) | (c >= wide - across) << 1;
    if (mask_padding) kind[i] |= (y >= H) << 2 | (x >= W) << 3;
    found |= (token[i] >= 0) | (kind[i] != kind[0]) << 1;
  }
  return found;
}

/* Attention in the h x w windows of one half (0 or 1) of the channels. qkv (N, 3C) holds queries, keys and values,
 * each of them two halves of heads, `heads` in a half, of d; bias (heads, n, n) is added to the logits; out (N, C).
 * A head is filled with zeros to a width of eights. */
EXPORT(windows)(i32 H, i32 W, i32 C, i32 heads, i32 h, i32 w, i32 half, i32 shifted, i32 mask_padding, const f32 *qkv,
                const f32 *bias, f32 *out) {
  uintptr_t before = mark();
  i32 n = h * w, d = C / 2 / heads, keys = in_eights(n), width = in_eights(d), side = h > w ? h : w, found;
  f32 *q = floats(n * d), *k = floats(d * keys), *v = floats(keys * width), *read = floats(n * width);
  f32 *logits = floats(n * keys), *inverse = floats(n), scale = 1 / __builtin_sqrtf(d);
  i32 *token = ints(n), *kind = ints(n);
  fill(k, d * keys, 0);
  fill(v, keys * width, 0);
  for (i32 y = 0; y < H + side - 1 - (H + side - 1) % side; y += h)
    for (i32 x = 0; x < W + side - 1 - (W + side - 1) % side; x += w) {
      found = look(H, W, h, w, shifted, mask_padding, y, x, token, kind);
      for (i32 head = 0; head < heads && found & 1; head++) {
        i32 first = half * (C / 2) + head * d;
        for (i32 i = 0; i < n; i++) {
          const f32 *at = qkv + token[i] * 3 * C + first;
          for (i32 j = 0; j < d; j++) {
            q[i * d + j] = token[i] < 0 ? 0 : at[j] * scale;
            k[j * keys + i] = token[i] < 0 ? 0 : at[C + j];
            v[i * width + j] = token[i] < 0 ? 0 : at[2 * C + j];
          }
        }
        for (i32 i = 0; i < n; i++) {
          copy(logits + i * keys, bias + (head * n + i) * n, n);
          fill(logits + i * keys + n, keys - n, NEVER);
        }
        product(n, keys, d, q, d, k, keys, logits, keys, 0, 1);
        for (i32 i = 0; i < n * n && found & 2; i++)
          if (kind[i / n] != kind[i % n]) logits[i / n * keys + i % n] = NEVER;
        softmax(n, keys, logits, inverse);
        product(n, width, keys, logits, keys, v, width, read, width, 0, 0);
        for (i32 i = 0; i < n; i++)
          for (i32 j = 0; j < d && token[i] >= 0; j++)
            out[token[i] * C + first + j] = read[i * width + j] * inverse[i];
      }
    }
  release(before);
}

/* Attention of N tokens to K: q (N, heads d), k (K, heads d), v (K, heads e), and `bias` (K), a logit for each key;
 * out (N, heads e). The weights of one token, `query`, are kept: weights (heads, K). */
EXPORT(attend)(i32 N, i32 K, i32 heads, i32 d, i32 e, const f32 *q, const f32 *k, const f32 *v, const f32 *bias,
               f32 *out, i32 query, f32 *weights) {
  uintptr_t before = mark();
  i32 keys = in_eights(K), width = in_eights(e);
  f32 *key = floats(d * keys), *value = floats(keys * width), *each = floats(keys), *logits = floats(ROWS * keys);
  f32 *read = floats(ROWS * width), *inverse = floats(ROWS), scale = 1 / __builtin_sqrtf(d);
  fill(key, d * keys, 0);
  fill(value, keys * width, 0);
  fill(each, keys, NEVER);
  copy(each, bias, K);
  for (i32 head = 0; head < heads; head++) {
    for (i32 i = 0; i < K; i++) {
      for (i32 j = 0; j < d; j++) key[j * keys + i] = k[(i * heads + head) * d + j] * scale;
      copy(value + i * width, v + (i * heads + head) * e, e);
    }
    for (i32 a = 0; a < N; a += ROWS) {
      i32 rows = least_of(N - a, ROWS);
      product(rows, keys, d, q + (a * heads + head) * d, heads * d, key, keys, logits, keys, each, 0);
      softmax(rows, keys, logits, inverse);
      product(rows, width, keys, logits, keys, value, width, read, width, 0, 0);
      for (i32 i = 0; i < rows; i++) {
        for (i32 j = 0; j < e; j++) out[((a + i) * heads + head) * e + j] = read[i * width + j] * inverse[i];
        for (i32 j = 0; j < K && a + i == query; j++) weights[head * K + j] = logits[i * keys + j] * inverse[i];
      }
    }
  }
  release(before);
}
