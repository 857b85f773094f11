"""``destiny trust``: why something is believed, what people say of it, what they should be asked next, and how well that held."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from destiny_assets.cli.actor import actor
from destiny_assets.cli.claims import claim_row
from destiny_assets.cli.knowledge import AsOf, time_of
from destiny_assets.cli.output import AsJson, Project, print_json, print_table, say
from destiny_assets.cli.stores import open_ledger, open_service, open_service_and_ledger
from destiny_assets.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from destiny_assets.adapters.postgres.audit import AuditLog
    from destiny_assets.serving.results import ClaimExplanation, Labelled
    from destiny_assets.serving.service import KnowledgeService

_VERDICTS = {"true": True, "false": False}
_NONE = "none"
_NUMBERS = {"one": False, "several": True, "rule": None}
_STATEMENT = {"object", "attribute", "value"}


def register(app: typer.Typer) -> None:
    """Add this group."""
    trust = typer.Typer(help="Trust: how far an item can be relied on, and why.", no_args_is_help=True)
    for name, command in (
        *(("explain", explain), ("label", label), ("suggest", suggest)),
        *(("calibration", calibration), ("suite", attach_suite), ("family", family), ("families", families)),
        ("values", values),
    ):
        trust.command(name)(command)
    app.add_typer(trust, name="trust")


def explain(
    project: Project,
    item: Annotated[str, typer.Argument(help="A claim or chunk id (or its first 8 characters), or a document's uri.")],
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Show the terms that a trust score is the sum of; of a claim also what speaks against it, and what would change the verdict."""
    at = time_of(as_of)
    with open_service() as service:
        if service.claims.find(project, item, as_of=at) is not None:
            claim = service.claims.explained(project, item, as_of=at)
            if as_json:
                print_json(claim)
            else:
                _show_claim(claim)
            return
        found = service.explain_trust(project, item, as_of=at)
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


def _show_claim(found: "ClaimExplanation") -> None:
    print_table(
        f"{found.subject}: {found.predicate} = {found.value} ({found.claim}), generation {found.generation}",
        ("term", "log-odds", "why"),
        [
            *((term["name"], term["log_odds"], term["why"]) for term in found.terms),
            ("sum", found.log_odds, f"probability {found.probability:.3f}, {found.standing}, model {found.model}"),
        ],
    )
    if found.against:
        print_table(
            "Against it",
            ("value", "p", "log-odds", "because"),
            [
                (rival.value, rival.probability, rival.log_odds, "\n".join(term["why"] for term in rival.terms))
                for rival in found.against
            ],
        )
    for place in found.evidence:
        where = f"row {place.table_row}" if place.span is None else f"characters {place.span[0]}-{place.span[1]}"
        dated = f", {place.observed_at:%Y-%m-%d}" if place.observed_at else ""
        say(f"{place.witness} in {place.uri}, {where}{dated}: {' '.join(place.quote.split()) or found.value}")
    for one in found.identities:
        see = f"destiny identity show {found.project} {one.id[:8]}"
        say(f"{one.absorbed} is taken for {one.kept}, p {one.probability:.2f}: they are read as one. See: {see}")
    if found.beside:
        others = ", ".join(f"{one.value} ({one.probability:.2f})" for one in found.beside)
        say(f"Beside it, and no rival of it: {others}")
    for sentence in found.would_change:
        say(f"What would change it: {sentence}")


