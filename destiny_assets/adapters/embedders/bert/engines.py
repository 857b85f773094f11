"""What `LocalBert` asks of the library that runs the model. The engines themselves are in modules of their own."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from destiny_assets.ports import Vectors

TokenIds = npt.NDArray[np.int64]


class BertEngine(Protocol):
    """Runs the model on one padded batch; not safe to call from two threads at once."""

    def run(self, ids: TokenIds, mask: TokenIds) -> Vectors:
        """Unit vectors of shape (batch, 384) for token ids and attention mask of shape (batch, length)."""
        ...
