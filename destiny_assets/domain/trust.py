"""How far a document or chunk can be trusted, as a sum of log-odds terms that explains itself.

``score = 1 / (1 + exp(-sum of terms))``, in (0, 1). This first model has no labels to learn from: the weights below are stated
priors, not measurements. It keeps the shape of the learned one to come: terms in, sum out, each with a sentence.
Freshness is measured against the project itself, not against a clock, so that an unchanged project has unchanged scores: against
the beginning of the year of its newest dated document, so that a new document changes the others' scores only when it is the first
of its year. Within the newest year age costs nothing; that ignores 0.06 of log-odds at most.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from destiny_assets.domain.documents import Status

MODEL = "terms/2"

_STATUS_LOG_ODDS = {
    Status.FINAL: 1.0,
    Status.ACCEPTED: 0.8,
    Status.ACTIVE: 0.8,
    Status.DRAFT: -0.3,
    Status.DEFERRED: -0.6,
    Status.WITHDRAWN: -1.5,
    Status.REJECTED: -2.0,
    Status.SUPERSEDED: -2.0,
}
# What age alone can cost, and the age at which half of that is spent.
_STALEST, _HALF_LIFE_YEARS = -0.7, 8.0
_PER_SOURCE, _PER_REFERENCE, _MOST_FROM_REFERENCES = 0.5, 0.25, 1.0
_SECONDS_PER_YEAR = 365.2425 * 86_400


@dataclass(frozen=True, slots=True)
class Term:
    """One reason: `log_odds` (natural logarithm) is added to the sum, `why` says it in words."""

    name: str
    log_odds: float
    why: str


@dataclass(frozen=True, slots=True)
class TrustInput:
    """What is known of one document. `newest_year` is that of the newest dated document of the project, `corroborating` counts other
    sources that hold the same text, `inbound` documents that refer here.
    """

    source: str
    prior: float
    status: Status | None
    dated: datetime | None
    newest_year: int | None
    superseded_by: tuple[str, ...] = ()
    corroborating: int = 0
    inbound: int = 0


@dataclass(frozen=True, slots=True)
class Trust:
    """A score in (0, 1) and the terms whose log-odds sum to its logit."""

    score: float
    terms: tuple[Term, ...]

    def as_rows(self) -> list[dict[str, Any]]:
        """The terms as plain values, for storing."""
        return [{"name": term.name, "log_odds": term.log_odds, "why": term.why} for term in self.terms]


def document_trust(known: TrustInput) -> Trust:
    """The trust in one document; raises `ValueError` unless 0 < prior < 1."""
    if not 0 < known.prior < 1:
        raise ValueError(f"the prior of source {known.source!r} must lie between 0 and 1, not {known.prior}")
    terms = [
        Term(
            "source",
            _logit(known.prior),
            f"source {known.source!r} is trusted {known.prior:.0%} before anything else is known",
        ),
        _status(known),
    ]
    if known.dated and known.newest_year:
        terms.append(_freshness(known.dated, known.newest_year))
    if known.corroborating:
        terms.append(_corroboration(known.corroborating))
    if known.inbound:
        weight = min(_MOST_FROM_REFERENCES, _PER_REFERENCE * math.log2(1 + known.inbound))
        terms.append(
            Term("references", weight, f"{_count(known.inbound, 'other document')} of the project refer to it")
        )
    return _sum(term for term in terms if term.log_odds != 0)


def chunk_trust(document: Trust, corroborating: int) -> Trust:
    """The trust in one chunk: its document's terms, and the other sources that hold the same passage."""
    if not corroborating:
        return document
    return _sum((*(term for term in document.terms if term.name != "corroboration"), _corroboration(corroborating)))


def _status(known: TrustInput) -> Term:
    if known.superseded_by:
        return Term("status", _STATUS_LOG_ODDS[Status.SUPERSEDED], f"superseded by {', '.join(known.superseded_by)}")
    if known.status is None:
        return Term("status", 0.0, "says nothing of its status")
    return Term("status", _STATUS_LOG_ODDS[known.status], f"its status is {known.status.value}")


def _freshness(dated: datetime, newest_year: int) -> Term:
    years = max(0.0, (datetime(newest_year, 1, 1, tzinfo=UTC) - dated).total_seconds() / _SECONDS_PER_YEAR)
    return Term(
        "freshness",
        _STALEST * (1 - 2 ** (-years / _HALF_LIFE_YEARS)),
        f"{years:.1f} years older than {newest_year}, the year of the project's newest document",
    )


def _corroboration(sources: int) -> Term:
    return Term(
        "corroboration", _PER_SOURCE * math.log2(1 + sources), f"{_count(sources, 'other source')} hold the same text"
    )


def _sum(terms: Iterable[Term]) -> Trust:
    kept = tuple(terms)
    return Trust(score=1 / (1 + math.exp(-math.fsum(term.log_odds for term in kept))), terms=kept)


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
