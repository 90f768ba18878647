/* The operations of SAT for WebAssembly: memory, products, norms, convolutions; attention.c and dta.c have the rest.
 * network.mjs strings them together.
 *
 * No library is behind them: `make live` makes sat.wasm of the three files.
 *
 * Shapes: H x W pixels, N = H*W tokens in raster order, C (in) and D (out) channels. Tokens are rows: (N, C), which is
 * also an image (H, W, C).
 */
#include "simd.h"

/* ---- memory: a stack from the end of the program's own data up to the limit that build.py sets */
extern unsigned char __heap_base;
static uintptr_t top;
static i32 is_full;
#ifdef CHECKED
enum { GAP = 64 }; /* between two arrays, so that whoever leaves one does not arrive in the next */
void note(uintptr_t from, uintptr_t to, i32 usable);
#else
enum { GAP = 0 };
static inline void note(uintptr_t from, uintptr_t to, i32 usable) { (void)from, (void)to, (void)usable; }
#endif

__attribute__((export_name("mark"))) uintptr_t mark(void) {
  if (!top) top = ((uintptr_t)&__heap_base + 15 + GAP) & ~(uintptr_t)15;
  return top;
}
EXPORT(release)(uintptr_t place) {
  note(place, mark(), 0);
  top = place;
  is_full = 0;
}
__attribute__((export_name("alloc"))) void *alloc(uint32_t bytes) {
  uintptr_t place = mark(), size = __builtin_wasm_memory_size(0) << 16;
  uint64_t end = place + (((uint64_t)bytes + 15) & ~15ull) + GAP;
  if (end > size && __builtin_wasm_memory_grow(0, (uintptr_t)((end - size + 65535) >> 16)) == (uintptr_t)-1) {
    is_full = 1;
    __builtin_trap();
  }
  note(place, place + bytes, 1);
  top = (uintptr_t)end;
  return (void *)place;
}
/* Whether a trap meant that memory was full; until something is released. */
__attribute__((export_name("full"))) i32 full(void) { return is_full; }

/* ---- products */

/* `rows` rows, 1 or 4, of `width` columns, at most 8: out = a b + bias, or added to out. Rows of b have 8 numbers. */
static inline __attribute__((always_inline)) void tile(const i32 rows, i32 K, const f32 *a, i32 lda, const f32 *b,
                                                       i32 ldb, f32 *out, i32 ldo, i32 width, v4 bias0, v4 bias1,
                                                       i32 add) {
  v4 s[4][2];
  for (i32 r = 0; r < rows; r++) {
    s[r][0] = add ? load_some(out + r * ldo, width) : bias0;
    s[r][1] = add && width > 4 ? load_some(out + r * ldo + 4, width - 4) : bias1;
  }
  for (i32 k = 0; k < K; k++, b += ldb) {
    v4 b0 = load(b), b1 = load(b + 4);
    for (i32 r = 0; r < rows; r++) {
      v4 x = all(a[r * lda + k]);
      s[r][0] += x * b0;
      s[r][1] += x * b1;
    }
  }
  for (i32 r = 0; r < rows; r++) {
    store_some(out + r * ldo, s[r][0], width);
    if (width > 4) store_some(out + r * ldo + 4, s[r][1], width - 4);
  }
}

/* out (M, N) = a (M, K) b (K, N) + bias (N), which may be 0; with `add`, a b is added to out. */
EXPORT(product)(i32 M, i32 N, i32 K, const f32 *a, i32 lda, const f32 *b, i32 ldb, f32 *out, i32 ldo, const f32 *bias,
                i32 add) {
  uintptr_t before = mark();
  f32 *last = 0;
  if (N % 8) { /* the columns that fill no block of 8, beside zeros */
    fill(last = floats(8 * K), 8 * K, 0);
    for (i32 k = 0; k < K; k++) copy(last + 8 * k, b + k * ldb + N / 8 * 8, N % 8);
  }
  for (i32 c = 0; c < N; c += 8) {
    i32 width = least_of(N - c, 8), r = 0, step = width < 8 ? 8 : ldb;
    const f32 *strip = width < 8 ? last : b + c;
    v4 b0 = bias ? load_some(bias + c, width) : all(0);
    v4 b1 = bias && width > 4 ? load_some(bias + c + 4, width - 4) : all(0);
    for (; r + 4 <= M; r += 4) tile(4, K, a + r * lda, lda, strip, step, out + r * ldo + c, ldo, width, b0, b1, add);
    for (; r < M; r++) tile(1, K, a + r * lda, lda, strip, step, out + r * ldo + c, ldo, width, b0, b1, add);
  }
  release(before);
}

