"""One collection's engine shard, shared by threads: reads at any time, writes one after another, and its rebuilding.

The engine holds Python's interpreter lock in every call. A query or a batch of writes takes milliseconds, but building
an HNSW index takes many seconds (15 s for 20,000 x 384), in which this server would answer nobody. So it is built in
another process on a copy of the shard's folder, while this one goes on reading and writing the original and remembers
the writes; then the copy is opened, the remembered writes are applied to it, and it takes the original's place.

Every write is in the engine's write-ahead log, a memory-mapped file, before it returns: it survives the death of the
process. `flush` puts it on disk against the death of the machine and lets the log shrink; the background does that.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import qdrant_edge as edge

from destiny_assets.local.qdrant_server.protocol import PointId, RequestError, bad_request

_FLUSH_AFTER_SECONDS = 5.0
# A flush stops the world for about 5 microseconds a point; this many cost 50 ms.
_FLUSH_AFTER_POINTS = 10_000
# The last remembered writes are applied while writers wait; this many operations at most, where writers are slower than us.
_LAST_REPLAY = 4


@contextmanager
def engine_errors() -> Iterator[None]:
    """The engine's refusals as answers to the client; it raises plain `Exception` for all but unreadable paths."""
    try:
        yield
    except ValueError as error:
        raise bad_request(str(error)) from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        message = str(error)
        if message.startswith("No point with id"):
            raise RequestError(404, f"Not found: {message} found") from error
        raise RequestError(500 if "Service" in message else 400, message) from error


@dataclass(slots=True)
class _Lease:
    """An open engine and how many readers are in it; retired, it is closed and removed by the last one out."""

    engine: edge.EdgeShard
    folder: Path
    readers: int = 0
    retired: bool = False


class Writer:
    """The right to write to a shard, held by one thread at a time."""

    def __init__(self, shard: "Shard", engine: edge.EdgeShard) -> None:
        self._shard = shard
        self._engine = engine

    @property
    def operation(self) -> int:
        """The number of the last write since the server started."""
        return self._shard.operations

    def require(self, ids: list[PointId]) -> None:
        """404 for the first of `ids` that does not exist, before anything is written."""
        found = {record.id for record in self._engine.retrieve(list(ids), False, False)}
        for identity in ids:
            if identity not in found:
                raise RequestError(404, f"Not found: No point with id {identity} found")

    def count(self, condition: edge.Filter) -> int:
        """Points a filter selects now."""
        return self._engine.count(edge.CountRequest(exact=True, filter=condition))

    def apply(self, operation: edge.UpdateOperation, touched: int) -> None:
        """Write; durable against the death of this process when it returns. `touched` is the number of points changed."""
        self._shard.record(operation, touched)
        self._engine.update(operation)


