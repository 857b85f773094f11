"""Search, context packs and answers."""

import contextvars
import json
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from destiny_assets.domain.access import Right
from destiny_assets.domain.filters import Mode
from destiny_assets.domain.retrieval import BEST
from destiny_assets.errors import DestinyError
from destiny_assets.serving.api.doors import Guard, TheDoors
from destiny_assets.serving.api.parameters import HeldBackBy, ProjectName, Question, Recipe, TheFilters
from destiny_assets.serving.api.problems import kind_of, problem, request_id
from destiny_assets.serving.api.reading import MOST_GENERATIONS, Moment, Storable, TheReader, as_json, published
from destiny_assets.serving.api.streams import MEDIA_TYPE, events
from destiny_assets.serving.context import MOST_TOKENS
from destiny_assets.serving.results import Answer, ContextPack, SearchResult

_ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)
_EVENTS = {
    "content": events("text", "answer", "problem"),
    "description": "Events `text`, then `answer`; or `problem`.",
}
router = APIRouter(prefix="/v1/projects/{project}", tags=["questions"], dependencies=[Depends(Guard(Right.READ))])


@router.get("/search", response_model=SearchResult)
def search(
    project: ProjectName,
    q: Question,
    doors: TheDoors,
    reader: TheReader,
    filters: TheFilters,
    k: Annotated[int, Query(ge=1, le=1_000, description="How many hits.")] = 10,
    recipe: Recipe = "hybrid",
    mode: HeldBackBy = Mode.ALL,
    min_trust: Annotated[float, Query(ge=0, le=1, description="Withhold hits that are trusted less.")] = 0.0,
    diversity: Annotated[float, Query(ge=0, le=1, description="Trade relevance for hits that differ.")] = 0.0,
    surrounding: Annotated[int, Query(ge=0, le=20, description="Neighbouring passages to bring along.")] = 0,
) -> Response:
    """The passages that answer best, each with its source and trust."""
    found = doors.service.search(
        project,
        q,
        generation=reader.pinned(project),
        k=k,
        recipe=recipe,
        mode=mode,
        min_trust=min_trust,
        filters=filters,
        diversity=diversity,
        surrounding=surrounding,
    )
    return reader.answer(found, SearchResult, lasting=not found.degraded)


@router.get("/context", response_model=ContextPack)
def context(
    project: ProjectName,
    q: Question,
    doors: TheDoors,
    reader: TheReader,
    filters: TheFilters,
    tokens: Annotated[int, Query(ge=1, le=MOST_TOKENS, description="How many tokens the text may have.")] = 4_000,
    recipe: Recipe = BEST,
    mode: HeldBackBy = Mode.BALANCED,
) -> Response:
    """What is worth reading for a question, packed into a budget of tokens."""
    generation = reader.pinned(project)
    found = doors.service.context(
        project, q, tokens=tokens, recipe=recipe, generation=generation, mode=mode, filters=filters
    )
    return reader.answer(found, ContextPack, lasting=not found.degraded)


class Ask(BaseModel):
    """A question. `as_of` and `generation` exclude each other."""

    model_config = ConfigDict(extra="forbid")
    question: Annotated[str, Storable, Field(min_length=1, max_length=10_000)]
    as_of: Moment | None = None
    generation: Annotated[int | None, Field(ge=1, le=MOST_GENERATIONS)] = None


@router.post("/ask", response_model=Answer)
def ask(project: ProjectName, body: Ask, doors: TheDoors) -> Response:
    """An answer with citations to exact spans; in a language model's words where one is configured."""
    generation = published(doors, project, body.as_of, body.generation)
    return as_json(doors.service.ask(project, body.question, generation=generation), Answer)


@router.post("/ask/stream", response_class=StreamingResponse, responses={200: _EVENTS})
def ask_aloud(project: ProjectName, body: Ask, doors: TheDoors, request: Request) -> StreamingResponse:
    """The same while it is made, as server-sent events: `text` with each piece, then `answer` with the whole, which holds.

    Where a model fails on the way the whole is quoted instead and says so in `degraded`; an error is a `problem`.
    """
    generation = published(doors, project, body.as_of, body.generation)
    told = doors.service.ask_aloud(project, body.question, generation=generation)
    return StreamingResponse(
        _one_by_one(_events(told, request_id(request))),
        media_type=MEDIA_TYPE,
        headers={"X-Accel-Buffering": "no"},
    )


async def _one_by_one(events: Iterator[str]) -> AsyncIterator[str]:
    """Each in whichever thread is free, all of them in one context: that of this request, in which a span stays open between them."""
    here = contextvars.copy_context()
    while (event := await run_in_threadpool(lambda: here.run(next, events, None))) is not None:
        yield event


def _events(told: Iterator[str | Answer], id_: str | None) -> Iterator[str]:
    try:
        for one in told:
            if isinstance(one, Answer):
                yield f"event: answer\ndata: {_ANSWER.dump_json(one).decode()}\n\n"
            else:
                yield f"event: text\ndata: {json.dumps({'text': one}, ensure_ascii=False)}\n\n"
    except DestinyError as error:
        # The status has long been sent.
        yield f"event: problem\ndata: {bytes(problem(kind_of(error), str(error), id_).body).decode()}\n\n"
