"""Documents: listed and read as one generation shows them, down to the original bytes; pushed and forgotten for the next one."""

import re
from typing import Annotated
from urllib.parse import quote

import anyio
from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from destiny_assets.adapters.parsers.limits import MAX_BYTES
from destiny_assets.adapters.postgres.browsing import DocumentRow
from destiny_assets.domain.access import Right
from destiny_assets.domain.documents import MAX_URI_BYTES, SourceFacts
from destiny_assets.domain.pushing import PushedDocument
from destiny_assets.serving.api.doors import Guard, TheDoors
from destiny_assets.serving.api.paging import CursorText, Limit, Page, page_of, place_of
from destiny_assets.serving.api.parameters import ItemId, ProjectName, Word
from destiny_assets.serving.api.reading import Moment, Storable, TheReader
from destiny_assets.serving.api.writing import TheWriter
from destiny_assets.serving.pushing import KIND
from destiny_assets.serving.results import Pushed

router = APIRouter(prefix="/v1/projects/{project}/documents", tags=["documents"])
READS = [Depends(Guard(Right.READ))]
WRITES = [Depends(Guard(Right.CONTRIBUTE))]
MOST_PUSHED_BYTES = MAX_BYTES
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*")
# Of 64 MB each: so many are in memory at once.
PUSHED_AT_ONCE = 4
_BYTES = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
_TEXT = {"content": {"text/plain": {"schema": {"type": "string"}}}}

Uri = Annotated[
    str,
    Storable,
    Query(min_length=1, max_length=MAX_URI_BYTES, description="The document's lasting name in its source."),
]


@router.get("", dependencies=READS, response_model=Page[DocumentRow])
def list_documents(
    project: ProjectName,
    doors: TheDoors,
    reader: TheReader,
    uri: Annotated[Word | None, Query(description="Only the document with this uri.")] = None,
    source: Annotated[Word | None, Query(description="Only this source.")] = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Response:
    """Documents by uri, with status, authors and trust."""
    place = place_of(cursor, 2)
    generation = reader.pin(project, place)
    after = (place.key[0], place.key[1]) if place else None
    found = doors.reading.browsing.documents(project, generation, limit=limit + 1, after=after, uri=uri, source=source)
    return reader.answer(page_of(found, limit, lambda row: (row.uri, row.source), generation), Page[DocumentRow])


@router.put(
    "",
    dependencies=WRITES,
    response_model=Pushed,
    openapi_extra={"requestBody": {"required": True, **_BYTES}},
)
async def push_document(
    project: ProjectName,
    uri: Uri,
    request: Request,
    doors: TheDoors,
    writer: TheWriter,
    title: Annotated[str, Storable, Query(max_length=2_000, description="Goes before the document's own title.")] = "",
    author: Annotated[list[Word], Query(max_length=50, description="Who wrote it.")] = [],  # noqa: B006 - FastAPI copies it
    created: Annotated[Moment | None, Query(description="When it was written.")] = None,
    source: Annotated[Word, Query(description="The source it is pushed to, made when it is new.")] = KIND,
) -> Response:
    """Push a document: the request's body, of the request's content type. Under the same uri it is replaced.

    It is stored for good when this answers, and readers see it with the next ingest; the same again changes nothing.
    """
    limiter: anyio.Semaphore = request.app.state.pushes
    async with limiter:
        data = await request.body()
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        document = PushedDocument(
            uri,
            data,
            media_type if _MEDIA_TYPE.fullmatch(media_type) and media_type != "application/octet-stream" else None,
            SourceFacts(title=title, authors=tuple(author), created_at=created),
        )
        return await run_in_threadpool(
            writer.perform,
            "document.push",
            project,
            {"uri": uri, "source": source, "bytes": len(data)},
            lambda: doors.pushing.add(project, document, source=source),
            Pushed,
            body=data,
        )


@router.delete("", dependencies=WRITES, response_model=Pushed)
def forget_document(project: ProjectName, uri: Uri, doors: TheDoors, writer: TheWriter) -> Response:
    """Take a pushed document out: it leaves with the next ingest."""
    return writer.perform("document.forget", project, {"uri": uri}, lambda: doors.pushing.forget(project, uri), Pushed)


@router.get("/{id}", dependencies=READS, response_model=DocumentRow)
def read_document(project: ProjectName, id: ItemId, doors: TheDoors, reader: TheReader) -> Response:  # noqa: A002
    """One document."""
    return reader.answer(doors.library.document(project, reader.pin(project), str(id)), DocumentRow)


@router.get("/{id}/text", dependencies=READS, response_class=Response, responses={200: _TEXT})
def read_text(project: ProjectName, id: ItemId, doors: TheDoors, reader: TheReader) -> Response:  # noqa: A002
    """A document's text as it was read: every span of a hit or citation points into it, in characters."""
    return reader.bytes(doors.library.text(project, reader.pin(project), str(id)), "text/plain", {})


@router.get("/{id}/original", dependencies=READS, response_class=Response, responses={200: _BYTES})
def read_original(project: ProjectName, id: ItemId, doors: TheDoors, reader: TheReader) -> Response:  # noqa: A002
    """The bytes a document was read from."""
    document, data = doors.library.original(project, reader.pin(project), str(id))
    name = quote(document.uri.rsplit("/", 1)[-1], safe="")
    # Always handed over as a file of bytes: what somebody wrote into a document never runs in a reader's browser.
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "X-Media-Type": document.media_type if _MEDIA_TYPE.fullmatch(document.media_type) else "",
        "X-Content-SHA256": document.sha256,
    }
    return reader.bytes(data, "application/octet-stream", headers)
