"""``destiny ingest | search | context | ask | generations | rollback``."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from destiny_assets.cli.actor import actor
from destiny_assets.cli.ingested import show_ingest
from destiny_assets.cli.output import AsJson, Project, print_json, print_table, progress_lines_or_bars, say
from destiny_assets.cli.stores import open_ledger, open_service
from destiny_assets.errors import ConfigurationError
from destiny_assets.settings import Settings, cache_folder, load_settings

if TYPE_CHECKING:
    from destiny_assets.domain.filters import Filters, Mode
    from destiny_assets.serving.results import Answer, Hit

_SHOWN_CHARACTERS = 200
_LOOK_SECONDS = 2.0

Text = Annotated[str, typer.Argument(help="What to look for, in plain words.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="Answer as at this time, e.g. 2026-11-01 or 2026-11-01T12:00.")
]

RecipeName = Annotated[
    str, typer.Option(help="How to search: best, hybrid, graph, conversation, trusted, reranked, dense or lexical.")
]
HeldBackBy = Annotated[
    str,
    typer.Option(
        "--mode",
        help="What is withheld: all (nothing), balanced (superseded, hardly trusted), strict (all that is doubtful).",
    ),
]
Sources = Annotated[list[str] | None, typer.Option("--source", help="Only this source; may be repeated.")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Only sources of this kind, e.g. files or git.")]
Authors = Annotated[list[str] | None, typer.Option("--author", help="Only documents by this author.")]
Statuses = Annotated[list[str] | None, typer.Option("--status", help="Only documents of this status, e.g. accepted.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Only documents with this tag.")]
Where = Annotated[list[str] | None, typer.Option("--where", help="Only documents whose header says so, as name=value.")]
Since = Annotated[str | None, typer.Option("--since", help="Only documents dated at or after this time.")]
Until = Annotated[str | None, typer.Option("--until", help="Only documents dated before this time.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, command in (
        *(("ingest", ingest), ("search", search), ("context", context), ("ask", ask), ("generations", generations)),
        ("rollback", rollback),
    ):
        app.command(name)(command)


def ingest(
    project: Project,
    accept_worse: Annotated[
        str | None,
        typer.Option(
            "--accept-worse", help="Why readers shall see a generation that finds less than theirs; it is kept."
        ),
    ] = None,
    progress_lines: Annotated[
        bool, typer.Option("--progress-lines", help="Tell progress as JSON lines on standard error, for programs.")
    ] = False,
    watched: Annotated[
        bool, typer.Option("--watch", help="Go on, and ingest again whenever a source changes, until Ctrl-C.")
    ] = False,
    every: Annotated[
        float | None,
        typer.Option(min=0.2, help="With --watch: seconds from one look at the sources to the next; 2 by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a project up to date with its sources, check it, and publish a generation."""
    if every is not None and not watched:
        raise ConfigurationError(
            "--every is how often --watch looks at the sources: add --watch, or leave out --every."
        )
    settings = load_settings()
    if accept_worse is not None:
        if watched:
            raise ConfigurationError("--accept-worse is said of one generation: leave out --watch.")
        with open_ledger(settings) as ledger:
            ledger.projects.require(project)
            ledger.audit.append(actor(), "generation.accept_worse", project, {"reason": accept_worse})
    if watched:
        from destiny_assets.watching import watch

        watch(
            settings.stores,
            cache_folder(settings.home),
            project,
            lambda: _ended(_ingest(settings, project, None, progress_lines, as_json)),
            every_s=_LOOK_SECONDS if every is None else every,
            tell=lambda problem: print(f"destiny: {problem}", file=sys.stderr, flush=True),
        )
        return
    result = _ingest(settings, project, accept_worse, progress_lines, as_json)
    if result["checks"]["failed"] or result["failures"]:
        raise typer.Exit(1)


def _ingest(
    settings: Settings, project: str, accept_worse: str | None, progress_lines: bool, as_json: bool
) -> dict[str, Any]:
    """One ingest, shown."""
    from destiny_assets.ingestion import ingest_project

    with progress_lines_or_bars(progress_lines) as progress:
        result = ingest_project(settings, project, progress, accept_worse=accept_worse)
    if as_json:
        print_json(result)
    else:
        show_ingest(result)
    if result["checks"]["failed"] or result["failures"]:
        print(f"destiny: generation {result['generation']} was not published: {result['reason']}", file=sys.stderr)
    return result


def _ended(result: dict[str, Any]) -> bool:
    """Whether an ingest came to its end: published, nothing to publish, or refused by a check, which the same again would be too."""
    return bool(result["checks"]["failed"]) or not result["failures"]


