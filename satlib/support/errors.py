"""Errors of other libraries: in words that fit into a sentence of ours, and whether one says that memory ran out."""

import sys

OUT_OF_MEMORY = ("can't allocate memory", "MPS backend out of memory")
"""What torch says in a RuntimeError, on the CPU and on MPS."""


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or what it is called if it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out, on a GPU, in numpy, or in torch on the CPU or on MPS."""
    torch = sys.modules.get("torch")  # an error of torch's own is none where it was never loaded
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)
