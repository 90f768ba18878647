"""Arrays as users give them: plain numpy arrays in the machine's own order of bytes, or one line that says why not."""

from typing import Any

import numpy as np
import numpy.typing as npt


def plain_array(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Return an array without the habits of a subclass: contiguous, aligned, in native byte order.

    A ``np.matrix`` stays two-dimensional whatever is done with it, which has crashed what relies on shapes; strides may
    be negative or no multiple of an item. Nothing is copied where nothing has to be.

    Raises
    ------
    ValueError
        If it is a masked array in which something is masked, whose values nobody knows; or holds no numbers.
    """
    if isinstance(array, np.ma.MaskedArray):
        hidden = int(np.count_nonzero(np.ma.getmaskarray(array)))
        if hidden:
            raise ValueError(f"{name} has {hidden} masked values; give them values first, as with filled()")
        array = array.data
    base = np.asarray(array)
    if base.dtype.kind not in "biufc":
        raise ValueError(f"{name} must hold numbers, got an array of {base.dtype}")
    native = base.astype(base.dtype.newbyteorder("="), copy=False)
    plain: npt.NDArray[Any] = np.require(native, requirements=("C", "A"))
    return plain
