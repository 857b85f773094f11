"""Projects and their sources; who one is, and what was done by whom."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from destiny_assets.adapters.postgres.overview import overview
from destiny_assets.adapters.postgres.projects import Source
from destiny_assets.domain.access import EVERY_PROJECT, Right
from destiny_assets.errors import NotFoundError
from destiny_assets.serving.api.doors import Guard, Recognised, TheCaller, TheDoors, require
from destiny_assets.serving.api.paging import CursorText, Limit, Page, page_of, place_of
from destiny_assets.serving.api.parameters import ProjectName, Word
from destiny_assets.serving.api.problems import RefusedError
from destiny_assets.serving.api.reading import Storable, as_json
from destiny_assets.serving.api.writing import TheWriter
from destiny_assets.serving.sources import attach_source, reads_as_the_server
from destiny_assets.settings import without_secrets

router = APIRouter(prefix="/v1", tags=["projects"])
_NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"


@dataclass(frozen=True, slots=True)
class ProjectShown:
    """A project and what its current generation shows; `generation` is null before the first publish."""

    project: str
    generation: int | None
    published_at: datetime | None
    documents: int
    chunks: int
    sources: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Me:
    """Whom the key or token stands for. `grants` maps a project, or ``*`` for all, to a role."""

    id: str
    name: str
    grants: dict[str, str]
    requests_per_second: float


@dataclass(frozen=True, slots=True)
class Created:
    """`created` is false for a project that was there."""

    project: str
    created: bool


@dataclass(frozen=True, slots=True)
class Removed:
    """What was taken out: of a project, how much of each layer; of its sources, one."""

    project: str
    removed: dict[str, int]


@dataclass(frozen=True, slots=True)
class SourceShown:
    """A source, its address without user and password. `prior` in (0, 1) is the trust it starts with."""

    name: str
    kind: str
    uri: str
    options: dict[str, str]
    prior: float


@dataclass(frozen=True, slots=True)
class Attached:
    """A source that was attached, and how many documents it offers."""

    project: str
    source: SourceShown
    documents: int


class NewProject(BaseModel):
    """A project to create."""

    model_config = ConfigDict(extra="forbid")
    project: Annotated[str, Field(pattern=_NAME)]


class NewSource(BaseModel):
    """A source to attach. What `uri` and `options` mean depends on `kind`: docs/sources.md."""

    model_config = ConfigDict(extra="forbid")
    kind: Annotated[str, Storable, Field(min_length=1, max_length=50)]
    uri: Annotated[str, Storable, Field(min_length=1, max_length=2_000)]
    name: Annotated[str, Storable, Field(min_length=1, max_length=200)] | None = None
    options: Annotated[
        dict[Annotated[str, Storable, Field(max_length=200)], Annotated[str, Storable, Field(max_length=2_000)]],
        Field(max_length=20),
    ] = {}
    prior: Annotated[float, Field(gt=0, lt=1)] = 0.6


@router.get("/me", dependencies=[Depends(Recognised())], response_model=Me)
def me(caller: TheCaller) -> Response:
    """Whom your key or token stands for, and what it opens."""
    grants = {project: str(role) for project, role in caller.grants.items()}
    return as_json(Me(caller.id, caller.name, grants, caller.rate), Me)


@router.get("/projects", dependencies=[Depends(Recognised())], response_model=Page[ProjectShown])
def list_projects(doors: TheDoors, caller: TheCaller, limit: Limit = 50, cursor: CursorText = None) -> Response:
    """The projects you may read, by name."""
    place = place_of(cursor, 1)
    found = [
        ProjectShown(**row)
        for row in overview(doors.ledger)
        if caller.may(Right.READ, row["project"]) and (place is None or row["project"] > place.key[0])
    ]
    return as_json(page_of(found, limit, lambda row: (row.project,)), Page[ProjectShown])


@router.post("/projects", dependencies=[Depends(Guard(Right.ADMINISTER))], status_code=201, response_model=Created)
def create_project(body: NewProject, doors: TheDoors, writer: TheWriter) -> Response:
    """Create a project; one that is there stays as it is."""
    name = body.project
    return writer.perform(
        "project.create", name, {}, lambda: Created(name, doors.ledger.projects.add(name)), Created, status=201
    )


@router.get("/projects/{project}", dependencies=[Depends(Guard(Right.READ))], response_model=ProjectShown)
def read_project(project: ProjectName, doors: TheDoors) -> Response:
    """One project."""
    doors.ledger.projects.require(project)
    found = next((row for row in overview(doors.ledger) if row["project"] == project), None)
    if found is None:
        raise NotFoundError(f"There is no project {project!r} that is meant to stay. See /v1/projects")
    return as_json(ProjectShown(**found), ProjectShown)


@router.delete("/projects/{project}", dependencies=[Depends(Guard(Right.ADMINISTER))], response_model=Removed)
def remove_project(project: ProjectName, doors: TheDoors, writer: TheWriter) -> Response:
    """Delete a project from all four layers, for good."""
    return writer.perform(
        "project.remove", project, {}, lambda: Removed(project, doors.remove_project(project)), Removed
    )


@router.get(
    "/projects/{project}/sources", dependencies=[Depends(Guard(Right.INSPECT))], response_model=Page[SourceShown]
)
def list_sources(project: ProjectName, doors: TheDoors) -> Response:
    """The sources of a project, all on one page."""
    doors.ledger.projects.require(project)
    return as_json(
        Page([_shown(source) for source in doors.reading.projects.sources(project)], None), Page[SourceShown]
    )


@router.post(
    "/projects/{project}/sources",
    dependencies=[Depends(Guard(Right.CURATE))],
    status_code=201,
    response_model=Attached,
)
def add_source(
    project: ProjectName, body: NewSource, doors: TheDoors, caller: TheCaller, writer: TheWriter
) -> Response:
    """Attach a source. What is read with the server's own rights (its disk, its accounts) needs an admin of every project."""
    if reads_as_the_server(body.kind, body.uri, body.options):
        require(caller, Right.ADMINISTER, EVERY_PROJECT)
    asked = Source(body.name or "", body.kind, body.uri, body.options, body.prior)

    def attach() -> Attached:
        kept, found = attach_source(doors.ledger, doors.layers.originals, doors.cache, project, asked)
        return Attached(project, _shown(kept), found)

    detail = {"kind": body.kind, "uri": without_secrets(body.uri)}
    return writer.perform("source.add", project, detail, attach, Attached, status=201)


