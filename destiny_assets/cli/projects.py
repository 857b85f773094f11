"""``destiny project ...`` and ``destiny source ...``."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from destiny_assets.cli.actor import actor
from destiny_assets.cli.output import AsJson, Project, print_json, print_table, say
from destiny_assets.cli.stores import open_ledger
from destiny_assets.domain.source_kinds import KINDS, SourceKind
from destiny_assets.errors import ConfigurationError, NotFoundError
from destiny_assets.settings import load_settings, without_secrets


def register(app: typer.Typer) -> None:
    """Add these commands."""
    project = typer.Typer(help="Projects: what is kept apart.", no_args_is_help=True)
    project.command("add")(add_project)
    project.command("list")(list_projects)
    project.command("questions")(attach_questions)
    project.command("gate")(gate)
    project.command("remove")(remove_project)
    app.add_typer(project, name="project")
    source = typer.Typer(help="Sources: where a project's documents come from.", no_args_is_help=True)
    source.command("add", epilog=_told(KINDS))(add_source)
    source.command("list")(list_sources)
    source.command("remove")(remove_source)
    app.add_typer(source, name="source")


def add_project(name: Project, as_json: AsJson = False) -> None:
    """Create a project."""
    with open_ledger() as ledger, ledger.audit.noting(actor(), "project.create", name, {}):
        created = ledger.projects.add(name)
    if as_json:
        print_json({"project": name, "created": created})
    else:
        say(
            f"Project {name} created. Next: destiny source add {name} files FOLDER"
            if created
            else f"Project {name} exists already."
        )


def list_projects(as_json: AsJson = False) -> None:
    """List the projects with what each shows now."""
    from destiny_assets.adapters.postgres.overview import overview

    with open_ledger() as ledger:
        found = overview(ledger)
    if as_json:
        print_json({"projects": found})
    else:
        columns = ("project", "generation", "documents", "chunks", "sources", "quarantined", "published_at")
        print_table("Projects", columns, [[row[column] for column in columns] for row in found])


def attach_questions(
    name: Project,
    folder: Annotated[
        Path,
        typer.Argument(help="A BEIR-layout folder: queries.jsonl and qrels/test.tsv; corpus ids are document uris."),
    ],
    as_json: AsJson = False,
) -> None:
    """Attach golden questions; every generation is measured on them before it is published."""
    from destiny_assets.stages.suites import load_suite, with_tuning_half

    suite = with_tuning_half(load_suite(folder))
    with open_ledger() as ledger:
        ledger.projects.require(name)
        detail = {"suite": suite.name, "questions": len(suite.queries)}
        with ledger.audit.noting(actor(), "project.questions", name, detail):
            ledger.benchmarks.attach(name, suite)
    if as_json:
        print_json({"project": name, "suite": suite.name, "questions": len(suite.queries)})
    else:
        say(f"{len(suite.queries)} golden questions ({suite.name}) attached to {name}.")


def gate(
    name: Project,
    metric: Annotated[str | None, typer.Option(help="A metric of the benchmark, e.g. ndcg@10.")] = None,
    fall: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="How far its mean may fall before a generation is refused.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how far each gated metric may fall, or set it for one metric."""
    from destiny_assets.domain.metrics import query_metrics

    known = query_metrics([], {})
    if metric is not None and metric not in known:
        raise ConfigurationError(f"--metric {metric!r} is none of: {', '.join(known)}.")
    if (metric is None) != (fall is None):
        raise ConfigurationError("Give --metric and --fall together, or neither to see what is set.")
    with open_ledger() as ledger:
        ledger.projects.require(name)
        if metric is not None and fall is not None:
            with ledger.audit.noting(actor(), "project.gate", name, {"metric": metric, "fall": fall}):
                ledger.benchmarks.tolerate(name, metric, fall)
        tolerances = ledger.benchmarks.tolerances(name)
    if as_json:
        print_json({"project": name, "tolerances": tolerances})
    else:
        print_table(f"{name}: how far a mean may fall", ("metric", "fall"), list(tolerances.items()))


