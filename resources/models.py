"""Models and readers as Dagster resources."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from destiny_assets.adapters.claim_model import OpenAIClaimModel
from destiny_assets.adapters.embedders.bert.tokenizer import MiniLMTokenizer
from destiny_assets.adapters.embedders.factory import open_embedder
from destiny_assets.adapters.entity_extractors import open_extractor
from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.adapters.reranker import HttpReranker, open_reranker
from destiny_assets.ports import Embedder, EntityExtractor, Progress, TokenCounter
from destiny_assets.settings import ClaimModelSettings, EmbeddingSettings, RerankerSettings, extractor_name


class EmbedderResource(dg.ConfigurableResource[Embedder]):
    """The embedding model that ``DESTINY_EMBEDDING_MODEL`` names, loaded once a run."""

    def create_resource(self, context: dg.InitResourceContext) -> Embedder:  # noqa: ARG002
        """The model, ready."""
        chosen = EmbeddingSettings.from_environment(os.environ)
        return open_embedder(chosen.model, url=chosen.url, api_key=chosen.api_key)


class RerankerResource(dg.ConfigurableResource[HttpReranker | None]):
    """The reranker that ``DESTINY_RERANKER`` names; None without one."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[HttpReranker | None]:  # noqa: ARG002
        """The reranker, closed whatever happens."""
        with open_reranker(RerankerSettings.from_environment(os.environ)) as reranker:
            yield reranker


class ClaimModelResource(dg.ConfigurableResource[OpenAIClaimModel | None]):
    """The language model that ``DESTINY_CLAIM_MODEL`` names to read claims; None without one."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[OpenAIClaimModel | None]:  # noqa: ARG002
        """The model, ready."""
        chosen = ClaimModelSettings.from_environment(os.environ)
        yield OpenAIClaimModel(chosen.model, url=chosen.url, api_key=chosen.api_key) if chosen else None


class ExtractorResource(dg.ConfigurableResource[EntityExtractor]):
    """The opt-in entity extractor that ``DESTINY_ENTITY_EXTRACTOR`` names."""

    def create_resource(self, context: dg.InitResourceContext) -> EntityExtractor:  # noqa: ARG002
        """The extractor, ready."""
        return open_extractor(extractor_name(os.environ))


class TokensResource(dg.ConfigurableResource[TokenCounter]):
    """The tokenizer that limits a chunk; the same for every model, so that a new model leaves the chunks as they are."""

    def create_resource(self, context: dg.InitResourceContext) -> TokenCounter:  # noqa: ARG002
        """The tokenizer."""
        return MiniLMTokenizer()


class ReaderResource(dg.ConfigurableResource[DocumentReader]):
    """The parsers of every format."""

    def create_resource(self, context: dg.InitResourceContext) -> DocumentReader:  # noqa: ARG002
        """The reader."""
        return DocumentReader()


class LoggedProgress:
    """Progress as lines of the run's log."""

    def __init__(self, log: dg.DagsterLogManager) -> None:
        self._log = log

    def advance(self, stage: str, done: int, total: int) -> None:
        """One debug line."""
        self._log.debug(f"{stage}: {done} of {total}" if total else f"{stage}: {done}")


class ProgressResource(dg.ConfigurableResource[Progress]):
    """Where stages say how far they are; the command line puts its own in place of this."""

    def create_resource(self, context: dg.InitResourceContext) -> Progress:
        """Progress into the run's log."""
        if context.log is None:
            raise dg.DagsterInvariantViolationError("a resource is made within a run")
        return LoggedProgress(context.log)
