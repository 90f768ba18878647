/* What the C files share: names of types, four numbers at once, memory, products.
 *
 * Matrices are float32, row by row; a row of N numbers may lie in a wider matrix, and `ld`, as in ldx, is then how many
 * numbers lie from one row to the next. Widths are any: the last one to three numbers of a row are loaded beside zeros.
 */
#include <stdint.h>
#include <wasm_simd128.h>

typedef float f32;
typedef int32_t i32;
typedef f32 v4 __attribute__((vector_size(16))); /* + - * work on each of the four */

#define EXPORT(name) __attribute__((export_name(#name))) void name
#define EPS 1e-6f      /* a norm at or below it counts as zero */
#define NEVER (-1e9f)  /* a logit whose exponential is 0 */
#define LOWER (-4.0f)  /* less than any cosine */
enum { ROWS = 64 };    /* rows of a block: its similarities or logits are all that is held of a large matrix */

/* ---- four numbers */
static inline v4 all(f32 x) { return (v4){x, x, x, x}; }
static inline v4 load(const f32 *x) { return (v4)wasm_v128_load(x); }
static inline void store(f32 *x, v4 v) { wasm_v128_store(x, (v128_t)v); }
static inline v4 larger(v4 a, v4 b) { return (v4)wasm_f32x4_pmax((v128_t)a, (v128_t)b); }
static inline v4 smaller(v4 a, v4 b) { return (v4)wasm_f32x4_pmin((v128_t)a, (v128_t)b); }
static inline v4 rounded(v4 a) { return (v4)wasm_f32x4_nearest((v128_t)a); }
static inline f32 sum(v4 a) { return (a[0] + a[1]) + (a[2] + a[3]); }
static inline f32 largest(v4 a) {
  f32 b = a[0] > a[1] ? a[0] : a[1], c = a[2] > a[3] ? a[2] : a[3];
  return b > c ? b : c;
}

/* The first `left` of four numbers, and zeros; and only these stored. */
static inline v4 load_some(const f32 *x, i32 left) {
  if (left >= 4) return load(x);
  return (v4){x[0], left > 1 ? x[1] : 0, left > 2 ? x[2] : 0, 0};
}
static inline void store_some(f32 *x, v4 v, i32 left) {
  if (left >= 4) { store(x, v); return; }
  x[0] = v[0];
  if (left > 1) x[1] = v[1];
  if (left > 2) x[2] = v[2];
}

/* exp of numbers up to 88: 2^n, n the nearest to x / ln 2, times a polynomial of the rest. Below -87 it stays 1e-38. */
static inline v4 exponential(v4 x) {
  x = larger(x, all(-87.0f));
  v4 n = rounded(x * all(1.44269504f));
  v4 r = x - n * all(0.693359375f) - n * all(-2.12194440e-4f); /* ln 2 in two parts: their products are exact */
  v4 p = all(1.0f / 5040);
  p = p * r + all(1.0f / 720);
  p = p * r + all(1.0f / 120);
  p = p * r + all(1.0f / 24);
  p = p * r + all(1.0f / 6);
  p = p * r + all(0.5f);
  p = p * r + all(1.0f);
  p = p * r + all(1.0f);
  v128_t exponent = wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4((v128_t)n), wasm_i32x4_splat(127));
  return p * (v4)wasm_i32x4_shl(exponent, 23);
}

/* ---- numbers in a row */
static inline i32 least_of(i32 a, i32 b) { return a < b ? a : b; }
static inline i32 in_eights(i32 n) { return (n + 7) & ~7; }
static inline void fill(f32 *x, i32 n, f32 value) { for (i32 i = 0; i < n; i++) x[i] = value; }
static inline void copy(f32 *to, const f32 *from, i32 n) { for (i32 i = 0; i < n; i++) to[i] = from[i]; }
static inline f32 dot(const f32 *x, const f32 *y, i32 n) {
  v4 s = all(0);
  for (i32 j = 0; j < n; j += 4) s += load_some(x + j, n - j) * load_some(y + j, n - j);
  return sum(s);
}

/* ---- in sat.c */
uintptr_t mark(void);                       /* the place where memory is free from */
void release(uintptr_t place);              /* free all that was taken since */
void *alloc(uint32_t bytes);                /* take memory, as on a stack; traps where there is none */
static inline f32 *floats(i32 n) { return alloc(4 * (uint32_t)n); }
static inline i32 *ints(i32 n) { return alloc(4 * (uint32_t)n); }
void product(i32 M, i32 N, i32 K, const f32 *a, i32 lda, const f32 *b, i32 ldb, f32 *out, i32 ldo, const f32 *bias,
             i32 add);
void transpose(i32 rows, i32 columns, const f32 *x, i32 ldx, f32 *y, i32 ldy);
