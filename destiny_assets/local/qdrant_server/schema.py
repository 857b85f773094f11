"""What a collection is made of: its vectors and settings, between Qdrant's models and the engine's configuration."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import qdrant_edge as edge
from qdrant_client.http.models import models as m

from destiny_assets.local.qdrant_server.protocol import bad_request, reject_set, unprocessable, unsupported

DEFAULT_VECTOR = ""
# Qdrant's own default is 10,000 KB; an exact scan of 20,000 KB (13,000 vectors of 384) takes 3 ms here and misses nothing.
INDEXING_THRESHOLD_KB = 20_000
_FLOAT_BYTES = 4
_DISTANCES = {
    m.Distance.COSINE: edge.Distance.Cosine,
    m.Distance.DOT: edge.Distance.Dot,
    m.Distance.EUCLID: edge.Distance.Euclid,
    m.Distance.MANHATTAN: edge.Distance.Manhattan,
}
_FIELD_TYPES = {
    m.PayloadSchemaType.KEYWORD: edge.PayloadSchemaType.Keyword,
    m.PayloadSchemaType.INTEGER: edge.PayloadSchemaType.Integer,
    m.PayloadSchemaType.FLOAT: edge.PayloadSchemaType.Float,
    m.PayloadSchemaType.BOOL: edge.PayloadSchemaType.Bool,
    m.PayloadSchemaType.UUID: edge.PayloadSchemaType.Uuid,
    m.PayloadSchemaType.DATETIME: edge.PayloadSchemaType.Datetime,
    m.PayloadSchemaType.TEXT: edge.PayloadSchemaType.Text,
}
_HNSW = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000, "max_indexing_threads": 0}
_OPTIMIZER = ("deleted_threshold", "vacuum_min_vector_number", "default_segment_number", "max_segment_size")


@dataclass(frozen=True, slots=True)
class Dense:
    """One space of dense vectors."""

    size: int
    larger_is_nearer: bool


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vector spaces of a collection by name; ``""`` is Qdrant's unnamed one."""

    dense: Mapping[str, Dense]
    sparse: Mapping[str, bool]
    """Name to whether scores carry the inverse document frequency."""

    @property
    def unnamed_only(self) -> bool:
        """Whether a vector travels as a bare list."""
        return set(self.dense) == {DEFAULT_VECTOR} and not self.sparse

    @property
    def bytes_per_point(self) -> int:
        """Dense bytes of one point, what the indexing threshold is measured in."""
        return sum(space.size for space in self.dense.values()) * _FLOAT_BYTES


def vectors_of(request: m.CreateCollection) -> Vectors:
    """The vector spaces a collection was created with."""
    return Vectors(
        dense={
            name: Dense(params.size, params.distance in (m.Distance.COSINE, m.Distance.DOT))
            for name, params in _dense_params(request).items()
        },
        sparse={name: params.modifier == m.Modifier.IDF for name, params in (request.sparse_vectors or {}).items()},
    )


def engine_config(request: m.CreateCollection) -> edge.EdgeConfig:
    """The engine's configuration for a new collection; 501 for what this server leaves out."""
    reject_set(
        request, "sharding_method", "payload", "id_tracker", "wal_config", "quantization_config", "strict_mode_config"
    )
    for name in ("shard_number", "replication_factor", "write_consistency_factor"):
        if getattr(request, name) not in (None, 1):
            raise unsupported(f"{name} other than 1")
    sparse = request.sparse_vectors or {}
    dense = _dense_params(request)
    if not dense and not sparse:
        raise bad_request("a collection needs at least one dense or sparse vector")
    for name in dense.keys() & sparse.keys():
        raise bad_request(f"vector name `{name}` is both dense and sparse")
    return edge.EdgeConfig(
        vectors={name: _dense(name, params) for name, params in dense.items()} or None,
        sparse_vectors={name: _sparse(name, params) for name, params in sparse.items()} or None,
        on_disk_payload=request.on_disk_payload,
        hnsw_config=_hnsw(request.hnsw_config, "hnsw_config."),
        optimizers=engine_optimizers(request.optimizers_config),
    )


def engine_optimizers(wanted: m.OptimizersConfigDiff | None) -> edge.EdgeOptimizersConfig:
    """The engine's optimizer settings; 501 for those it does not have."""
    if wanted is not None:
        reject_set(
            wanted,
            "memmap_threshold",
            "flush_interval_sec",
            "max_optimization_threads",
            "prevent_unoptimized",
            where="optimizers_config.",
        )
    given = {} if wanted is None else wanted.model_dump(include=set(_OPTIMIZER), exclude_none=True)
    return edge.EdgeOptimizersConfig(**given, indexing_threshold=indexing_threshold_kb(wanted))


