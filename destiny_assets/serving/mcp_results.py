"""What an agent gets back: a result with its warnings in words, short where an agent pays for every token. Nothing is read here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, Field

from destiny_assets.adapters.postgres.decisions import StoredDecision
from destiny_assets.serving.results import Answer, ContextPack, HeldBack, SearchResult

_T = TypeVar("_T")
_NAMED = 5
_IN_FORCE = frozenset({"accepted", "active", "final"})


class Told(BaseModel, Generic[_T]):
    """A result and what a reader of it has to know besides."""

    warnings: list[str] = Field(
        description="What to know before relying on the result, in sentences; empty when nothing is odd."
    )
    result: _T


class ProjectShown(BaseModel):
    """A project and what readers see of it now."""

    project: str
    generation: int | None = Field(description="The published generation; null when nothing can be read yet.")
    published_at: datetime | None
    documents: int
    chunks: int


class PackedSource(BaseModel):
    """Where passage `number` of a packed text comes from."""

    number: int
    chunk_id: str
    document: str
    uri: str
    trust: float = Field(description="Probability that it holds, 0 to 1.")
    at_risk: list[str] = Field(
        description="Why the decision recorded there is at risk; empty when it is not, or is none."
    )


class Packed(BaseModel):
    """A text of at most `budget` tokens, and its sources by number."""

    project: str
    generation: int
    budget: int
    tokens: int
    text: str
    sources: list[PackedSource]
    left_out: int = Field(description="Passages that matched and did not fit.")


class Recalled(BaseModel):
    """Decisions of one generation."""

    project: str
    generation: int
    decisions: list[StoredDecision]
    left_out: int = Field(description="Decisions beyond the limit.")


def packed(found: ContextPack) -> Packed:
    """A context pack without its second copy of every passage."""
    return Packed(
        project=found.project,
        generation=found.generation,
        budget=found.budget,
        tokens=found.tokens,
        text=found.text,
        sources=[
            PackedSource(
                number=item.number,
                chunk_id=item.chunk_id,
                document=item.document,
                uri=item.uri,
                trust=item.trust,
                at_risk=item.at_risk,
            )
            for item in found.items
        ],
        left_out=found.left_out,
    )


def search_warnings(found: SearchResult) -> list[str]:
    """What is odd about hits: superseded, not in force, at risk, folded copies, withheld ones, layers that could not be used."""
    warnings = [f"Answered without: {', '.join(found.degraded)}. Hits may be missing."] if found.degraded else []
    for number, hit in enumerate(found.hits, start=1):
        if hit.superseded_by:
            warnings.append(superseded_warning(f"Hit {number} ({hit.uri})", hit.superseded_by))
        elif hit.status and hit.status not in _IN_FORCE:
            warnings.append(f"Hit {number} ({hit.uri}) has the status {hit.status}.")
        if hit.at_risk:
            warnings.append(at_risk_warning(f"Hit {number} ({hit.uri})", hit.at_risk))
        if hit.copies:
            uris = ", ".join(dict.fromkeys(copy.uri for copy in hit.copies))
            warnings.append(f"Hit {number} ({hit.uri}) has {len(hit.copies)} near-duplicates, not shown: {uris}.")
    if not found.hits:
        warnings.append("Nothing was found. Say so instead of guessing, or search with other words.")
    return warnings + held_warnings(found.held, found.withheld)


def answer_warnings(answer: Answer) -> list[str]:
    """What is odd about an answer: citations that are superseded or at risk, or that it is none."""
    warnings = [
        superseded_warning(f"Citation {citation.number} ({citation.uri})", citation.superseded_by)
        for citation in answer.citations
        if citation.superseded_by
    ]
    warnings += [
        at_risk_warning(f"Citation {citation.number} ({citation.uri})", citation.at_risk)
        for citation in answer.citations
        if citation.at_risk
    ]
    return warnings + ([_refused(answer)] if answer.refused else [])


def _refused(answer: Answer) -> str:
    looked_for = f" Looked for: {', '.join(answer.looked_for)}." if answer.looked_for else ""
    absent = f" None of the nearest passages says: {', '.join(answer.not_found)}." if answer.not_found else ""
    return (
        f"The project does not hold the answer.{looked_for}{absent} Say so instead of guessing, or ask with other words; `nearest` holds "
        "what came closest."
    )


def context_warnings(found: ContextPack) -> list[str]:
    """What is odd about a context pack: decisions at risk, and what was withheld."""
    risky = [
        at_risk_warning(f"Source {item.number} ({item.uri})", item.at_risk) for item in found.items if item.at_risk
    ]
    return risky + held_warnings(found.held, len(found.held))


def held_warnings(held: Sequence[HeldBack], count: int) -> list[str]:
    """How many passages were withheld, and why, for the first few."""
    if not count:
        return []
    why = "; ".join(dict.fromkeys(f"{one.uri}: {one.reason}" for one in held[:_NAMED]))
    return [f"{count} passages were withheld ({why}{'; …' if count > _NAMED else ''}). Mode all shows them."]


def superseded_warning(what: str, by: Sequence[str]) -> str:
    """That something no longer holds, and what to read instead."""
    return f"{what} is superseded by {', '.join(by)}: prefer that."


def at_risk_warning(what: str, reasons: Sequence[str]) -> str:
    """That a decision stands on something that no longer carries it."""
    return f"{what} is a decision at risk: {'; '.join(reasons)}. Ask whoever decided before you rely on it."


def not_yet_readable(project: str, what: str) -> str:
    """That a push waits for an ingest."""
    return f"Stored, but not readable until the next ingest: {what}. Someone runs: destiny ingest {project}"
