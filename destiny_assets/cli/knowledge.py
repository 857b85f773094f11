"""``destiny ingest | search | ask | trust explain | generations | rollback``."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from destiny_assets.cli.output import AsJson, Project, print_json, print_table, progress_bars, say
from destiny_assets.cli.stores import open_ledger, open_service
from destiny_assets.errors import ConfigurationError
from destiny_assets.settings import load_settings

if TYPE_CHECKING:
    from destiny_assets.serving.results import Hit

Text = Annotated[str, typer.Argument(help="What to look for, in plain words.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="Answer as at this time, e.g. 2026-11-01 or 2026-11-01T12:00.")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, command in (
        *(("ingest", ingest), ("search", search), ("ask", ask), ("generations", generations)),
        ("rollback", rollback),
    ):
        app.command(name)(command)
    trust = typer.Typer(help="Trust: how far an item can be relied on, and why.", no_args_is_help=True)
    trust.command("explain")(explain)
    trust.callback()(lambda: None)
    app.add_typer(trust, name="trust")


def ingest(project: Project, as_json: AsJson = False) -> None:
    """Bring a project up to date with its sources, check it, and publish a generation."""
    from destiny_assets.ingestion import ingest_project

    with progress_bars() as progress:
        result = ingest_project(load_settings(), project, progress)
    if as_json:
        print_json(result)
    else:
        show_ingest(result)
    if result["checks"]["failed"] or result["failures"]:
        print(f"destiny: generation {result['generation']} was not published: {result['reason']}", file=sys.stderr)
        raise typer.Exit(1)


def show_ingest(result: dict[str, Any]) -> None:
    """An ingest's result as tables."""
    documents, chunks, embedding = result["documents"], result["chunks"], result["embedding"]
    print_table(
        f"{result['project']}: generation {result['generation']} ({result['reason']})",
        ("what", "count", "detail"),
        [
            (
                "documents",
                documents["total"],
                ", ".join(
                    f"{documents[name]} {name}"
                    for name in ("added", "changed", "moved", "removed", "unchanged", "quarantined")
                ),
            ),
            ("chunks", chunks["total"], f"{chunks['added']} added, {chunks['retired']} retired"),
            (
                "embedded",
                embedding["texts"],
                f"{embedding['tokens']} tokens in {embedding['seconds']:.1f} s by {embedding['model']}",
            ),
            ("checks passed", result["checks"]["passed"], ", ".join(result["checks"]["failed"]) or "none failed"),
            (
                "seconds",
                result["seconds"]["total"],
                ", ".join(f"{name} {spent:.1f}" for name, spent in result["seconds"].items() if name != "total"),
            ),
        ],
    )


def search(
    project: Project,
    text: Text,
    k: Annotated[int, typer.Option("--k", "-k", min=1, max=1000, help="How many hits.")] = 10,
    recipe: Annotated[str, typer.Option(help="How to search: hybrid, dense or lexical.")] = "hybrid",
    as_of: AsOf = None,
    min_trust: Annotated[float, typer.Option(min=0.0, max=1.0, help="Withhold hits that are trusted less.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Find the passages that answer best."""
    with open_service() as service:
        result = service.search(project, text, k=k, recipe=recipe, as_of=time_of(as_of), min_trust=min_trust)
    if as_json:
        print_json(result)
        return
    print_table(
        f"{project}, generation {result.generation}, {result.recipe}, {result.latency_ms:.0f} ms",
        ("score", "trust", "document", "passage"),
        [
            (
                hit.score,
                hit.trust,
                "\n".join(
                    [hit.document, hit.uri, *_written(hit), *(f"superseded by {newer}" for newer in hit.superseded_by)]
                ),
                _excerpt(hit.text),
            )
            for hit in result.hits
        ],
    )
    if result.withheld:
        say(f"{result.withheld} hits are trusted less than {min_trust} and were withheld.")


def ask(project: Project, text: Text, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Answer a question with citations: quoted, or in a language model's words where one is configured."""
    with open_service() as service:
        answer = service.ask(project, text, as_of=time_of(as_of))
    if as_json:
        print_json(answer)
        return
    say(f"{answer.answer}\n")
    for citation in answer.citations:
        start, end = citation.span
        newer = f", superseded by {', '.join(citation.superseded_by)}" if citation.superseded_by else ""
        say(
            f"[{citation.number}] {citation.document} ({citation.uri}, characters {start}-{end}, trust {citation.trust:.2f}{newer})"
        )


def explain(
    project: Project,
    item: Annotated[str, typer.Argument(help="A chunk id (or its first 8 characters) or a document's uri.")],
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Show the terms that a trust score is the sum of."""
    with open_service() as service:
        found = service.explain_trust(project, item, as_of=time_of(as_of))
    if as_json:
        print_json(found)
        return
    print_table(
        f"{found.kind} {found.label} ({found.item}), generation {found.generation}",
        ("term", "log-odds", "why"),
        [
            *((term["name"], term["log_odds"], term["why"]) for term in found.terms),
            ("sum", found.log_odds, f"trust {found.p:.3f}, model {found.model}"),
        ],
    )


def generations(project: Project, as_json: AsJson = False) -> None:
    """List the generations of a project, newest first."""
    with open_ledger() as ledger:
        ledger.projects.require(project)
        found = ledger.generations.all(project)
    if as_json:
        print_json({"project": project, "generations": found})
        return
    print_table(
        f"Generations of {project}",
        ("generation", "state", "published", "documents", "chunks", "model", "reason"),
        [
            (
                f"{g.number}{' (current)' if g.current else ''}",
                "vacuumed" if g.vacuumed_at else g.state,
                g.published_at,
                str((g.facts or {}).get("documents", "")),
                str((g.facts or {}).get("chunks", "")),
                g.model_id,
                g.reason,
            )
            for g in found
        ],
    )


def rollback(
    project: Project,
    generation: Annotated[int, typer.Argument(help="The generation readers shall see.")],
    as_json: AsJson = False,
) -> None:
    """Point readers at an earlier generation; nothing is deleted, and the same command goes forward again."""
    with open_ledger() as ledger:
        found = ledger.generations.rollback(project, generation)
    if as_json:
        print_json(found)
    else:
        say(f"Readers of {project} see generation {found.number} now.")


def time_of(text: str | None) -> datetime | None:
    """The time that ``--as-of`` names, in UTC unless it says otherwise; raises `ConfigurationError`."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"--as-of {text!r} is no time: write 2026-11-01 or 2026-11-01T12:00.") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _written(hit: "Hit") -> list[str]:
    """Who wrote a passage, when it was last touched, and by what: one line, or none where its source does not tell."""
    if not hit.authors:
        return []
    more = f" and {len(hit.authors) - 3} more" if len(hit.authors) > 3 else ""
    dated = f", {hit.written_at:%Y-%m-%d}" if hit.written_at else ""
    return [f"by {', '.join(hit.authors[:3])}{more}{dated}" + (f", {hit.revision[:12]}" if hit.revision else "")]


def _excerpt(text: str, characters: int = 280) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= characters else folded[:characters].rsplit(" ", 1)[0] + " …"