def indexing_threshold_kb(optimizers: m.OptimizersConfigDiff | None) -> int:
    """Kilobytes of unindexed dense vectors from which an HNSW index is built; 0 is never."""
    wanted = None if optimizers is None else optimizers.indexing_threshold
    return INDEXING_THRESHOLD_KB if wanted is None else wanted


def describe(request: m.CreateCollection) -> dict[str, Any]:
    """The `config` of a collection's information, in Qdrant's own layout."""
    optimizers = request.optimizers_config or m.OptimizersConfigDiff()
    hnsw = request.hnsw_config or m.HnswConfigDiff()
    return {
        "params": {
            **request.model_dump(mode="json", include={"vectors", "sparse_vectors"}, exclude_none=True),
            "shard_number": 1,
            "replication_factor": 1,
            "write_consistency_factor": 1,
            "on_disk_payload": request.on_disk_payload if request.on_disk_payload is not None else True,
        },
        "hnsw_config": _HNSW | hnsw.model_dump(mode="json", exclude_none=True),
        "optimizer_config": {
            "default_segment_number": 0,
            "flush_interval_sec": 5,
            **optimizers.model_dump(mode="json", exclude_none=True),
            "indexing_threshold": indexing_threshold_kb(optimizers),
        },
        "metadata": request.metadata,
    }


def field_index(field: str, schema: m.PayloadFieldSchema | None) -> edge.UpdateOperation:
    """The operation that indexes a payload field; 501 for a kind or option this server leaves out."""
    if schema is None:
        raise bad_request("field_schema is required")
    if isinstance(schema, m.PayloadSchemaType):
        if schema not in _FIELD_TYPES:
            raise unsupported(f"field_schema {schema.value}")
        return edge.UpdateOperation.create_field_index(field, _FIELD_TYPES[schema])
    given = schema.model_dump(exclude_none=True)
    kind = str(given.pop("type").value)
    makers: dict[str, Any] = {
        "keyword": edge.KeywordIndexParams,
        "integer": edge.IntegerIndexParams,
        "float": edge.FloatIndexParams,
        "bool": edge.BoolIndexParams,
        "uuid": edge.UuidIndexParams,
        "datetime": edge.DatetimeIndexParams,
        "text": edge.TextIndexParams,
    }
    if kind not in makers:
        raise unsupported(f"field_schema {kind}")
    for option in ("memory", "stopwords", "stemmer", "scoring", "nested"):
        if option in given:
            raise unsupported(f"field_schema.{option}")
    if "tokenizer" in given:
        given["tokenizer"] = getattr(edge.TokenizerType, given["tokenizer"].value.capitalize())
    return edge.UpdateOperation.create_field_index(field, makers[kind](**given))


def _dense_params(request: m.CreateCollection) -> dict[str, m.VectorParams]:
    if request.vectors is None:
        return {}
    return {DEFAULT_VECTOR: request.vectors} if isinstance(request.vectors, m.VectorParams) else request.vectors


def _dense(name: str, params: m.VectorParams) -> edge.EdgeVectorParams:
    where = f"vectors.{name}." if name else "vectors."
    reject_set(params, "quantization_config", "memory", "multivector_config", where=where)
    if params.datatype is not None and params.datatype != m.Datatype.FLOAT32:
        raise unsupported(f"{where}datatype {params.datatype.value}")
    if not 1 <= params.size <= 65_536:
        raise unprocessable(f"{where}size", "must be from 1 to 65536")
    return edge.EdgeVectorParams(
        size=params.size,
        distance=_DISTANCES[params.distance],
        on_disk=params.on_disk,
        hnsw_config=None if params.hnsw_config is None else _hnsw(params.hnsw_config, f"{where}hnsw_config."),
    )


def _sparse(name: str, params: m.SparseVectorParams) -> edge.EdgeSparseVectorParams:
    index = params.index or m.SparseIndexParams()
    reject_set(index, "memory", "datatype", where=f"sparse_vectors.{name}.index.")
    return edge.EdgeSparseVectorParams(
        full_scan_threshold=index.full_scan_threshold,
        on_disk=index.on_disk,
        modifier=edge.Modifier.Idf if params.modifier == m.Modifier.IDF else None,
    )


def _hnsw(wanted: m.HnswConfigDiff | None, where: str) -> edge.HnswIndexConfig:
    wanted = wanted or m.HnswConfigDiff()
    reject_set(wanted, "memory", where=where)
    values = _HNSW | wanted.model_dump(exclude_none=True)
    return edge.HnswIndexConfig(**values)


def is_finite(values: list[float]) -> bool:
    """Whether every number fits a 32-bit float; a larger one would be stored as infinity and score as nonsense."""
    largest = 3.4028235e38
    return not values or (math.isfinite(sum(values)) and max(values) <= largest and min(values) >= -largest)
