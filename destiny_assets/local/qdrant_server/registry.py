"""Which collections and aliases there are, kept in one file that is replaced whole; the shards are opened from it.

The file is the commit point: a folder it does not name is the rest of something unfinished and is removed at the start.
"""

import contextlib
import fcntl
import json
import os
import shutil
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import qdrant_edge as edge
from qdrant_client.http.models import models as m

from destiny_assets.errors import ServerError
from destiny_assets.local.qdrant_server import schema
from destiny_assets.local.qdrant_server.protocol import RequestError, reject_set
from destiny_assets.local.qdrant_server.shards import Shard

_FILE = "registry.json"
_LOCK = "lock"
_FOLDER = "collections"
_FORMAT = 1
_KILOBYTE = 1024


@dataclass(slots=True, eq=False)
class Collection:
    """An open collection."""

    identity: str
    folder: Path
    request: m.CreateCollection
    shard_name: str
    shard: Shard
    indexed_points: int
    created_at: str
    fields: dict[str, Any] = field(default_factory=dict)
    """Payload indexes as they were asked for, by field."""
    is_building: bool = False
    failure: str | None = None

    @property
    def vectors(self) -> schema.Vectors:
        """The vector spaces."""
        return schema.vectors_of(self.request)

    @property
    def unindexed_excess(self) -> float:
        """Unindexed vectors as a multiple of the threshold from which an index is built; 0 where none ever is."""
        threshold = schema.indexing_threshold_kb(self.request.optimizers_config) * _KILOBYTE
        return self.shard.unindexed * self.vectors.bytes_per_point / threshold if threshold else 0.0

    def describe(self) -> dict[str, Any]:
        """The `result` of ``GET /collections/NAME``: yellow while an index is missing or being built."""
        with self.shard.reading() as engine:
            info = engine.info()
        waits = self.is_building or self.unindexed_excess >= 1
        return {
            "status": "yellow" if waits else "green",
            "optimizer_status": {"error": self.failure} if self.failure else "ok",
            "indexed_vectors_count": info.indexed_vectors_count,
            "points_count": info.points_count,
            "segments_count": info.segments_count,
            "config": schema.describe(self.request),
            "payload_schema": {
                name: {"data_type": str(index.data_type).rpartition(".")[2].lower(), "points": index.points}
                | ({"params": self.fields[name]} if isinstance(self.fields.get(name), dict) else {})
                for name, index in info.payload_schema.items()
            },
            "created_at": self.created_at,
        }


