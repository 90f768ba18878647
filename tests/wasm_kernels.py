"""The kernels of book/live in Python: a WebAssembly module that is called with numpy arrays."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from book.live.build import HERE, build

wasmtime = pytest.importorskip("wasmtime")

Trap = wasmtime.Trap
Array = NDArray[np.float32] | NDArray[np.int32]


class Kernels:
    """A module's functions. A trap, as for a load outside of all arrays in the checked build, is an error."""

    def __init__(self, module: Path) -> None:
        self.store = wasmtime.Store()
        instance = wasmtime.Instance(self.store, wasmtime.Module.from_file(self.store.engine, str(module)), [])
        self.exports = instance.exports(self.store)

    def __call__(self, name: str, *arguments: float | Array | None) -> Any:
        """Call a function. Arrays are float32 or int32, and hold afterwards what it has left in them; None is 0."""
        before = self.exports["mark"](self.store)
        given = [self._put(a) if isinstance(a, np.ndarray) else a or 0 for a in arguments]
        taken = self.exports["mark"](self.store)
        result = self.exports[name](self.store, *given)
        assert self.exports["mark"](self.store) == taken, "the function keeps memory"
        for array, place in zip(arguments, given, strict=True):
            if isinstance(array, np.ndarray):
                found = self.exports["memory"].read(self.store, place, place + array.nbytes)
                array[...] = np.frombuffer(bytes(found), array.dtype).reshape(array.shape)
        self.exports["release"](self.store, before)
        return result

    def _put(self, array: Array) -> int:
        assert array.dtype in (np.float32, np.int32)
        place = self.exports["alloc"](self.store, array.nbytes)
        self.exports["memory"].write(self.store, array.tobytes(), place)
        return int(place)


def compiled(folder: Path, *, checked: bool) -> Path:
    """Build the module into a folder; a test is skipped where there is no compiler."""
    pytest.importorskip("ziglang", reason="the C compiler of the package ziglang is not installed")
    target = folder / f"{'checked' if checked else 'plain'}.wasm"
    try:
        build(target, checked=checked)
    except subprocess.CalledProcessError as error:
        pytest.fail(f"the kernels cannot be compiled:\n{error.stderr}", pytrace=False)
    return target


COMMITTED = HERE / "sat.wasm"
