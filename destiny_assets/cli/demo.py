"""``destiny demo``: what ``make run`` runs, from nothing to an answered question."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from destiny_assets.cli.ingested import show_ingest
from destiny_assets.cli.knowledge import ask
from destiny_assets.cli.output import AsJson, print_json, print_table, progress_bars, say
from destiny_assets.cli.stores import open_ledger
from destiny_assets.errors import ConfigurationError, DestinyError
from destiny_assets.settings import home_folder, load_settings

_PROJECT = "peps"
_QUESTION = "Are annotations evaluated when a function is defined, or only when something asks for them?"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    folder: Annotated[
        Path | None, typer.Option(help="A folder with documents/ and golden/; by default the sample PEPs.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start the local servers, grow a knowledge base from the sample project, and ask it a question."""
    from destiny_assets.adapters.postgres.projects import Source
    from destiny_assets.ingestion import ingest_project
    from destiny_assets.local import supervisor
    from destiny_assets.runner import run_job
    from destiny_assets.stages.suites import load_suite, with_tuning_half

    sample = folder or Path(__file__).parents[2] / "samples" / "peps"
    if not (sample / "documents").is_dir():
        raise ConfigurationError(
            f"{sample} has no folder documents/. Run this from a checkout, or name a folder with --folder."
        )
    supervisor.start(home_folder(), report=lambda line: print(line, file=sys.stderr))
    settings = load_settings()
    with open_ledger(settings) as ledger:
        ledger.projects.add(_PROJECT)
        ledger.projects.add_source(_PROJECT, Source("documents", "files", str((sample / "documents").absolute())))
        ledger.benchmarks.attach(_PROJECT, with_tuning_half(load_suite(sample / "golden")))
    with progress_bars() as progress:
        result = ingest_project(settings, _PROJECT, progress)
        if result["failures"]:
            raise DestinyError(f"Generation {result['generation']} was not published: {result['reason']}")
        marts = run_job(settings, "build_marts", project=None, progress=progress)
        if not marts.succeeded:
            raise DestinyError(f"The marts could not be built: {'; '.join(marts.failures)}")
    if as_json:
        print_json(result)
        return
    show_ingest(result)
    for suite, recipes in result["benchmark"].items():
        metrics = ("ndcg@10", "recall@5", "recall@10", "mrr@10", "p50_ms", "p95_ms")
        rows = [(recipe, *(values[metric] for metric in metrics)) for recipe, values in recipes.items()]
        print_table(f"Golden questions ({suite})", ("recipe", *metrics), rows)
    say(f"\nQuestion: {_QUESTION}\n")
    ask(_PROJECT, _QUESTION)
    say(
        f"\nReport:     {(settings.home / 'reports' / f'{_PROJECT}.html').as_uri()}"
        "\nDagster UI: make dev, then http://127.0.0.1:3000"
        f'\nYour turn:  .venv/bin/destiny search {_PROJECT} "why was the walrus operator added"'
        "\nStop all:   .venv/bin/destiny down"
    )