def search(
    project: Project,
    text: Text,
    k: Annotated[int, typer.Option("--k", "-k", min=1, max=1000, help="How many hits.")] = 10,
    recipe: RecipeName = "hybrid",
    as_of: AsOf = None,
    min_trust: Annotated[float, typer.Option(min=0.0, max=1.0, help="Withhold hits that are trusted less.")] = 0.0,
    mode: HeldBackBy = "all",
    source: Sources = None,
    kind: Kinds = None,
    author: Authors = None,
    status: Statuses = None,
    tag: Tags = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    diversity: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Trade relevance for hits that differ from each other.")
    ] = 0.0,
    surrounding: Annotated[
        int, typer.Option(min=0, max=20, help="Show this many passages before and after each hit.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Find the passages that answer best."""
    with open_service() as service:
        result = service.search(
            project,
            text,
            k=k,
            recipe=recipe,
            as_of=time_of(as_of),
            min_trust=min_trust,
            mode=_mode(mode),
            filters=_filters(source, kind, author, status, tag, where, since, until),
            diversity=diversity,
            surrounding=surrounding,
        )
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
                    [
                        hit.document,
                        hit.uri,
                        *_written(hit),
                        *(f"superseded by {newer}" for newer in hit.superseded_by),
                        *(f"at risk: {reason}" for reason in hit.at_risk),
                        *(f"also in {copy.uri}" for copy in hit.copies),
                    ]
                ),
                "\n\n".join([*hit.before, _excerpt(hit.text) if not surrounding else hit.text, *hit.after]),
            )
            for hit in result.hits
        ],
    )
    if result.withheld:
        reasons = "; ".join(f"{item.document}: {item.reason}" for item in result.held[:5])
        say(f"{result.withheld} withheld ({reasons}{', ...' if result.withheld > 5 else ''}).")
    _say_without(result.degraded)


def context(
    project: Project,
    text: Text,
    tokens: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many tokens the text may have.")] = 4_000,
    recipe: RecipeName = "best",
    as_of: AsOf = None,
    mode: HeldBackBy = "balanced",
    source: Sources = None,
    kind: Kinds = None,
    author: Authors = None,
    status: Statuses = None,
    tag: Tags = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Pack what is worth reading for a question into a budget of tokens, each passage with its source and trust."""
    with open_service() as service:
        found = service.context(
            project,
            text,
            tokens=tokens,
            recipe=recipe,
            as_of=time_of(as_of),
            mode=_mode(mode),
            filters=_filters(source, kind, author, status, tag, where, since, until),
        )
    if as_json:
        print_json(found)
    else:
        say(found.text)
        _say_without(found.degraded)


def ask(project: Project, text: Text, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Answer a question with citations: quoted, or in a language model's words where one is configured."""
    with open_service() as service:
        answer = service.ask(project, text, as_of=time_of(as_of))
    if as_json:
        print_json(answer)
        return
    say(f"{answer.answer}\n")
    if answer.refused:
        _say_refusal(answer)
    for citation in answer.citations:
        start, end = citation.span
        newer = f", superseded by {', '.join(citation.superseded_by)}" if citation.superseded_by else ""
        risky = f", at risk: {'; '.join(citation.at_risk)}" if citation.at_risk else ""
        say(
            f"[{citation.number}] {citation.document} ({citation.uri}, characters {start}-{end}, trust {citation.trust:.2f}{newer}{risky})"
        )
    _say_without(answer.degraded)


def _say_refusal(answer: "Answer") -> None:
    if answer.looked_for:
        absent = f"; none of the nearest passages says: {', '.join(answer.not_found)}" if answer.not_found else ""
        say(f"Looked for: {', '.join(answer.looked_for)}{absent}.")
    for passage in answer.nearest:
        start, end = passage.span
        said = " ".join(passage.text.split())
        shown = said if len(said) <= _SHOWN_CHARACTERS else f"{said[:_SHOWN_CHARACTERS]}…"
        say(
            f"Nearest: {passage.document} ({passage.uri}, characters {start}-{end}, trust {passage.trust:.2f})\n  {shown}"
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
        ledger.generations.readable(project, generation)
        with ledger.audit.noting(actor(), "generation.rollback", project, {"generation": generation}):
            found = ledger.generations.rollback(project, generation)
    if as_json:
        print_json(found)
    else:
        say(f"Readers of {project} see generation {found.number} now.")


def _filters(
    source: list[str] | None,
    kind: list[str] | None,
    author: list[str] | None,
    status: list[str] | None,
    tag: list[str] | None,
    where: list[str] | None,
    since: str | None,
    until: str | None,
) -> "Filters":
    from destiny_assets.domain.filters import Filters

    pairs = [text.partition("=") for text in where or ()]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise ConfigurationError(f"--where {wrong[0]!r} is not of the form name=value.")
    return Filters(
        sources=source or (),
        kinds=kind or (),
        authors=author or (),
        statuses=status or (),
        tags=tag or (),
        where=[(name, value) for name, _, value in pairs],
        since=time_of(since, "--since"),
        until=time_of(until, "--until"),
    )


def _mode(name: str) -> "Mode":
    from destiny_assets.domain.filters import Mode

    try:
        return Mode(name)
    except ValueError as error:
        raise ConfigurationError(f"--mode {name!r} is none of: {', '.join(Mode)}.") from error


def time_of(text: str | None, option: str = "--as-of") -> datetime | None:
    """The time that an option names, in UTC unless it says otherwise; raises `ConfigurationError`."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"{option} {text!r} is no time: write 2026-11-01 or 2026-11-01T12:00.") from error
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


def _say_without(degraded: Sequence[str]) -> None:
    """Name what did not answer, so that nobody takes less than all for all."""
    if degraded:
        say(f"Answered without {' and '.join(degraded)}: see destiny status.")
