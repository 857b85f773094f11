"""Generations, what changed between them, rolling back; benchmarks and the health of the layers."""

import threading
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from destiny_assets.adapters.postgres.benchmarks import BenchmarkRun
from destiny_assets.adapters.postgres.browsing import ChangedDocument
from destiny_assets.domain.access import Right
from destiny_assets.domain.generations import Generation
from destiny_assets.serving.api.doors import Guard, TheDoors
from destiny_assets.serving.api.paging import CursorText, Limit, Page, page_of, place_of
from destiny_assets.serving.api.parameters import ProjectName, Word
from destiny_assets.serving.api.problems import RefusedError
from destiny_assets.serving.api.reading import MOST_GENERATIONS, as_json, published
from destiny_assets.serving.api.writing import TheWriter
from destiny_assets.serving.health import diagnose
from destiny_assets.serving.measurements import Comparison, Curves, comparison, curves
from destiny_assets.serving.results import Diagnosis

router = APIRouter(prefix="/v1/projects/{project}", tags=["history"])
Number = Annotated[int, Path(ge=1, le=MOST_GENERATIONS, description="A generation.")]
# It reads every layer whole; a second one at the same time would only make both slower.
_DIAGNOSING = threading.Lock()


@router.get("/generations", dependencies=[Depends(Guard(Right.READ))], response_model=Page[Generation])
def list_generations(project: ProjectName, doors: TheDoors, limit: Limit = 50, cursor: CursorText = None) -> Response:
    """Generations, newest first: which is current, what each held, why one was not published."""
    place = place_of(cursor, 1)
    doors.reading.projects.require(project)
    before = int(place.key[0]) if place and place.key[0].isdecimal() and place.key[0].isascii() else None
    found = [one for one in doors.reading.generations.all(project) if before is None or one.number < before]
    return as_json(page_of(found, limit, lambda row: (str(row.number),)), Page[Generation])


@dataclass(frozen=True, slots=True)
class Changes:
    """What generation `after` shows otherwise than `before`: documents, page by page."""

    project: str
    before: int
    after: int
    documents: Page[ChangedDocument]


@router.get("/generations/{number}/changes", dependencies=[Depends(Guard(Right.READ))], response_model=Changes)
def list_changes(
    project: ProjectName,
    number: Number,
    since: Annotated[int, Query(ge=1, le=MOST_GENERATIONS, description="The generation to compare with.")],
    doors: TheDoors,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Response:
    """The documents that were added, changed or removed between two generations."""
    place = place_of(cursor, 2)
    before, after = (published(doors, project, None, one).number for one in (since, number))
    found = doors.reading.browsing.changed_documents(
        project, before, after, limit=limit + 1, behind=(place.key[0], place.key[1]) if place else None
    )
    page = page_of(found, limit, lambda row: (row.uri, row.source))
    return as_json(Changes(project, before, after, page), Changes)


class Rollback(BaseModel):
    """Where readers shall be pointed."""

    model_config = ConfigDict(extra="forbid")
    generation: Annotated[int, Field(ge=1, le=MOST_GENERATIONS)]


@router.post("/rollback", dependencies=[Depends(Guard(Right.CURATE))], response_model=Generation)
def rollback(project: ProjectName, body: Rollback, doors: TheDoors, writer: TheWriter) -> Response:
    """Point readers at a published generation, earlier or later; nothing is deleted."""
    return writer.perform(
        "generation.rollback",
        project,
        {"generation": body.generation},
        lambda: doors.ledger.generations.rollback(project, body.generation),
        Generation,
    )


@router.get("/benchmarks", dependencies=[Depends(Guard(Right.INSPECT))], response_model=Page[BenchmarkRun])
def list_benchmarks(
    project: ProjectName,
    doors: TheDoors,
    suite: Annotated[Word | None, Query(description="Only this suite.")] = None,
    recipe: Annotated[Word | None, Query(description="Only this recipe.")] = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Response:
    """What each recipe reached on each suite of golden questions, newest first."""
    place = place_of(cursor, 1)
    doors.reading.projects.require(project)
    runs = doors.reading.benchmarks.history(project)
    numbered = [
        (number, run)
        for number, run in enumerate(runs)
        if (suite is None or run.suite == suite) and (recipe is None or run.recipe == recipe)
    ]
    # History is only ever added to, so a run keeps its number.
    before = int(place.key[0]) if place and place.key[0].isdecimal() and place.key[0].isascii() else len(runs)
    found = [(number, run) for number, run in reversed(numbered) if number < before]
    page = page_of(found, limit, lambda row: (str(row[0]),))
    return as_json(Page([run for _, run in page.items], page.next_cursor), Page[BenchmarkRun])


@router.get("/benchmarks/curves", dependencies=[Depends(Guard(Right.INSPECT))], response_model=Curves)
def benchmark_curves(
    project: ProjectName,
    doors: TheDoors,
    metric: Annotated[Word, Query(description="Which metric.")] = "ndcg@10",
) -> Response:
    """How a metric moved over the newest published generations, recipe by recipe, with 95 % bootstrap intervals."""
    doors.reading.projects.require(project)
    return as_json(curves(doors.reading, project, metric), Curves)


@router.get("/benchmarks/comparison", dependencies=[Depends(Guard(Right.INSPECT))], response_model=Comparison)
def compare_benchmarks(
    project: ProjectName,
    doors: TheDoors,
    suite: Annotated[Word, Query(description="The suite of golden questions.")],
    recipe: Annotated[Word, Query(description="The recipe.")],
    before: Annotated[int, Query(ge=1, le=MOST_GENERATIONS, description="The generation to compare with.")],
    after: Annotated[int, Query(ge=1, le=MOST_GENERATIONS, description="The generation to compare.")],
    metric: Annotated[Word, Query(description="Which metric.")] = "ndcg@10",
) -> Response:
    """Which golden questions one generation answers otherwise than another, the deepest fall first."""
    old, new = (published(doors, project, None, one).number for one in (before, after))
    found = comparison(doors.reading, project, suite=suite, recipe=recipe, metric=metric, before=old, after=new)
    return as_json(found, Comparison)


@router.get("/doctor", dependencies=[Depends(Guard(Right.INSPECT))], response_model=Diagnosis)
def doctor(project: ProjectName, doors: TheDoors) -> Response:
    """Every layer compared with the ledger, item by item; what differs, and what is quarantined and why."""
    if not _DIAGNOSING.acquire(blocking=False):
        raise RefusedError(
            "too-many-requests", "Another project is being examined. Ask again in a moment.", {"Retry-After": "2"}
        )
    try:
        return as_json(diagnose(*doors.layers, project), Diagnosis)
    finally:
        _DIAGNOSING.release()
