"""Whether a model still gives the vectors it gave before. Vectors in, a verdict out; who asks the model is no business of this."""

import numpy as np
import numpy.typing as npt

PROBES = 3
"""How many texts are embedded again to tell."""

# The same model says 0.9999 or more of a text alone and in a batch, in f32 and in bf16; another size or training of it 0.9 or less.
_SAME = 0.995


def lowest_cosine(before: npt.NDArray[np.float32], now: npt.NDArray[np.float32]) -> float:
    """The lowest cosine between rows of two arrays of unit vectors, each of shape (n, dimension); -1 where dimensions differ, 1 of none."""
    if before.shape != now.shape:
        return -1.0
    return float(np.min(np.sum(before * now, axis=1), initial=1.0))


def is_same(before: npt.NDArray[np.float32], now: npt.NDArray[np.float32]) -> bool:
    """Whether both can be of one model, so that they may be compared with each other."""
    return lowest_cosine(before, now) >= _SAME
