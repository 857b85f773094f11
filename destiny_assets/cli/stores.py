"""Opening the layers for a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from destiny_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    from destiny_assets.adapters.postgres.ledger import PostgresLedger
    from destiny_assets.serving.results import Diagnosis
    from destiny_assets.serving.service import KnowledgeService


@contextmanager
def open_ledger(settings: Settings | None = None) -> Iterator["PostgresLedger"]:
    """The ledger, migrated."""
    from destiny_assets.adapters.postgres.ledger import PostgresLedger

    with PostgresLedger((settings or load_settings()).stores.postgres_url, pool_size=2) as ledger:
        ledger.migrate()
        yield ledger


@contextmanager
def open_service() -> Iterator["KnowledgeService"]:
    """The service over this home's layers, with the configured models."""
    from destiny_assets.adapters.documents import open_document_store
    from destiny_assets.adapters.embedders.factory import open_embedder
    from destiny_assets.adapters.language_model import OpenAILanguageModel
    from destiny_assets.adapters.qdrant import QdrantVectorIndex
    from destiny_assets.serving.service import KnowledgeService

    settings = load_settings()
    embedding, language = settings.embedding, settings.language_model
    model = OpenAILanguageModel(language.model, url=language.url, api_key=language.api_key) if language else None
    with open_ledger(settings) as ledger, QdrantVectorIndex(settings.stores.qdrant_url) as vectors:
        yield KnowledgeService(
            ledger,
            vectors,
            lambda: open_embedder(embedding.model, url=embedding.url, api_key=embedding.api_key),
            model,
            originals=open_document_store(settings.stores.documents_url),
        )


def diagnoses(project: str | None) -> list["Diagnosis"]:
    """The health of one project, or of all."""
    from destiny_assets.adapters.documents import open_document_store
    from destiny_assets.adapters.neo4j import connect
    from destiny_assets.adapters.qdrant import QdrantVectorIndex
    from destiny_assets.serving.health import diagnose

    settings = load_settings()
    stores = settings.stores
    with (
        open_ledger(settings) as ledger,
        QdrantVectorIndex(stores.qdrant_url) as vectors,
        connect(stores.neo4j_url) as graph,
    ):
        originals = open_document_store(stores.documents_url)
        return [
            diagnose(ledger, originals, vectors, graph, name)
            for name in ([project] if project else ledger.projects.names())
        ]
