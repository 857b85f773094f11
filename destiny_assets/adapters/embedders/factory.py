"""Which embedder a model's name and URL mean."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from destiny_assets.adapters.embedders.bert.models import MODELS
from destiny_assets.errors import ConfigurationError
from destiny_assets.ports import Embedder


def open_embedder(
    model: str, *, url: str | None = None, api_key: str | None = None, reader_waits: bool = False
) -> Embedder:
    """The embedder called `model`; where a `reader_waits` for it, an endpoint is soon given up.

    ``minilm`` runs on this machine in the arithmetic that is fastest on its CPU; ``minilm:f32`` in the one that every
    CPU has, for different machines that share a project; ``bge-small`` and ``bge-small:f32`` are a larger model, whose
    weights must have been fetched. ``openai:MODEL`` asks an OpenAI-compatible endpoint; `url` is its base (OpenAI's own
    without one) and may end in ``?dimensions=256&requests_per_minute=60``; ``version=2`` among
    them says that it serves another model under the same name than it did. ``fastembed:NAME`` is a model of
    fastembed's catalogue; there `url` is a folder that holds its files, where no hub is to be asked.
    Raises `ConfigurationError` when the name means none of these or something it needs is missing.
    """
    kind, _, name = model.partition(":")
    if (local := MODELS.get(model.removesuffix(":f32"))) is not None:
        from destiny_assets.adapters.embedders.bert.embedder import LocalBert

        return LocalBert(local, precision="f32" if name else None)
    if kind == "openai" and name:
        from destiny_assets.adapters.embedders.openai_compatible import OpenAICompatibleEmbedder

        endpoint = _endpoint(url) if url else _Endpoint(None)
        return OpenAICompatibleEmbedder(
            name,
            url=endpoint.base_url,
            api_key=api_key,
            dimensions=endpoint.dimensions,
            requests_per_minute=endpoint.requests_per_minute,
            version=endpoint.version,
            reader_waits=reader_waits,
        )
    if kind == "fastembed" and name:
        from destiny_assets.adapters.embedders.fastembed_catalogue import FastembedEmbedder

        return FastembedEmbedder(name, Path(url) if url else None)
    raise ConfigurationError(
        f"The embedding model {model!r} is not known. Use minilm, bge-small (either may end in :f32), "
        "openai:MODEL or fastembed:NAME."
    )


def open_embedder_of(model_id: str) -> Embedder | None:
    """The embedder whose vectors bear this id, where the id is all it takes: a local model, in either arithmetic; else nothing."""
    from destiny_assets.adapters.embedders.bert.embedder import LocalBert, configuration_of

    configuration = configuration_of(model_id)
    return LocalBert(*configuration) if configuration is not None else None


@dataclass(frozen=True, slots=True)
class _Endpoint:
    base_url: str | None
    dimensions: int | None = None
    requests_per_minute: int | None = None
    version: int | None = None


def _endpoint(url: str) -> _Endpoint:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            "DESTINY_EMBEDDING_URL is not the URL of an endpoint. Give one like http://host:8000/v1."
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    dimensions = _positive("dimensions", options.pop("dimensions", None))
    requests_per_minute = _positive("requests_per_minute", options.pop("requests_per_minute", None))
    version = _positive("version", options.pop("version", None))
    if options:
        raise ConfigurationError(
            f"DESTINY_EMBEDDING_URL has an option {min(options)!r} that is not known. "
            "Known are dimensions, requests_per_minute and version."
        )
    return _Endpoint(urlunsplit(parts._replace(query="", fragment="")), dimensions, requests_per_minute, version)


def _positive(name: str, value: str | None) -> int | None:
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or int(value) == 0:
        raise ConfigurationError(
            f"The option {name} of DESTINY_EMBEDDING_URL is {value!r}. Give a whole number above 0."
        )
    return int(value)