@router.delete(
    "/projects/{project}/sources/{name}", dependencies=[Depends(Guard(Right.CURATE))], response_model=Removed
)
def remove_source(
    project: ProjectName,
    name: Annotated[str, Storable, Path(min_length=1, max_length=200, description="The source's name.")],
    doors: TheDoors,
    writer: TheWriter,
) -> Response:
    """Detach a source; its documents leave with the next ingest."""

    def remove() -> Removed:
        doors.ledger.projects.require(project)
        if not doors.ledger.projects.remove_source(project, name):
            raise NotFoundError(f"Project {project!r} has no source {name!r}. See /v1/projects/{project}/sources")
        return Removed(project, {"sources": 1})

    return writer.perform("source.remove", project, {"source": name}, remove, Removed)


@dataclass(frozen=True, slots=True)
class AuditShown:
    """Who did what to which project; `digest` (hex) chains it to the event before."""

    id: int
    at: datetime
    actor: str
    action: str
    project: str | None
    detail: dict[str, object]
    digest: str


@router.get("/audit", dependencies=[Depends(Recognised())], response_model=Page[AuditShown])
def list_audit(
    doors: TheDoors,
    caller: TheCaller,
    project: Annotated[Word | None, Query(description="Only this project; an admin of it alone must name it.")] = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Response:
    """What was done by whom, newest first, for administrators."""
    require(caller, Right.ADMINISTER, project or EVERY_PROJECT)
    place = place_of(cursor, 1)
    if place and not (place.key[0].isascii() and place.key[0].isdecimal() and len(place.key[0]) < 19):
        raise RefusedError("bad-request", "The cursor is none of this list's. Begin without one.")
    before = int(place.key[0]) if place else None
    events = doors.ledger.audit.page(project=project, before=before, limit=limit + 1)
    shown = [
        AuditShown(e.id, e.at, e.actor, e.action, e.project, dict(e.detail), bytes(e.digest).hex()) for e in events
    ]
    return as_json(page_of(shown, limit, lambda row: (str(row.id),)), Page[AuditShown])


def _shown(source: Source) -> SourceShown:
    clean = replace(source, uri=without_secrets(source.uri))
    return SourceShown(clean.name, clean.kind, clean.uri, dict(clean.options), clean.prior)
