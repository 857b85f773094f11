"""A project at a glance: its report as data, its last runs, and what a search of it can be narrowed to."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from destiny_assets.adapters.postgres.generations import IngestRun
from destiny_assets.adapters.postgres.marts import read_project_report
from destiny_assets.adapters.postgres.selection import Choices
from destiny_assets.domain.access import Right
from destiny_assets.domain.report.values import ProjectReport
from destiny_assets.serving.api.doors import Guard, TheDoors
from destiny_assets.serving.api.paging import Limit, Page
from destiny_assets.serving.api.parameters import ProjectName
from destiny_assets.serving.api.reading import TheReader, as_json

router = APIRouter(prefix="/v1/projects/{project}", tags=["overview"])
INSPECTS = [Depends(Guard(Right.INSPECT))]


@router.get("/report", dependencies=INSPECTS, response_model=ProjectReport)
def read_report(project: ProjectName, doors: TheDoors) -> Response:
    """What the project's report shows: growth, layers as the gate last compared them, trust, retrieval, quarantine."""
    doors.reading.projects.require(project)
    return as_json(read_project_report(doors.reading, project, datetime.now(UTC)), ProjectReport)


@router.get("/runs", dependencies=INSPECTS, response_model=Page[IngestRun])
def list_runs(project: ProjectName, doors: TheDoors, limit: Limit = 10) -> Response:
    """The newest runs, however they were started, with what came of them; ids are those of the Dagster UI."""
    doors.reading.projects.require(project)
    return as_json(Page(doors.reading.generations.runs(project, limit), None), Page[IngestRun])


@router.get("/choices", dependencies=[Depends(Guard(Right.READ))], response_model=Choices)
def list_choices(
    project: ProjectName,
    doors: TheDoors,
    reader: TheReader,
    most: Annotated[int, Query(ge=1, le=1_000, description="How many values of each at most.")] = 200,
) -> Response:
    """What a search can be narrowed to: sources and their kinds, statuses, authors and tags, the most frequent first."""
    return reader.answer(doors.reading.selection.choices(project, reader.pin(project), most), Choices)