class Registry:
    """Every collection and alias of one data folder, which one process owns at a time."""

    def __init__(self, root: Path) -> None:
        """Open `root`, creating it if need be; raises `ServerError` when another server has it or it is unreadable."""
        self._root = root
        self._changes = threading.RLock()
        (root / _FOLDER).mkdir(parents=True, exist_ok=True)
        self._lock_file = _lock(root)
        stored = _read(root / _FILE)
        self._aliases: dict[str, str] = dict(stored["aliases"])
        self._collections = {name: self._open(record) for name, record in stored["collections"].items()}
        self._remove_leftovers()

    def collections(self) -> list[Collection]:
        """Every collection, in no order."""
        with self._changes:
            return list(self._collections.values())

    def names(self) -> list[str]:
        """Every collection's name, sorted."""
        with self._changes:
            return sorted(self._collections)

    def exists(self, name: str) -> bool:
        """Whether `name` is a collection or an alias."""
        with self._changes:
            return name in self._collections or name in self._aliases

    def get(self, name: str) -> Collection:
        """The collection called `name`, directly or by alias; 404 when there is none."""
        with self._changes:
            found = self._collections.get(self._aliases.get(name, name))
        if found is None:
            raise _missing(name)
        return found

    def create(self, name: str, request: m.CreateCollection) -> None:
        """Create a collection; 409 when the name is taken."""
        config = schema.engine_config(request)
        with self._changes:
            if self.exists(name):
                raise RequestError(409, f"Wrong input: Collection `{name}` already exists!")
            identity, shard_name = uuid.uuid4().hex, f"shard-{uuid.uuid4().hex}"
            folder = self._root / _FOLDER / identity
            shard = Shard.create(folder / shard_name, config)
            created = datetime.now(UTC).isoformat()
            self._collections[name] = Collection(identity, folder, request, shard_name, shard, 0, created)
            self._save()

    def update(self, name: str, change: m.UpdateCollection) -> None:
        """Change what can be changed: optimizer thresholds (used by the next build) and metadata; 501 for the rest."""
        reject_set(
            change, "vectors", "params", "hnsw_config", "quantization_config", "sparse_vectors", "strict_mode_config"
        )
        schema.engine_optimizers(change.optimizers_config)
        with self._changes:
            collection = self.get(name)
            old, new = collection.request.optimizers_config, change.optimizers_config
            optimizers = {
                **(old.model_dump(exclude_none=True) if old else {}),
                **(new.model_dump(exclude_none=True) if new else {}),
            }
            updates: dict[str, Any] = {"optimizers_config": m.OptimizersConfigDiff(**optimizers)}
            if change.metadata is not None:
                updates["metadata"] = (collection.request.metadata or {}) | change.metadata
            collection.request = collection.request.model_copy(update=updates)
            self._save()

    def delete(self, name: str) -> bool:
        """Drop a collection and its aliases; whether there was one."""
        with self._changes:
            collection = self._collections.pop(name, None)
            if collection is None:
                return False
            self._aliases = {alias: target for alias, target in self._aliases.items() if target != name}
            self._save()
        collection.shard.discard()
        shutil.rmtree(collection.folder, ignore_errors=True)
        return True

    def aliases(self, name: str | None) -> list[dict[str, str]]:
        """Aliases of one collection, or of all; 404 for a collection that does not exist."""
        with self._changes:
            if name is not None and name not in self._collections:
                raise _missing(name)
            return [
                {"alias_name": alias, "collection_name": target}
                for alias, target in sorted(self._aliases.items())
                if name in (None, target)
            ]

    def change_aliases(self, actions: Sequence[m.AliasOperations]) -> None:
        """Apply all actions, or, when one is refused, none."""
        with self._changes:
            aliases = dict(self._aliases)
            for action in actions:
                match action:
                    case m.CreateAliasOperation(create_alias=wanted):
                        if wanted.collection_name not in self._collections:
                            raise _missing(wanted.collection_name)
                        if wanted.alias_name in self._collections:
                            raise RequestError(409, f"Wrong input: Collection `{wanted.alias_name}` already exists!")
                        aliases[wanted.alias_name] = wanted.collection_name
                    case m.DeleteAliasOperation(delete_alias=unwanted):
                        aliases.pop(unwanted.alias_name, None)
                    case m.RenameAliasOperation(rename_alias=change):
                        if change.old_alias_name not in aliases:
                            raise RequestError(404, f"Not found: Alias {change.old_alias_name} does not exists!")
                        aliases[change.new_alias_name] = aliases.pop(change.old_alias_name)
            self._aliases = aliases
            self._save()

    def index_field(self, collection: Collection, name: str, wanted: m.PayloadFieldSchema | None) -> None:
        """Index a payload field."""
        operation = schema.field_index(name, wanted)
        with collection.shard.writing() as writer:
            writer.apply(operation, 0)
        with self._changes:
            collection.fields[name] = (
                wanted.value if isinstance(wanted, m.PayloadSchemaType) else _plain(wanted) if wanted else None
            )
            self._save()

    def unindex_field(self, collection: Collection, name: str) -> None:
        """Drop a payload field's index; harmless where there is none."""
        with collection.shard.writing() as writer:
            writer.apply(edge.UpdateOperation.delete_field_index(name), 0)
        with self._changes:
            collection.fields.pop(name, None)
            self._save()

    def promote(self, collection: Collection, shard_name: str, indexed_points: int) -> None:
        """Record that the collection now lives in another shard folder; 404 when it was deleted meanwhile."""
        with self._changes:
            if collection not in self._collections.values():
                raise RequestError(404, "Not found: the collection was deleted meanwhile")
            before = collection.shard_name, collection.indexed_points
            collection.shard_name, collection.indexed_points = shard_name, indexed_points
            try:
                self._save()
            except OSError:
                collection.shard_name, collection.indexed_points = before
                raise

    def close(self) -> None:
        """Put everything on disk and let the folder go."""
        with self._changes:
            for collection in self._collections.values():
                collection.shard.close()
        os.close(self._lock_file)

    def _open(self, record: dict[str, Any]) -> Collection:
        folder = self._root / _FOLDER / record["folder"]
        shard = Shard.load(folder / record["shard"], record["indexed_points"])
        return Collection(
            identity=record["folder"],
            folder=folder,
            request=m.CreateCollection.model_validate(record["request"]),
            shard_name=record["shard"],
            shard=shard,
            indexed_points=record["indexed_points"],
            created_at=record["created_at"],
            fields=record["fields"],
        )

    def _save(self) -> None:
        records = {
            name: {
                "folder": collection.identity,
                "shard": collection.shard_name,
                "indexed_points": collection.indexed_points,
                "request": _plain(collection.request),
                "fields": collection.fields,
                "created_at": collection.created_at,
            }
            for name, collection in self._collections.items()
        }
        document = {"format": _FORMAT, "collections": records, "aliases": self._aliases}
        _write(self._root / _FILE, json.dumps(document, indent=1).encode())

    def _remove_leftovers(self) -> None:
        kept = {collection.identity: collection.shard_name for collection in self._collections.values()}
        for folder in (self._root / _FOLDER).iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder)
                continue
            for shard in folder.iterdir():
                if shard.name != kept[folder.name]:
                    shutil.rmtree(shard)


def _missing(name: str) -> RequestError:
    return RequestError(404, f"Not found: Collection `{name}` doesn't exist!")


def _plain(model: Any) -> dict[str, Any]:
    written: dict[str, Any] = model.model_dump(mode="json", exclude_none=True)
    return written


def _lock(root: Path) -> int:
    file = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise ServerError(
            f"Another Qdrant server already uses {root}: stop it, or start this one with another --path."
        ) from None
    return file


def _read(path: Path) -> dict[str, Any]:
    try:
        stored: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {"collections": {}, "aliases": {}}
    except (OSError, ValueError) as error:
        raise ServerError(f"{path} cannot be read ({error}): restore it, or remove its folder and rebuild.") from error
    if stored.get("format") != _FORMAT:
        raise ServerError(f"{path} was written by another version: remove its folder and rebuild the vector layer.")
    return stored


def _write(path: Path, data: bytes) -> None:
    """Replace `path` so that a reader, or the next start after a crash, sees the old or the new whole."""
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # The new file is in force already; a failure here must not be taken for a write that did not happen.
        with contextlib.suppress(OSError):
            os.fsync(folder)
    finally:
        os.close(folder)