def label(
    project: Project,
    claim: Annotated[str | None, typer.Argument(help="The claim's id, or its first 8 characters.")] = None,
    verdict: Annotated[str | None, typer.Argument(help="true, false, or none to take back what was said.")] = None,
    csv_file: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            help="Labels from a file: columns claim,verdict or object,attribute,value[,verdict]; no verdict means true.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say that a claim is true or false, or take that back; the next ingest counts it, for this claim and for whoever makes it."""
    if (csv_file is None) == (claim is None) or (claim is None) != (verdict is None):
        raise ConfigurationError("Give a claim and true, false or none, or a file with --csv.")
    with open_service_and_ledger() as (service, ledger):
        ledger.projects.require(project)
        if csv_file is not None:
            done = _label_file(service, ledger.audit, project, csv_file)
        elif str(verdict).strip().lower() == _NONE:
            with ledger.audit.noting(actor(), "claims.take_label_back", project, {"claim": str(claim)}):
                done = service.claims.take_back(project, str(claim))
            if not as_json:
                say(f"The label is taken back. That counts with the next: destiny ingest {project}")
                return
        else:
            done = _label(service, ledger.audit, project, {str(claim): _verdict(str(verdict), "")})
    if as_json:
        print_json(done)
        return
    say(
        f"{done.claims} claims labelled, {done.changed} of them anew. They count with the next: destiny ingest {project}"
    )
    if done.unknown:
        more = f" and {len(done.unknown) - 5} more" if len(done.unknown) > 5 else ""
        say(f"Nobody claims: {'; '.join(done.unknown[:5])}{more}.")


def _label(service: "KnowledgeService", audit: "AuditLog", project: str, verdicts: "Mapping[str, bool]") -> "Labelled":
    with audit.noting(actor(), "claims.label", project, {"labels": verdicts}):
        return service.claims.label(project, verdicts)


def _label_file(service: "KnowledgeService", audit: "AuditLog", project: str, path: Path) -> "Labelled":
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} cannot be read as CSV in UTF-8: {error}") from error
    columns = set(rows[0]) if rows else set()
    if {"claim", "verdict"} <= columns:
        verdicts = {
            row["claim"]: _verdict(row["verdict"] or "", f", line {number}") for number, row in enumerate(rows, 2)
        }
        return _label(service, audit, project, verdicts)
    if columns >= _STATEMENT:
        said = [
            (
                row["object"] or "",
                row["attribute"] or "",
                row["value"] or "",
                _verdict(row.get("verdict") or "true", f", line {number}"),
            )
            for number, row in enumerate(rows, 2)
        ]
        with audit.noting(actor(), "claims.label", project, {"statements": said}):
            return service.claims.label_statements(project, said)
    raise ConfigurationError(f"{path} needs the columns claim,verdict or object,attribute,value[,verdict], and a row.")


def _verdict(written: str, place: str) -> bool:
    try:
        return _VERDICTS[written.strip().lower()]
    except KeyError as error:
        raise ConfigurationError(f"{written!r}{place} is no verdict: write true or false.") from error


