"""The C library's heap, told to keep what a step frees for the next step.

By default glibc gives large blocks back to the system when they are freed, and the system hands them out anew page by
page, each filled with zeros: thousands of page faults in every step of a run whose tensors always have the same sizes.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # glibc's malloc.h
LARGEST_BLOCK = 32 * 2**20
"""Bytes up to which a block is taken from the heap; glibc allows no more."""
SPARE = 64 * 2**20
"""Bytes that the heap grows by at least, when it has to grow."""
KEPT = 2**31 - 1
"""Bytes that may stay free at its end."""


def keep_freed_memory() -> bool:
    """Let this process keep freed memory from now on; return whether the C library is glibc and could be told.

    What a run needs at its peak then stays with the process until it ends.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt") or not hasattr(library, "gnu_get_libc_version"):
        return False  # musl has neither
    choices = {M_MMAP_THRESHOLD: LARGEST_BLOCK, M_TRIM_THRESHOLD: KEPT, M_TOP_PAD: SPARE}
    return all([library.mallopt(name, value) == 1 for name, value in choices.items()])
