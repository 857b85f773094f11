"""The server's one background thread: flushes shards and has their HNSW indexes built, one at a time."""

import shutil
import subprocess
import sys
import threading
import time
import uuid

from destiny_assets.local.qdrant_server import optimizer
from destiny_assets.local.qdrant_server.protocol import RequestError
from destiny_assets.local.qdrant_server.registry import Collection, Registry

_TICK_SECONDS = 0.25
# While a project is being ingested its index would be built again and again: wait for a pause, or for a lot.
_PAUSE_SECONDS = 2.0
_LOT = 8
_RETRY_SECONDS = 60.0


class Background:
    """Runs until `stop`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._stopped = threading.Event()
        self._retry_at: dict[str, float] = {}
        self._building: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="qdrant-background", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, abandoning a build that is under way: it starts again with the server."""
        self._stopped.set()
        if self._building is not None:
            self._building.kill()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(_TICK_SECONDS):
            for collection in self._registry.collections():
                if self._stopped.is_set():
                    return
                try:
                    collection.shard.flush_if_due()
                except RequestError as error:
                    collection.failure = f"writes could not be put on disk: {error}"
                if self._is_due(collection):
                    self._build(collection)

    def _is_due(self, collection: Collection) -> bool:
        excess = collection.unindexed_excess
        if excess < 1 or time.monotonic() < self._retry_at.get(collection.identity, 0.0):
            return False
        return excess >= _LOT or collection.shard.idle_seconds >= _PAUSE_SECONDS

    def _build(self, collection: Collection) -> None:
        name = f"shard-{uuid.uuid4().hex}"
        target = collection.folder / name
        unindexed = collection.shard.unindexed
        collection.is_building = True
        try:
            points = collection.shard.copy(target)
            code = self._optimize(collection, str(target))
            if code == 0:
                collection.shard.adopt(target, lambda: self._registry.promote(collection, name, points))
                collection.failure = None
                return
            if code == optimizer.NOTHING_TO_DO:
                collection.shard.forget_copy(0)
            elif not self._stopped.is_set():
                self._failed(collection, unindexed, f"building the index ended with code {code}")
        except (RequestError, OSError) as error:
            # Also when the collection was deleted meanwhile: then nobody will read this.
            self._failed(collection, unindexed, f"the index could not be built: {error}")
        finally:
            collection.is_building = False
        shutil.rmtree(target, ignore_errors=True)

    def _optimize(self, collection: Collection, folder: str) -> int:
        request = collection.request.model_dump_json(exclude_none=True).encode()
        self._building = subprocess.Popen([sys.executable, "-m", optimizer.__name__, folder], stdin=subprocess.PIPE)
        if self._stopped.is_set():
            self._building.kill()
        self._building.communicate(request)
        return self._building.returncode

    def _failed(self, collection: Collection, unindexed: int, why: str) -> None:
        collection.failure = why
        collection.shard.forget_copy(unindexed)
        self._retry_at[collection.identity] = time.monotonic() + _RETRY_SECONDS