EXPORT(transpose)(i32 rows, i32 columns, const f32 *x, i32 ldx, f32 *y, i32 ldy) {
  for (i32 r = 0; r < rows; r++)
    for (i32 c = 0; c < columns; c++) y[c * ldy + r] = x[r * ldx + c];
}

/* ---- token by token */
EXPORT(layer_norm)(i32 N, i32 C, const f32 *x, i32 ldx, f32 *y, i32 ldy, const f32 *gain, const f32 *shift) {
  for (i32 i = 0; i < N; i++, x += ldx, y += ldy) {
    v4 total = all(0), squares = all(0);
    for (i32 j = 0; j < C; j += 4) total += load_some(x + j, C - j);
    v4 mean = all(sum(total) / C);
    for (i32 j = 0; j < C; j += 4) {
      v4 off = load_some(x + j, C - j) - mean;
      for (i32 lane = C - j; lane < 4; lane++) off[lane] = 0; /* what lies beyond the row has no part */
      squares += off * off;
    }
    v4 inverse = all(1 / __builtin_sqrtf(sum(squares) / C + 1e-5f));
    for (i32 j = 0; j < C; j += 4) {
      v4 normal = (load_some(x + j, C - j) - mean) * inverse;
      store_some(y + j, normal * load_some(gain + j, C - j) + load_some(shift + j, C - j), C - j);
    }
  }
}

/* erf(z) / z in powers of z^2 / 8 - 1, highest first, up to |z| = 4, where erf is 1 in float32: a fit at Chebyshev
 * nodes by least squares. The tests hold gelu against torch's. */
static const f32 ERF[] = {
  -1.372815087e-03f, 3.002311011e-03f, -1.076942115e-03f, 1.700600699e-03f, -1.008590696e-02f, 1.718848412e-02f,
  -2.166253227e-02f, 3.167934270e-02f, -4.601432136e-02f, 6.024739754e-02f, -7.468753070e-02f, 9.016311718e-02f,
  -1.077133612e-01f, 1.316773312e-01f, -1.765761719e-01f, 3.535309782e-01f};

/* n numbers become x (1 + erf(x / sqrt 2)) / 2. */
EXPORT(gelu)(i32 n, f32 *x) {
  for (i32 i = 0; i < n; i += 4) {
    v4 a = load_some(x + i, n - i), z = larger(smaller(a * all(0.70710678f), all(4)), all(-4));
    v4 t = z * z * all(0.125f) - all(1), p = all(ERF[0]);
    for (unsigned k = 1; k < sizeof ERF / sizeof *ERF; k++) p = p * t + all(ERF[k]);
    v128_t inside = wasm_f32x4_lt(wasm_f32x4_abs((v128_t)z), (v128_t)all(4));
    v4 erf = (v4)wasm_v128_bitselect((v128_t)(z * p), (v128_t)(z * all(0.25f)), inside);
    store_some(x + i, a * all(0.5f) * (all(1) + erf), n - i);
  }
}

EXPORT(leaky_relu)(i32 n, f32 *x) {
  for (i32 i = 0; i < n; i++) x[i] = x[i] < 0 ? 0.01f * x[i] : x[i];
}

/* x *= y, each (N, C) */
EXPORT(multiply)(i32 N, i32 C, f32 *x, i32 ldx, const f32 *y, i32 ldy) {
  for (i32 i = 0; i < N; i++, x += ldx, y += ldy)
    for (i32 j = 0; j < C; j += 4) store_some(x + j, load_some(x + j, C - j) * load_some(y + j, C - j), C - j);
}

