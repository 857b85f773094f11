"""Trust explained, entities, the graph around an item, decisions and their history."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from destiny_assets.adapters.postgres.browsing import EntityRow
from destiny_assets.adapters.postgres.decisions import StoredDecision
from destiny_assets.domain.access import Right
from destiny_assets.serving.api.doors import Guard, TheDoors
from destiny_assets.serving.api.paging import CursorText, Limit, Page, page_of, place_of
from destiny_assets.serving.api.parameters import ItemId, ProjectName, Word
from destiny_assets.serving.api.problems import RefusedError
from destiny_assets.serving.api.reading import Storable, TheReader
from destiny_assets.serving.library import DecisionHistory, EntityPage, Neighbourhood
from destiny_assets.serving.results import TrustExplanation

router = APIRouter(prefix="/v1/projects/{project}", tags=["browse"], dependencies=[Depends(Guard(Right.READ))])


@router.get("/trust", response_model=TrustExplanation)
def explain_trust(
    project: ProjectName,
    item: Annotated[
        str,
        Storable,
        Query(
            min_length=1, max_length=2_000, description="A chunk id (or its first 8 characters) or a document's uri."
        ),
    ],
    doors: TheDoors,
    reader: TheReader,
) -> Response:
    """The terms that an item's trust is the sum of, in log-odds."""
    found = doors.service.explain_trust(project, item, generation=reader.pin(project))
    return reader.answer(found, TrustExplanation)


@router.get("/entities", response_model=Page[EntityRow])
def list_entities(
    project: ProjectName,
    doors: TheDoors,
    reader: TheReader,
    q: Annotated[Word | None, Query(description="Only those whose name holds this.")] = None,
    kind: Annotated[Word | None, Query(description="Only those of this kind.")] = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Response:
    """Entities by name, with how many chunks name each."""
    place = place_of(cursor, 2)
    after = (place.key[0], _uuid(place.key[1])) if place else None
    generation = reader.pin(project, place)
    found = doors.reading.browsing.entities(project, generation, limit=limit + 1, after=after, kind=kind, named=q)
    return reader.answer(page_of(found, limit, lambda row: (row.name, row.id), generation), Page[EntityRow])


@router.get("/entities/{id}", response_model=EntityPage)
def read_entity(
    project: ProjectName,
    id: ItemId,  # noqa: A002
    doors: TheDoors,
    reader: TheReader,
    mentions: Annotated[int, Query(ge=0, le=200, description="How many of the chunks that name it.")] = 20,
) -> Response:
    """One entity, with the first chunks that name it."""
    return reader.answer(doors.library.entity(project, reader.pin(project), str(id), mentions), EntityPage)


@router.get("/graph/{id}", response_model=Neighbourhood)
def neighbourhood(
    project: ProjectName,
    id: ItemId,  # noqa: A002
    doors: TheDoors,
    reader: TheReader,
    limit: Annotated[int, Query(ge=1, le=500, description="How many edges at most.")] = 50,
) -> Response:
    """What is one edge away from a document, chunk, entity or decision."""
    found = doors.library.neighbourhood(project, reader.pin(project), str(id), limit)
    return reader.answer(found, Neighbourhood, lasting=not found.degraded)


@router.get("/decisions", response_model=Page[StoredDecision])
def list_decisions(
    project: ProjectName,
    doors: TheDoors,
    reader: TheReader,
    q: Annotated[Word | None, Query(description="Only those whose key, title or reasons hold this.")] = None,
    agent: Annotated[Word | None, Query(description="Only what this person or agent decided.")] = None,
    min_importance: Annotated[float, Query(ge=0, le=1, description="Only what matters at least so much.")] = 0.0,
    everything: Annotated[bool, Query(description="Also what is superseded, rejected or not yet accepted.")] = False,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Response:
    """What was decided, newest first, with what replaced it."""
    place = place_of(cursor, 1)
    generation = reader.pin(project, place)
    found = doors.service.decisions(
        project, agent=agent, min_importance=min_importance, only_holding=not everything, generation=generation
    ).decisions
    if q is not None:
        wanted = q.casefold()
        found = [d for d in found if any(wanted in text.casefold() for text in (d.key, d.title, d.rationale))]
    if place is not None:
        # The list of one generation never changes, so the item that the last page ended with is where this one begins.
        ids = [decision.id for decision in found]
        found = found[ids.index(place.key[0]) + 1 :] if place.key[0] in ids else []
    return reader.answer(page_of(found, limit, lambda row: (row.id,), generation), Page[StoredDecision])


@router.get("/decisions/{id}", response_model=DecisionHistory)
def decision_history(project: ProjectName, id: ItemId, doors: TheDoors, reader: TheReader) -> Response:  # noqa: A002
    """One decision, what it replaced and what replaced it."""
    return reader.answer(doors.library.decision_history(project, reader.pin(project), str(id)), DecisionHistory)


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise RefusedError("bad-request", "The cursor is none of this list's. Begin without one.") from None
