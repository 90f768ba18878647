/* What watches the other C files in the tests' build: the compiler calls it before every load and store of theirs
 * (-fsanitize-coverage=trace-loads,trace-stores), and it traps outside of the arrays that alloc has given.
 */
#include <stdint.h>

extern unsigned char __heap_base;
enum { WORDS = 1 << 24 }; /* 64 MiB of numbers, four bytes each, as much as the checked build may have */
static uint32_t usable[WORDS / 32]; /* a bit for each word */

void note(uintptr_t from, uintptr_t to, int32_t is_usable) {
  for (uintptr_t word = from / 4; word < (to + 3) / 4; word++) {
    uint32_t bit = 1u << word % 32;
    usable[word / 32] = is_usable ? usable[word / 32] | bit : usable[word / 32] & ~bit;
  }
}

static void check(uintptr_t at, uintptr_t bytes) {
  if (at < (uintptr_t)&__heap_base && at >= 1024) return; /* the stack, and constants */
  if (at % 4) __builtin_trap();
  for (uintptr_t word = at / 4; word < (at + bytes + 3) / 4; word++)
    if (word >= WORDS || !(usable[word / 32] >> word % 32 & 1)) __builtin_trap();
}

#define CALLED_FOR(bytes)                                                                   \
  void __sanitizer_cov_load##bytes(void *at) { check((uintptr_t)at, bytes); }               \
  void __sanitizer_cov_store##bytes(void *at) { check((uintptr_t)at, bytes); }
CALLED_FOR(1)
CALLED_FOR(2)
CALLED_FOR(4)
CALLED_FOR(8)
CALLED_FOR(16)
void __sanitizer_cov_trace_pc(void) {} /* the compiler wants something to be traced beside them */
