"""``destiny add`` and ``destiny forget``: documents handed in instead of found."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from destiny_assets.cli.actor import actor
from destiny_assets.cli.output import AsJson, Project, print_json, say
from destiny_assets.cli.stores import open_service_and_ledger
from destiny_assets.errors import ConfigurationError, UnreadableDocumentError


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("add")(add)
    app.command("forget")(forget)


def add(
    project: Project,
    file: Annotated[str, typer.Argument(help="A file, or - for standard input.")],
    uri: Annotated[
        str | None, typer.Option("--uri", help="The document's lasting name; by default the file's. Needed with -.")
    ] = None,
    title: Annotated[str, typer.Option(help="A title that goes before the document's own.")] = "",
    author: Annotated[list[str] | None, typer.Option("--author", help="Who wrote it; may be repeated.")] = None,
    created: Annotated[str | None, typer.Option(help="When it was written, e.g. 2026-11-01.")] = None,
    media_type: Annotated[
        str | None, typer.Option(help="How to read a text, e.g. text/markdown; by default its name and content tell.")
    ] = None,
    source: Annotated[str, typer.Option(help="The source it is pushed to, made when it is new.")] = "pushed",
    as_json: AsJson = False,
) -> None:
    """Push a document to a project; pushed again under the same uri it is replaced."""
    from destiny_assets.domain.documents import SourceFacts
    from destiny_assets.domain.pushing import PushedDocument

    name = uri or ("" if file == "-" else Path(file).name)
    if not name:
        raise ConfigurationError("A document from standard input needs a name: give one with --uri.")
    facts = SourceFacts(title=title, authors=tuple(author or ()), created_at=_day(created))
    document = PushedDocument(name, _bytes_of(file), media_type, facts)
    detail = {"uri": name, "source": source, "bytes": len(document.data)}
    with open_service_and_ledger() as (service, ledger):
        ledger.projects.require(project)
        with ledger.audit.noting(actor(), "document.push", project, detail):
            pushed = service.add(project, document, source=source)
    if as_json:
        print_json(pushed)
    else:
        say(f"{name} {pushed.state}. Readers see it after: destiny ingest {project}")


def forget(
    project: Project,
    uri: Annotated[str, typer.Argument(help="The uri that the document was pushed under.")],
    as_json: AsJson = False,
) -> None:
    """Take a pushed document out of a project; it leaves with the next generation."""
    with open_service_and_ledger() as (service, ledger):
        ledger.projects.require(project)
        with ledger.audit.noting(actor(), "document.forget", project, {"uri": uri}):
            forgotten = service.forget(project, uri)
    if as_json:
        print_json(forgotten)
    else:
        say(f"{uri} is taken out. Readers see it until: destiny ingest {project}")


def _bytes_of(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UnreadableDocumentError("unreachable", f"{file} cannot be read: {error.strerror}.") from error


def _day(written: str | None) -> datetime | None:
    if written is None:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError as error:
        raise ConfigurationError(f"--created {written!r} is no time: write 2026-11-01 or 2026-11-01T12:00.") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
