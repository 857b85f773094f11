"""The four layers as Dagster resources, each from one URL that is read when a run starts."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from destiny_assets.adapters.documents import open_document_store
from destiny_assets.adapters.neo4j import Neo4jKnowledgeGraph, connect
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.locks import WriteRight, project_to_oneself
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.ports import DocumentStore
from destiny_assets.run_leases import resource_lease

_LOG = logging.getLogger("destiny")


class LedgerResource(dg.ConfigurableResource[PostgresLedger]):
    """The system of record, migrated to the newest schema."""

    url: str = dg.EnvVar("DESTINY_POSTGRES_URL")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[PostgresLedger]:
        """A ledger for one run, which is known to be alive for as long as it has it."""
        with resource_lease(self.url, context.run, context.instance), PostgresLedger(self.url) as ledger:
            ledger.migrate()
            yield ledger


class WriterResource(dg.ConfigurableResource[WriteRight]):
    """The right to write a project, held for as long as the run has its resources: a second ingest of it waits."""

    url: str = dg.EnvVar("DESTINY_POSTGRES_URL")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[WriteRight]:
        """The right to the run's project."""
        project = context.run.tags["dagster/partition"] if context.run else ""

        def say(text: str) -> None:
            # Into the run's log, and to whoever sits at a terminal: a wait without a word looks like a fault.
            _LOG.warning(text)
            if context.log:
                context.log.info(text)

        with project_to_oneself(self.url, project, say) as right:
            yield right


class OriginalsResource(dg.ConfigurableResource[DocumentStore]):
    """Original bytes, content-addressed."""

    url: str = dg.EnvVar("DESTINY_DOCUMENTS_URL")

    def create_resource(self, context: dg.InitResourceContext) -> DocumentStore:  # noqa: ARG002
        """A store for one run."""
        return open_document_store(self.url)


class VectorsResource(dg.ConfigurableResource[QdrantVectorIndex]):
    """The vector layer."""

    url: str = dg.EnvVar("DESTINY_QDRANT_URL")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[QdrantVectorIndex]:  # noqa: ARG002
        """An index for one run."""
        with QdrantVectorIndex(self.url) as index:
            yield index


class GraphResource(dg.ConfigurableResource[Neo4jKnowledgeGraph]):
    """The graph layer."""

    url: str = dg.EnvVar("DESTINY_NEO4J_URL")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Neo4jKnowledgeGraph]:  # noqa: ARG002
        """A graph for one run."""
        with connect(self.url) as graph:
            yield graph
