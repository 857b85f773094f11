"""How long searches take while several readers ask at once. What they find is `measure`'s business."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from destiny_assets.adapters.postgres.benchmarks import Suite
from destiny_assets.domain.filters import Filters
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.metrics import percentile
from destiny_assets.domain.retrieval import READERS
from destiny_assets.serving.service import EVERYTHING, KnowledgeService


def searched(suite: Suite, query: str) -> Filters:
    """Where a question of a suite is asked."""
    return Filters(sources=[suite.sources[query]]) if query in suite.sources else EVERYTHING


def latencies_of_readers(
    open_service: Callable[[], KnowledgeService], generation: Generation, suite: Suite, recipe: str, *, asked: int
) -> dict[int, dict[str, float]]:
    """``p50_ms``, ``p95_ms`` and ``p99_ms`` of a search for ten by how many readers ask at once (`READERS`), up to `asked` questions each.

    Readers ask one question after the other, none of which was embedded before: `open_service` gives a service that has cached nothing.
    """
    questions = list(islice(suite.queries.items(), asked))
    found = {}
    for readers in READERS:
        service = open_service()

        def ask(item: tuple[str, str], service: KnowledgeService = service) -> float:
            query, text = item
            only = searched(suite, query)
            return service.search(
                generation.project, text, recipe=recipe, generation=generation, filters=only
            ).latency_ms

        with ThreadPoolExecutor(readers) as threads:
            latencies = list(threads.map(ask, questions))
        found[readers] = {f"p{share}_ms": round(percentile(latencies, share / 100), 2) for share in (50, 95, 99)}
    return found
