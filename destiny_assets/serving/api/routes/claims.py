"""Claims and why they are believed; labels, by which people say what is so; and what is worth a label."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from destiny_assets.adapters.postgres.beliefs import StoredLabel
from destiny_assets.adapters.postgres.claim_reading import StoredClaim
from destiny_assets.domain.access import Right
from destiny_assets.serving.api.doors import Guard, TheDoors
from destiny_assets.serving.api.paging import CursorText, Limit, Page, page_of, place_of
from destiny_assets.serving.api.parameters import ItemId, ProjectName, Word
from destiny_assets.serving.api.problems import RefusedError
from destiny_assets.serving.api.reading import TheReader, as_json
from destiny_assets.serving.api.writing import TheWriter
from destiny_assets.serving.claims import ClaimReader
from destiny_assets.serving.results import ClaimExplanation, Labelled, Suggestions, TrustMeasured

router = APIRouter(prefix="/v1/projects/{project}", tags=["claims"])
READS = [Depends(Guard(Right.READ))]
# A label outweighs every witness, so it takes more than handing in a document that says the same.
LABELS = [Depends(Guard(Right.CURATE))]
_MOST_LABELS = 1_000
_MOST_DIGITS = 9
_NO_CURSOR = "The cursor is none of this list's. Begin without one."


@router.get("/claims", dependencies=READS, response_model=Page[StoredClaim])
def list_claims(
    project: ProjectName,
    doors: TheDoors,
    reader: TheReader,
    subject: Annotated[Word | None, Query(description="Only those whose subject holds this.")] = None,
    predicate: Annotated[Word | None, Query(description="Only those with this predicate.")] = None,
    contested: Annotated[bool, Query(description="Only where current values contradict each other.")] = False,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Response:
    """What is claimed: by subject and predicate, values of one beside each other, the most probable first."""
    place = place_of(cursor, 1)
    passed = _number(place.key[0]) if place else 0
    generation = reader.pin(project, place)
    found = doors.service.claims.shown(
        project,
        subject=subject,
        predicate=predicate,
        contested=contested,
        limit=limit + 1,
        offset=passed,
        generation=generation,
    ).claims
    # The list of one generation never changes, so a page may begin by number.
    page = page_of(found, limit, lambda _: (str(passed + limit),), generation)
    return reader.answer(page, Page[StoredClaim])


@router.get("/claims/{id}", dependencies=READS, response_model=ClaimExplanation)
def explain_claim(project: ProjectName, id: ItemId, doors: TheDoors, reader: TheReader) -> Response:  # noqa: A002
    """Why a claim is believed as it is: terms, evidence, what speaks against it, what would change the verdict."""
    found = doors.service.claims.explained(project, str(id), generation=reader.pin(project))
    return reader.answer(found, ClaimExplanation)


@router.get("/labels", dependencies=READS, response_model=Page[StoredLabel])
def list_labels(project: ProjectName, doors: TheDoors, limit: Limit = 50, cursor: CursorText = None) -> Response:
    """What people said of claims, newest first. One said after the current generation began to be built counts with the next."""
    place = place_of(cursor, 2)
    doors.reading.projects.require(project)
    after = (_moment(place.key[0]), _uuid(place.key[1])) if place else None
    found = doors.reading.beliefs.said(project, limit + 1, after)
    return as_json(page_of(found, limit, lambda row: (row.labelled_at.isoformat(), row.claim)), Page[StoredLabel])


class Label(BaseModel):
    """What is so of one claim."""

    model_config = ConfigDict(extra="forbid")
    claim: Annotated[str, Field(pattern=r"^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$", description="A claim's id.")]
    verdict: Annotated[bool, Field(description="Whether it is true.")]


class NewLabels(BaseModel):
    """Labels to keep."""

    model_config = ConfigDict(extra="forbid")
    labels: Annotated[list[Label], Field(min_length=1, max_length=_MOST_LABELS)]


@router.post("/labels", dependencies=LABELS, response_model=Labelled)
def label_claims(project: ProjectName, body: NewLabels, doors: TheDoors, writer: TheWriter) -> Response:
    """Say of claims that they are true or false, in place of what was said of them before; the next ingest counts it."""
    verdicts = {one.claim: one.verdict for one in body.labels}
    # As the owner: the role that reads may write nothing.
    claims = ClaimReader(doors.ledger, doors.service.generation)
    return writer.perform(
        "claims.label", project, {"labels": verdicts}, lambda: claims.label(project, verdicts), Labelled
    )


@router.delete("/labels/{id}", dependencies=LABELS, response_model=Labelled)
def take_label_back(project: ProjectName, id: ItemId, doors: TheDoors, writer: TheWriter) -> Response:  # noqa: A002
    """Take back what was said of a claim (`id`), as if nobody had said it; the next ingest counts it."""
    claim = str(id)
    claims = ClaimReader(doors.ledger, doors.service.generation)
    return writer.perform(
        "claims.take_label_back", project, {"claim": claim}, lambda: claims.take_back(project, claim), Labelled
    )


@router.get("/labels/suggestions", dependencies=READS, response_model=Suggestions)
def suggest_labels(
    project: ProjectName,
    doors: TheDoors,
    reader: TheReader,
    limit: Annotated[int, Query(ge=1, le=200, description="How many slots.")] = 10,
) -> Response:
    """Where a label would teach most: contested slots, by how open they are and how much else their witnesses speak of."""
    found = doors.service.claims.suggested(project, limit=limit, generation=reader.pin(project))
    return reader.answer(found, Suggestions)


@router.get("/calibration", dependencies=READS, response_model=TrustMeasured)
def trust_measured(project: ProjectName, doors: TheDoors, reader: TheReader) -> Response:
    """How well probabilities of claims hold against people's labels, generation by generation, and what the model made of truth suites."""
    # Not answered as others of a generation are: a truth suite may be measured, or labels be judged anew, while readers keep theirs.
    return as_json(doors.service.claims.measured(project, generation=reader.pin(project)), TrustMeasured)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise RefusedError("bad-request", _NO_CURSOR)
    return int(text)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError("bad-request", _NO_CURSOR) from None


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise RefusedError("bad-request", _NO_CURSOR) from None