def suggest(
    project: Project,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many slots.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show what to label next: where claims contradict each other most, and whose witnesses speak of most else."""
    with open_service() as service:
        found = service.claims.suggested(project, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        f"What to label next in {project}, generation {found.generation}",
        ("claim", "subject", "predicate", "value", "p", "", "witnesses"),
        [claim_row(one) for slot in found.slots for one in slot.claims],
    )
    say(f"Label one with: destiny trust label {project} CLAIM true|false" if found.slots else "Nothing is contested.")


def calibration(project: Project, as_json: AsJson = False) -> None:
    """Show how well probabilities held against labels that had no part in them, and on truth suites, beside majority vote."""
    with open_service() as service:
        found = service.claims.measured(project)
    if as_json:
        print_json(found)
        return
    metrics = ("precision", "brier", "ece")
    if found.calibration:
        now = found.calibration[0]
        print_table(
            f"{project}, judged on {now.judged} labelled slots",
            ("generation", "method", "slots", *metrics, "95 % from", "to", "by chance", "log loss"),
            [
                (
                    *(one.generation, one.method, one.judged, one.precision, one.brier, one.ece),
                    *(one.ece_low, one.ece_high, one.ece_if_calibrated, one.log_loss),
                )
                for one in found.calibration
            ],
        )
        print_table(
            f"What was believed and what was right, generation {now.generation}",
            ("probability from", "slots", "mean", "right", "95 % from", "to"),
            [
                (one.begins, one.slots, one.mean_probability, one.share_right, one.low, one.high)
                for one in now.bins
                if one.slots
            ],
        )
    else:
        say(f"No label was judged yet. See what to label: destiny trust suggest {project}")
    if found.benchmarks:
        print_table(
            "Truth suites",
            ("suite", "labels", "model", "method", *metrics),
            [
                (one.suite, one.labels, one.model, method, *(values[metric] for metric in metrics))
                for one in found.benchmarks
                for method, values in one.metrics["methods"].items()
            ],
        )


def attach_suite(
    project: Project,
    folder: Annotated[
        Path, typer.Argument(help="A folder with claims.csv[.gz] and truth.csv[.gz], as for: destiny evaluate trust.")
    ],
    as_json: AsJson = False,
) -> None:
    """Attach labelled claims; the model of trust is measured on them with the next ingest, and whenever it changes."""
    from destiny_assets.domain.truth.claims import arrange
    from destiny_assets.stages.trust_suites import open_suite, read_claims, read_truths

    suite = open_suite(folder)
    truths = read_truths(suite, arrange(*read_claims(suite)))
    with open_ledger() as ledger:
        ledger.projects.require(project)
        with ledger.audit.noting(actor(), "trust.attach_suite", project, {"suite": suite.name, "truths": len(truths)}):
            ledger.calibrations.attach(project, suite)
    if as_json:
        print_json({"project": project, "suite": suite.name, "truths": len(truths)})
    else:
        say(
            f"{len(truths)} truths ({suite.name}) attached to {project}. They are measured with: destiny ingest {project}"
        )


def family(
    project: Project,
    name: Annotated[str, typer.Argument(help="The family's name, e.g. the agency whose releases they print.")],
    witnesses: Annotated[list[str], typer.Argument(help="Its members, as destiny claims names them.")],
    apart: Annotated[bool, typer.Option("--apart", help="Take them out of the family instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say that witnesses speak with one voice: from the next ingest on they have one vote together."""
    with open_ledger() as ledger:
        ledger.projects.require(project)
        known = {one for one, of in ledger.beliefs.families(project).items() if of == name}
        if apart and (strangers := [one for one in witnesses if one not in known]):
            raise NotFoundError(
                f"{strangers[0]!r} is not of the family {name!r}. See: destiny trust families {project}"
            )
        detail = {"family": name, "witnesses": witnesses, "apart": apart}
        with ledger.audit.noting(actor(), "trust.family", project, detail):
            changed = ledger.beliefs.set_family(project, witnesses, None if apart else name)
    if as_json:
        print_json({"project": project, "family": name, "changed": changed})
    else:
        say(f"{changed} witnesses moved. It counts with the next: destiny ingest {project}")


def families(project: Project, as_json: AsJson = False) -> None:
    """Show which witnesses have one vote together, and which seem to copy each other and should perhaps."""
    from dataclasses import asdict

    from destiny_assets.stages.believe import proposed_families

    with open_ledger() as ledger:
        ledger.projects.require(project)
        known = ledger.beliefs.families(project)
        proposed = proposed_families(ledger, project)
    if as_json:
        print_json({"project": project, "families": known, "proposed": [asdict(pair) for pair in proposed]})
        return
    print_table(f"Families of {project}", ("family", "witness"), sorted((of, one) for one, of in known.items()))
    print_table(
        "Seem to copy each other",
        ("witness", "and", "slots", "shared errors", "p"),
        [(pair.one, pair.other, pair.slots, pair.shared_errors, pair.probability) for pair in proposed],
    )
    if proposed:
        say(f"Make them one voice with: destiny trust family {project} NAME WITNESS...")


def values(
    project: Project,
    predicate: Annotated[
        str | None, typer.Argument(help="A predicate, as destiny claims names it; '*' stands for all others.")
    ] = None,
    number: Annotated[
        str | None, typer.Argument(help="one, several, or rule to go by the rule again (which is the default).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which predicates may have several values at once, and why; or say of one that it may, or has one value."""
    from destiny_assets.domain.claims.multiplicity import EVERY

    if predicate is not None and (number not in _NUMBERS or (predicate, number) == (EVERY, "several")):
        raise ConfigurationError(
            f"{number!r} is no number of values: write one, several or rule (of '*', one or rule: else nothing would contradict anything)."
        )
    with open_ledger() as ledger:
        ledger.projects.require(project)
        changed = False
        if predicate is not None and number is not None:
            named = " ".join(predicate.casefold().split())
            with ledger.audit.noting(actor(), "trust.values", project, {"predicate": named, "values": number}):
                changed = ledger.beliefs.say_of_predicate(project, named, _NUMBERS[number])
        said = ledger.beliefs.said_of_predicates(project)
        found = (ledger.beliefs.basis(project) or {}).get("several", {})
    if as_json:
        print_json({"project": project, "several": found, "said": said, "changed": changed})
        return
    if predicate is not None:
        say(f"{'Kept' if changed else 'As it was'}. It counts with the next: destiny ingest {project}")
        return
    print_table(f"Several values at once in {project}", ("predicate", "why"), sorted(found.items()))
    if said:
        print_table(
            "What people say",
            ("predicate", "values"),
            [(one, "several" if several else "one") for one, several in sorted(said.items())],
        )