class Shard:
    """An open shard."""

    def __init__(self, folder: Path, engine: edge.EdgeShard, unindexed: int) -> None:
        self._writers = threading.RLock()
        self._readers = threading.Lock()
        self._lease: _Lease | None = _Lease(engine, folder)
        self._journal: list[edge.UpdateOperation] | None = None
        self._unflushed = 0
        self._last_write = 0.0
        self.operations = 0
        self.unindexed = unindexed
        """Points changed since the last rebuild, the ones a search must scan."""

    @classmethod
    def create(cls, folder: Path, config: edge.EdgeConfig) -> "Shard":
        """A new, empty shard in `folder`."""
        folder.mkdir(parents=True)
        with engine_errors():
            return cls(folder, edge.EdgeShard.create(str(folder), config), 0)

    @classmethod
    def load(cls, folder: Path, indexed_points: int) -> "Shard":
        """The shard of `folder`, whatever ended the process that wrote it: its log is replayed."""
        with engine_errors():
            engine = edge.EdgeShard.load(str(folder))
        return cls(folder, engine, max(0, engine.info().points_count - indexed_points))

    @property
    def idle_seconds(self) -> float:
        """Time since the last write."""
        return time.monotonic() - self._last_write

    @contextmanager
    def reading(self) -> Iterator[edge.EdgeShard]:
        """The engine, to read from; it stays open until the block ends, whatever replaces it meanwhile."""
        with self._readers:
            lease = self._open_lease()
            lease.readers += 1
        try:
            with engine_errors():
                yield lease.engine
        finally:
            with self._readers:
                lease.readers -= 1
                last_out = lease.retired and lease.readers == 0
            if last_out:
                _remove(lease)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """The right to write, alone."""
        with self._writers, engine_errors():
            yield Writer(self, self._open_lease().engine)

    def record(self, operation: edge.UpdateOperation, touched: int) -> None:
        """Note a write that is about to happen; the caller holds the right to write."""
        if self._journal is not None:
            self._journal.append(operation)
        self.operations += 1
        self.unindexed += touched
        self._unflushed += max(touched, 1)
        self._last_write = time.monotonic()

    def flush_if_due(self) -> None:
        """Put writes on disk when there are many or they have waited long."""
        waited = self._unflushed and self.idle_seconds > _FLUSH_AFTER_SECONDS
        if waited or self._unflushed >= _FLUSH_AFTER_POINTS:
            with self._writers, engine_errors():
                self._flush()

    def copy(self, target: Path) -> int:
        """Copy the shard to `target` and remember every write from now on; the number of points copied."""
        with self._writers, engine_errors():
            lease = self._open_lease()
            self._flush()
            shutil.copytree(lease.folder, target)
            self._journal = []
            self.unindexed = 0
            return lease.engine.info().points_count

    def forget_copy(self, unindexed: int) -> None:
        """Give the copy up: nothing is remembered any more, and `unindexed` more points are still to be indexed."""
        with self._writers:
            self._journal = None
            self.unindexed += unindexed

    def adopt(self, target: Path, commit: Callable[[], None]) -> None:
        """Bring the copy in `target` up to date and read from it from now on; `commit` makes that durable."""
        with engine_errors():
            engine = edge.EdgeShard.load(str(target))
        while self._replay(engine) > _LAST_REPLAY:
            pass
        with self._writers:
            lease = self._open_lease()
            self._replay(engine)
            self._journal = None
            with engine_errors():
                engine.flush()
            commit()
            with self._readers:
                self._lease = _Lease(engine, target)
                self._unflushed = 0
        self._retire(lease)

    def discard(self) -> None:
        """Close the shard and remove its files; whoever still reads finishes first."""
        with self._writers, self._readers:
            lease, self._lease, self._journal = self._lease, None, None
        if lease is not None:
            self._retire(lease)

    def close(self) -> None:
        """Put everything on disk and let go of the files."""
        with self._writers, self._readers:
            if self._lease is not None:
                self._flush()
                self._lease.engine.close()
                self._lease = None

    def _open_lease(self) -> _Lease:
        if self._lease is None:
            raise RequestError(404, "Not found: the collection was deleted meanwhile")
        return self._lease

    def _flush(self) -> None:
        if self._unflushed and self._lease is not None:
            self._lease.engine.flush()
            self._unflushed = 0

    def _replay(self, engine: edge.EdgeShard) -> int:
        """Apply what is remembered so far, oldest first; how many operations that was."""
        with self._writers:
            operations, self._journal = self._journal or [], []
        for operation in operations:
            try:
                engine.update(operation)
            except Exception as error:
                # It was refused the first time too, with the same effect.
                if type(error) is not Exception:
                    raise
        return len(operations)

    def _retire(self, lease: _Lease) -> None:
        with self._readers:
            lease.retired = True
            unused = lease.readers == 0
        if unused:
            _remove(lease)


def _remove(lease: _Lease) -> None:
    lease.engine.close()
    shutil.rmtree(lease.folder, ignore_errors=True)
