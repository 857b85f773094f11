"""Opening the layers for a command."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from destiny_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    from destiny_assets.adapters.postgres.ledger import PostgresLedger
    from destiny_assets.adapters.qdrant import QdrantVectorIndex
    from destiny_assets.ports import DocumentStore, KnowledgeGraph
    from destiny_assets.serving.service import KnowledgeService


class Layers(NamedTuple):
    """The four layers, opened; in the order in which every function that wants them takes them."""

    ledger: "PostgresLedger"
    originals: "DocumentStore"
    vectors: "QdrantVectorIndex"
    graph: "KnowledgeGraph"


@contextmanager
def open_ledger(
    settings: Settings | None = None, *, pool_size: int = 2, wait_s: float = 10
) -> Iterator["PostgresLedger"]:
    """The ledger, migrated; `wait_s` is how long its callers wait for a connection."""
    from destiny_assets.adapters.postgres.ledger import PostgresLedger

    with PostgresLedger(
        (settings or load_settings()).stores.postgres_url, pool_size=pool_size, wait_s=wait_s
    ) as ledger:
        ledger.migrate()
        yield ledger


@contextmanager
def open_service() -> Iterator["KnowledgeService"]:
    """The service over this home's layers, with the configured models."""
    with open_service_and_ledger() as (service, _):
        yield service


@contextmanager
def open_service_and_ledger(*, pool_size: int = 2) -> Iterator[tuple["KnowledgeService", "PostgresLedger"]]:
    """The service, and the ledger that it reads."""
    from destiny_assets.adapters.documents import open_document_store
    from destiny_assets.adapters.embedders.factory import open_embedder
    from destiny_assets.adapters.language_model import OpenAILanguageModel
    from destiny_assets.adapters.qdrant import QdrantVectorIndex
    from destiny_assets.adapters.reranker import open_reranker
    from destiny_assets.serving.circuits import QUERY_SECONDS, Circuits
    from destiny_assets.serving.service import KnowledgeService

    settings = load_settings()
    embedding, language = settings.embedding, settings.language_model
    model = OpenAILanguageModel(language.model, url=language.url, api_key=language.api_key) if language else None
    with (
        open_ledger(settings, pool_size=pool_size) as ledger,
        QdrantVectorIndex(settings.stores.qdrant_url, timeout_s=QUERY_SECONDS) as vectors,
        open_reranker(settings.reranker) as reranker,
    ):
        service = KnowledgeService(
            ledger,
            vectors,
            lambda: open_embedder(embedding.model, url=embedding.url, api_key=embedding.api_key, reader_waits=True),
            model,
            reranker=reranker,
            originals=open_document_store(settings.stores.documents_url),
            circuits=Circuits(),
        )
        yield service, ledger


@contextmanager
def open_layers(settings: Settings, *, project: str | None = None) -> Iterator["Layers"]:
    """All four layers; with a `project`, as its only writer for as long as the block runs."""
    from destiny_assets.adapters.documents import open_document_store
    from destiny_assets.adapters.neo4j import connect
    from destiny_assets.adapters.postgres.locks import project_to_oneself
    from destiny_assets.adapters.qdrant import QdrantVectorIndex

    stores = settings.stores
    with ExitStack() as stack:
        # Each layer is asked by a thread of its own, and each needs the ledger too.
        ledger = stack.enter_context(open_ledger(settings, pool_size=4))
        if project is not None:
            ledger.projects.require(project)
            stack.enter_context(project_to_oneself(stores.postgres_url, project, _tell))
        yield Layers(
            ledger,
            open_document_store(stores.documents_url),
            stack.enter_context(QdrantVectorIndex(stores.qdrant_url)),
            stack.enter_context(connect(stores.neo4j_url)),
        )


def _tell(text: str) -> None:
    print(text, file=sys.stderr)
