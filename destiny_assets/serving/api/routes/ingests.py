"""Ingests: started here, run elsewhere, followed as server-sent events."""

import json
from collections.abc import AsyncIterator
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from destiny_assets.adapters.postgres.ingest_requests import IngestRequest
from destiny_assets.domain.access import Right
from destiny_assets.serving.api.doors import Doors, Guard, TheCaller, TheDoors, require
from destiny_assets.serving.api.paging import Limit, Page
from destiny_assets.serving.api.parameters import ItemId, ProjectName
from destiny_assets.serving.api.reading import Storable, as_json
from destiny_assets.serving.api.streams import MEDIA_TYPE, events
from destiny_assets.serving.api.writing import TheWriter

router = APIRouter(prefix="/v1/projects/{project}/ingests", tags=["ingests"])
INSPECTS = [Depends(Guard(Right.INSPECT))]
_LOOK_SECONDS = 0.5
_SILENT_LOOKS = 30
_REQUEST = TypeAdapter(IngestRequest)
_EVENTS = {"content": events("progress", "end")}


class NewIngest(BaseModel):
    """An ingest to start."""

    model_config = ConfigDict(extra="forbid")
    accept_worse: Annotated[str, Storable, Field(min_length=1, max_length=2_000)] | None = Field(
        default=None, description="Why readers shall see a generation that finds less than theirs. Needs a curator."
    )


@router.post("", dependencies=[Depends(Guard(Right.CONTRIBUTE))], status_code=202, response_model=IngestRequest)
def start_ingest(
    project: ProjectName, body: NewIngest, doors: TheDoors, caller: TheCaller, writer: TheWriter
) -> Response:
    """Bring a project up to date and publish a generation. One ingest of a project is open at a time."""
    if body.accept_worse is not None:
        require(caller, Right.CURATE, project)
    return writer.perform(
        "ingest.start",
        project,
        {"accept_worse": body.accept_worse} if body.accept_worse else {},
        lambda: doors.ingests.start(project, caller.id, body.accept_worse),
        IngestRequest,
        status=202,
    )


@router.get("", dependencies=INSPECTS, response_model=Page[IngestRequest])
def list_ingests(project: ProjectName, doors: TheDoors, limit: Limit = 20) -> Response:
    """The newest ingests that were asked for here."""
    doors.ledger.projects.require(project)
    return as_json(Page(doors.ledger.ingest_requests.page(project, limit), None), Page[IngestRequest])


@router.get("/{id}", dependencies=INSPECTS, response_model=IngestRequest)
def read_ingest(project: ProjectName, id: ItemId, doors: TheDoors) -> Response:  # noqa: A002
    """One ingest: its state, how far each stage is, and what came of it."""
    return as_json(doors.ledger.ingest_requests.one(project, str(id)), IngestRequest)


@router.get("/{id}/events", dependencies=INSPECTS, response_class=StreamingResponse, responses={200: _EVENTS})
async def follow_ingest(project: ProjectName, id: ItemId, doors: TheDoors) -> StreamingResponse:  # noqa: A002
    """An ingest as server-sent events: `progress` whenever something moved, `end` with the last of it. Each holds the whole ingest."""
    first = await run_in_threadpool(doors.ledger.ingest_requests.one, project, str(id))
    return StreamingResponse(_events(doors, first), media_type=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})


async def _events(doors: Doors, seen: IngestRequest) -> AsyncIterator[str]:
    told, silent = "", 0
    while True:
        text = json.dumps(_REQUEST.dump_python(seen, mode="json"), ensure_ascii=False)
        if text != told:
            yield f"event: {'end' if seen.ended else 'progress'}\ndata: {text}\n\n"
            told, silent = text, 0
        elif silent >= _SILENT_LOOKS:
            # A proxy would cut a connection that says nothing.
            yield ": still here\n\n"
            silent = 0
        if seen.ended or doors.closing.is_set():
            return
        await anyio.sleep(_LOOK_SECONDS)
        silent += 1
        seen = await run_in_threadpool(doors.ledger.ingest_requests.one, seen.project, seen.id)
