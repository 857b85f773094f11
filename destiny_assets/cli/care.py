"""``destiny doctor | repair | rebuild | vacuum``."""

import os
import time
from typing import Annotated, Any

import typer

from destiny_assets.cli.output import AsJson, Project, print_json, print_table, progress_bars, say
from destiny_assets.cli.stores import open_layers
from destiny_assets.errors import ConfigurationError
from destiny_assets.settings import load_settings, retention_days

Deep = Annotated[
    bool, typer.Option("--deep", help="Compare every vector number by number, and read the bytes of every original.")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (doctor, repair, rebuild, vacuum):
        app.command(command.__name__)(command)


def doctor(
    project: Annotated[str | None, typer.Argument(help="One project; all of them when left out.")] = None,
    deep: Deep = False,
    as_json: AsJson = False,
) -> None:
    """Compare the layers item by item over every generation, name what is wrong, and list what is quarantined and why."""
    from dataclasses import asdict

    from destiny_assets.serving.health import diagnose

    with open_layers(load_settings()) as layers:
        names = [project] if project else layers.ledger.projects.names()
        found = [diagnose(*layers, name, deep=deep) for name in names]
    ok = all(diagnosis.ok for diagnosis in found)
    if as_json:
        print_json(found[0] if project else {"ok": ok, "projects": [asdict(diagnosis) for diagnosis in found]})
    else:
        for diagnosis in found:
            print_table(
                f"{diagnosis.project}, generation {diagnosis.generation}: {'well' if diagnosis.ok else 'NOT WELL'}",
                ("layer", "state", "items", "detail"),
                [
                    (name, "ok" if layer.ok else "wrong", layer.count, layer.detail)
                    for name, layer in diagnosis.layers.items()
                ],
            )
            if diagnosis.examples:
                _print_findings(f"What differs (mend it with: destiny repair {diagnosis.project})", diagnosis.examples)
            if diagnosis.refused:
                say(f"Generation {diagnosis.refused['generation']} was not published: {diagnosis.refused['reason']}")
            if diagnosis.quarantined:
                columns = ("document", "stage", "reason", "tries", "detail")
                print_table(
                    "Quarantined", columns, [[item[column] for column in columns] for item in diagnosis.quarantined]
                )
        if not found:
            say("There is no project yet. Create one with: destiny project add NAME")
    if not ok:
        raise typer.Exit(1)


def repair(project: Project, deep: Deep = False, as_json: AsJson = False) -> None:
    """Mend exactly what differs from the ledger, in every layer, while readers go on; calls no model."""
    from destiny_assets.stages.repair import repair_project

    began = time.perf_counter()
    settings = load_settings()
    with open_layers(settings, project=project) as layers, progress_bars() as progress:
        report = repair_project(*layers, project, progress, settings.cache, deep=deep)
    seconds = round(time.perf_counter() - began, 2)
    if as_json:
        print_json({**report.document(), "seconds": seconds})
    else:
        print_table(
            f"{project}: {report.written} items mended in {seconds:.1f} s",
            ("layer", "missing", "extra", "stale"),
            [(layer, *counts.values()) for layer, counts in report.mended.items()],
        )
        if report.items:
            _print_findings("Mended", report.items)
        if report.left:
            _print_findings("NOT MENDED", report.left)
    if not report.ok:
        raise typer.Exit(1)


def rebuild(
    project: Project,
    layer: Annotated[str, typer.Option("--layer", help="Which layer: vectors or graph.")],
    as_json: AsJson = False,
) -> None:
    """Build a whole layer anew from the ledger while readers go on; calls no model."""
    from destiny_assets.stages.rebuild import REBUILT, rebuild_layer

    if layer not in REBUILT:
        raise ConfigurationError(f"--layer {layer!r} can't be rebuilt from the ledger: give {' or '.join(REBUILT)}.")
    began = time.perf_counter()
    with open_layers(load_settings(), project=project) as layers, progress_bars() as progress:
        facts = rebuild_layer(*layers, project, layer, progress)
    seconds = round(time.perf_counter() - began, 2)
    if as_json:
        print_json({**facts, "seconds": seconds})
    else:
        say(f"The {layer} of {project} are built anew and verified: {facts['items']} items in {seconds:.1f} s.")


def vacuum(
    project: Project,
    keep_days: Annotated[
        float | None,
        typer.Option(min=0, help="Days that a replaced generation stays readable; DESTINY_RETENTION_DAYS, or 30."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove what only generations show that were replaced longer ago than the retention window."""
    from destiny_assets.stages.vacuum import vacuum_project

    with open_layers(load_settings(), project=project) as layers:
        facts = vacuum_project(*layers, project, retention_days(os.environ) if keep_days is None else keep_days)
    if as_json:
        print_json(facts)
        return
    removed = facts["removed"]
    rows = [(name, removed[name]) for name in ("documents", "vectors", "collections", "graph")]
    gone = ", ".join(map(str, facts["generations"])) or "none"
    print_table(
        f"{project}: generations gone now: {gone}; the oldest that can be read is {facts['oldest']}",
        ("what", "removed"),
        [*rows, *((f"ledger: {table}", count) for table, count in removed["ledger"].items())],
    )


def _print_findings(title: str, findings: Any) -> None:
    print_table(
        title,
        ("layer", "kind", "problem", "id", "document", "differs"),
        [
            (
                finding.layer,
                finding.kind,
                finding.problem,
                finding.id,
                finding.uri,
                finding.todo
                or "\n".join(f"{name}: {should!r} became {does!r}" for name, (should, does) in finding.differs.items()),
            )
            for finding in findings
        ],
    )
