"""Errors of other libraries: which of them say that memory ran out."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from satlib.support.errors import is_out_of_memory


def test_running_out_of_memory_is_recognised():
    with pytest.raises(RuntimeError) as torch_error:
        torch.empty(2**60, dtype=torch.uint8)
    with pytest.raises(MemoryError) as numpy_error:
        np.empty(2**60, dtype=np.uint8)
    for error in (torch_error.value, numpy_error.value, torch.OutOfMemoryError("CUDA out of memory"), MemoryError()):
        assert is_out_of_memory(error)
    for other in (RuntimeError("shapes differ"), ValueError("can't allocate memory")):
        assert not is_out_of_memory(other)


def test_memory_runs_out_without_torch_too():
    tried = "MemoryError(), RuntimeError('MPS backend out of memory'), ValueError()"
    code = "import sys; from satlib.support.errors import is_out_of_memory\n"
    code += f"print(*map(is_out_of_memory, ({tried})), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "False", "False"]