/* x += y, or y times gain (C); each (N, C) */
EXPORT(add)(i32 N, i32 C, f32 *x, const f32 *y, const f32 *gain) {
  for (i32 i = 0; i < N; i++, x += C, y += C)
    for (i32 j = 0; j < C; j += 4) {
      v4 more = load_some(y + j, C - j);
      store_some(x + j, load_some(x + j, C - j) + (gain ? more * load_some(gain + j, C - j) : more), C - j);
    }
}

/* ---- pixel by pixel */

/* The image with `border` zeros around it, (H + 2 border, W + 2 border, C). */
static f32 *bordered(i32 H, i32 W, i32 C, i32 border, const f32 *x, i32 ldx) {
  i32 wide = W + 2 * border;
  f32 *out = floats((H + 2 * border) * wide * C);
  fill(out, (H + 2 * border) * wide * C, 0);
  for (i32 y = 0; y < H; y++)
    for (i32 c = 0; c < W; c++) copy(out + ((y + border) * wide + c + border) * C, x + (y * W + c) * ldx, C);
  return out;
}

/* 3 x 3 with weights (3, 3, C, D): three pixels side by side are one run of 3C numbers, so that each of the three rows
 * is a product. */
EXPORT(convolve)(i32 H, i32 W, i32 C, i32 D, const f32 *x, f32 *out, const f32 *weight, const f32 *bias) {
  uintptr_t before = mark();
  f32 *image = bordered(H, W, C, 1, x, C);
  for (i32 y = 0; y < H; y++)
    for (i32 row = 0; row < 3; row++) {
      const f32 *from = image + (y + row) * (W + 2) * C, *taps = weight + row * 3 * C * D;
      product(W, D, 3 * C, from, C, taps, D, out + y * W * D, D, row ? 0 : bias, row > 0);
    }
  release(before);
}

/* Each channel by itself, k x k, with weights (k, k, C); x (N, C) in rows of ldx. */
EXPORT(depthwise)(i32 H, i32 W, i32 C, i32 k, const f32 *x, i32 ldx, f32 *out, const f32 *weight, const f32 *bias) {
  uintptr_t before = mark();
  i32 wide = W + k - 1, filled = (C + 3) & ~3;
  f32 *image = floats((H + k - 1) * wide * 4), *taps = floats(4 * k * k);
  for (i32 c = 0; c < filled; c += 4) { /* four channels at a time */
    i32 left = C - c;
    fill(image, (H + k - 1) * wide * 4, 0);
    for (i32 y = 0; y < H; y++)
      for (i32 z = 0; z < W; z++)
        store(image + ((y + k / 2) * wide + z + k / 2) * 4, load_some(x + (y * W + z) * ldx + c, left));
    for (i32 i = 0; i < k * k; i++) store(taps + 4 * i, load_some(weight + i * C + c, left));
    for (i32 y = 0; y < H; y++)
      for (i32 z = 0; z < W; z++) {
        const f32 *from = image + (y * wide + z) * 4, *tap = taps;
        v4 s = load_some(bias + c, left);
        for (i32 i = 0; i < k; i++, from += (wide - k) * 4)
          for (i32 j = 0; j < k; j++, from += 4, tap += 4) s += load(from) * load(tap);
        store_some(out + (y * W + z) * C + c, s, left);
      }
  }
  release(before);
}

/* Channels become pixels: (H, W, C * s * s) -> (s H, s W, C). */
EXPORT(shuffle)(i32 H, i32 W, i32 C, i32 s, const f32 *x, f32 *out) {
  for (i32 y = 0; y < s * H; y++)
    for (i32 z = 0; z < s * W; z++)
      for (i32 c = 0; c < C; c++)
        out[(y * s * W + z) * C + c] = x[(y / s * W + z / s) * C * s * s + (c * s + y % s) * s + z % s];
}