def remove_project(
    name: Project,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a project from all four layers."""
    from destiny_assets.removal import remove_everywhere

    if not yes and not typer.confirm(f"Delete project {name} with all its knowledge, for good?"):
        raise typer.Exit(1)
    settings = load_settings()
    with open_ledger(settings) as ledger:
        ledger.projects.require(name)
        ledger.audit.append(actor(), "project.remove", name, {})
    removed = remove_everywhere(settings, name)
    if as_json:
        print_json({"project": name, "removed": removed})
    else:
        say(f"Project {name} is gone: " + ", ".join(f"{count} {layer}" for layer, count in removed.items()) + ".")


def add_source(
    name: Project,
    kind: Annotated[str, typer.Argument(help=f"What kind of source: {', '.join(KINDS)}.")],
    uri: Annotated[str, typer.Argument(help="Where it is; what that means for each kind is said below.")],
    source_name: Annotated[
        str | None, typer.Option("--name", help="A name for it; by default the end of the uri.")
    ] = None,
    prior: Annotated[
        float, typer.Option(help="Trust in this source before anything else is known, between 0 and 1.")
    ] = 0.6,
    option: Annotated[
        list[str] | None, typer.Option("--option", help="An option of the kind, as key=value; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Attach a source to a project."""
    from destiny_assets.adapters.documents import open_document_store
    from destiny_assets.adapters.postgres.projects import Source
    from destiny_assets.serving.sources import attach_source

    if not 0 < prior < 1:
        raise ConfigurationError(
            f"--prior {prior} must lie between 0 and 1, both left out: nothing is certain in advance."
        )
    options = dict(_pair(text) for text in option or ())
    settings = load_settings()
    with open_ledger(settings) as ledger:
        originals = open_document_store(settings.stores.documents_url)
        ledger.projects.require(name)
        asked = Source(source_name or "", kind, uri, options, prior)
        with ledger.audit.noting(actor(), "source.add", name, {"kind": kind, "uri": without_secrets(uri)}):
            source, found = attach_source(ledger, originals, settings.cache, name, asked)
    if as_json:
        print_json({"project": name, "source": replace(source, uri=without_secrets(source.uri)), "files": found})
    else:
        say(
            f"Source {source.name} ({found} {'files' if kind == 'files' else 'documents'}) attached to {name}. Next: destiny ingest {name}"
        )


def list_sources(name: Project, as_json: AsJson = False) -> None:
    """List the sources of a project."""
    with open_ledger() as ledger:
        ledger.projects.require(name)
        found = [replace(source, uri=without_secrets(source.uri)) for source in ledger.projects.sources(name)]
    if as_json:
        print_json({"project": name, "sources": found})
    else:
        print_table(
            f"Sources of {name}",
            ("name", "kind", "uri", "prior"),
            [(source.name, source.kind, source.uri, source.prior) for source in found],
        )


def remove_source(
    name: Project, source: Annotated[str, typer.Argument(help="The source's name.")], as_json: AsJson = False
) -> None:
    """Detach a source; its documents leave with the next ingest."""
    with open_ledger() as ledger:
        ledger.projects.require(name)
        with ledger.audit.noting(actor(), "source.remove", name, {"source": source}):
            if not ledger.projects.remove_source(name, source):
                raise NotFoundError(f"Project {name!r} has no source {source!r}. See: destiny source list {name}")
    if as_json:
        print_json({"project": name, "removed": source})
    else:
        say(f"Source {source} detached. Its documents leave with: destiny ingest {name}")


def _told(kinds: Mapping[str, SourceKind]) -> str:
    """The kinds of sources and their options, a paragraph each."""
    return "\n\n".join(
        f"{name}: {kind.uri}. Options: " + "; ".join(f"{option}: {meaning}" for option, meaning in kind.options.items())
        for name, kind in kinds.items()
    )


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise ConfigurationError(f"--option {text!r} is not of the form key=value.")
    return key, value
