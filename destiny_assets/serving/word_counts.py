"""How rare the words of a question are in a generation, each counted once: a common word's postings are megabytes in a large project."""

from dataclasses import dataclass, field
from functools import lru_cache

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.sparse import terms_of
from destiny_assets.domain.support import Sought, sought

_GENERATIONS = 64
# A term and its count take some 100 bytes.
_MOST_TERMS = 50_000


@dataclass(slots=True)
class _Known:
    size: int = 0
    having: dict[int, int] = field(default_factory=dict)


class WordCounts:
    """Thread-safe: two that count a word at once find the same."""

    def __init__(self, ledger: PostgresLedger) -> None:
        self._ledger = ledger
        self._known = lru_cache(maxsize=_GENERATIONS)(lambda project, generation: _Known())  # noqa: ARG005

    def sought(self, project: str, generation: int, question: str) -> Sought:
        """What a question looks for among the passages that were indexed when a word of it was first looked for in the generation."""
        known = self._known(project, generation)
        size, before = known.size, known.having
        terms = terms_of(question)
        having = {term: before[term] for term in terms if term in before}
        if len(having) < len(terms) or not size:
            new = sorted(terms - having.keys())
            size, counted = self._ledger.lexical.counts(project, generation, new)
            having |= {term: counted.get(term, 0) for term in new}
            # Replaced and never changed: another thread may be reading it.
            known.having = {**(before if len(before) < _MOST_TERMS else {}), **having}
            known.size = size
        return sought(question, size, having)
