"""Ingesting again whenever a source changes, in one process that has everything loaded: ``destiny ingest --watch``."""

import time
from collections.abc import Callable
from pathlib import Path

from destiny_assets.adapters.documents import open_document_store
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.errors import DestinyError, NotFoundError, StoreUnavailableError
from destiny_assets.settings import Stores
from destiny_assets.stages.sweep import sources_mark

AGAIN_S = 30.0
"""Seconds until an ingest that broke off is tried again, when no source changed meanwhile."""


def watch(
    stores: Stores,
    cache: Path,
    project: str,
    ingest: Callable[[], bool],
    *,
    every_s: float,
    tell: Callable[[str], None],
    again_s: float = AGAIN_S,
) -> None:
    """Call `ingest` at once, and again whenever a sweep of the sources every `every_s` seconds finds them other than before it.

    `ingest` says whether it came to its end; one that did not is called again after `again_s`. Ends by what `ingest` raises, by
    `NotFoundError` when the project is removed, or by Ctrl-C; a layer or source that is away is told once and asked again.
    """
    originals = open_document_store(stores.documents_url)
    ingested: str | None = None
    mark: str | None
    told = ""
    with PostgresLedger(stores.postgres_url, pool_size=1) as ledger:
        while True:
            problem = ""
            try:
                ledger.projects.require(project)
                # Before the ingest: what changes while that runs is seen by the next sweep.
                mark = sources_mark(ledger, originals, cache, project)
            except NotFoundError:
                raise
            except DestinyError as error:
                mark, problem = ingested, f"{error} Looking again every {every_s:g} s."
            if not problem and mark != ingested:
                try:
                    ingested = mark if ingest() else None
                except StoreUnavailableError as error:
                    problem = f"{error} Trying again in {again_s:g} s."
                    ingested = None
                if ingested is None:
                    time.sleep(again_s)
            if problem not in ("", told):
                tell(problem)
            told = problem
            time.sleep(every_s)
