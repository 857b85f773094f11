"""What stands between a reader and the layers it can do without: a circuit and a time limit for each, and errors that name the layer.

Whoever measures or compares what was found has no `Circuits`: there a layer that is away is an error.
"""

import contextvars
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLateError
from contextlib import contextmanager, nullcontext
from typing import Literal, TypeVar, get_args

from destiny_assets.domain.circuits import Circuit, CircuitState
from destiny_assets.errors import (
    DamagedOriginalError,
    DestinyError,
    LayerAwayError,
    ModelError,
    RefusedTextError,
    StoreRefusalError,
    StoreUnavailableError,
)
from destiny_assets.telemetry import calling

Layer = Literal["vectors", "graph", "originals", "model", "language_model", "reranker"]
LAYERS: tuple[Layer, ...] = get_args(Layer)

QUERY_SECONDS = 5
"""How long a reader waits for a layer that has a stand-in, or for one that has none but whose client can be told."""

_FAILURES, _REST_S = 3, 2.0
# Bolt's driver has no time limit for an answer, so somebody else waits for it; this many may be waiting.
_WAITING = 4
_Result = TypeVar("_Result")
# Asking a model may ask the ledger too, whose failure is no fault of the model.
_FAILURE_OF: Mapping[Layer, type[DestinyError]] = {
    "model": ModelError,
    "language_model": ModelError,
    "reranker": ModelError,
}


class Circuits:
    """One circuit a layer; thread-safe. One for all doors of a process, since they share the layers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._by_layer = {layer: Circuit(_FAILURES, _REST_S, clock) for layer in LAYERS}
        self._waiting = ThreadPoolExecutor(_WAITING, thread_name_prefix="waiting")

    @contextmanager
    def reaching(self, layer: Layer) -> Iterator[None]:
        """A block that asks one layer; raises `LayerAwayError` when it fails, or at once while it is left alone.

        A layer that answers that it won't is there: that error passes as it is.
        """
        circuit = self._by_layer[layer]
        if not circuit.admits():
            raise LayerAwayError(
                layer, f"The layer {layer!r} did not answer lately and is left alone for a moment. Try again soon."
            )
        try:
            # Stores tell of their calls themselves, wherever they are called from.
            with calling(layer, "ask") if layer in _FAILURE_OF else nullcontext():
                yield
        except (StoreRefusalError, DamagedOriginalError, RefusedTextError):
            circuit.note(True)
            raise
        except _FAILURE_OF.get(layer, StoreUnavailableError) as error:
            circuit.note(False)
            raise LayerAwayError(layer, str(error)) from error
        circuit.note(True)

    def within(self, layer: Layer, work: Callable[[], _Result], seconds: float = QUERY_SECONDS) -> _Result:
        """What `work` gives, asked of one layer whose client can't be told how long to wait; raises `LayerAwayError`."""
        with self.reaching(layer):
            future = self._waiting.submit(contextvars.copy_context().run, work)
            try:
                return future.result(seconds)
            except TooLateError as error:
                future.cancel()
                raise StoreUnavailableError(
                    f"The layer {layer!r} did not answer within {seconds:g} s. Check it with: destiny status"
                ) from error

    def states(self) -> Mapping[Layer, CircuitState]:
        """How each layer stands with its readers."""
        return {layer: circuit.state for layer, circuit in self._by_layer.items()}

    def close(self) -> None:
        """Wait for nobody any more."""
        self._waiting.shutdown(wait=False, cancel_futures=True)
