"""Facts: what must be true of a generation before readers may see it, each one SQL question to the ledger or one reported count."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.calibrations import StoredCalibration, TrustBenchmark
from destiny_assets.adapters.postgres.facts import (
    beliefs_off_their_terms,
    chunks_off_their_spans,
    chunks_without_vectors,
    claims_off_their_spans,
    claims_unweighed,
    claims_without_evidence,
    decisions_at_risk,
    decisions_in_a_circle,
    decisions_replacing_unknown_ones,
    documents_without_chunks,
    grounds_unknown,
    mentions_off_their_spans,
    merges_of_the_dead,
    no_documents,
    scores_off_their_terms,
)
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.assets.calibration import claim_calibration, trust_benchmark
from destiny_assets.assets.claims import claims
from destiny_assets.assets.decisions import decisions
from destiny_assets.assets.identities import entity_merges
from destiny_assets.assets.ingest import documents
from destiny_assets.assets.link import entities
from destiny_assets.assets.publish import quality_gate, retrieval_benchmark
from destiny_assets.assets.trust import claim_probabilities, decision_risks, trust_scores
from destiny_assets.assets.understand import chunks, embeddings
from destiny_assets.domain.gate import ACCEPT_WORSE
from destiny_assets.domain.generations import Generation

# Fewer labels say nothing of how sure one is: a perfectly calibrated model shows a calibration error of 0.1 on twenty slots.
_FEWEST_JUDGED = 20
_MOST_ECE = 0.05
_MOST_FALL = 0.02
_PARTITION = "dagster/partition"


@dataclass(frozen=True, slots=True)
class _Fact:
    name: str
    asset: dg.AssetsDefinition
    why: str
    exceptions: Callable[[PostgresLedger, Generation], list[str]]
    blocking: bool = True


_FACTS = (
    _Fact(
        "documents_exist",
        documents,
        "The generation shows at least one document (a project emptied on purpose shows none, so this only warns).",
        no_documents,
        blocking=False,
    ),
    _Fact("documents_have_chunks", chunks, "Every document with text was cut into chunks.", documents_without_chunks),
    _Fact(
        "chunks_stand_at_their_spans",
        chunks,
        "A chunk's text is exactly what its document holds at the chunk's span.",
        chunks_off_their_spans,
    ),
    _Fact(
        "chunks_have_vectors", embeddings, "Every chunk has a vector of the generation's model.", chunks_without_vectors
    ),
    _Fact(
        "mentions_stand_at_their_spans",
        entities,
        "A mention's surface is exactly what its chunk holds at the mention's first span.",
        mentions_off_their_spans,
    ),
    _Fact(
        "merges_join_what_is_there",
        entity_merges,
        "Whatever is taken for one is there, and each entity is read as one other at most.",
        merges_of_the_dead,
    ),
    # What a log says wrongly is its writers' to mend: it holds nobody else's knowledge back.
    _Fact(
        "superseded_decisions_are_known",
        decisions,
        "What a decision says it supersedes is a document of the project.",
        decisions_replacing_unknown_ones,
        blocking=False,
    ),
    _Fact(
        "decisions_supersede_in_no_circle",
        decisions,
        "No decision supersedes itself by way of others.",
        decisions_in_a_circle,
        blocking=False,
    ),
    _Fact(
        "claims_stand_at_their_spans",
        claims,
        "What is quoted as evidence is exactly what its document holds at its span.",
        claims_off_their_spans,
    ),
    _Fact("claims_have_evidence", claims, "Every claim is made somewhere.", claims_without_evidence),
    _Fact(
        "claims_are_weighed",
        claim_probabilities,
        "Every claim has a probability, and nothing else has.",
        claims_unweighed,
    ),
    _Fact(
        "beliefs_are_the_sum_of_their_terms",
        claim_probabilities,
        "The log-odds terms of a claim add up to its score.",
        beliefs_off_their_terms,
    ),
    # The world changed, not the run: readers are told, and nothing is held back.
    _Fact(
        "decisions_stand_on_what_holds",
        decision_risks,
        "Nothing that a decision rests on is gone, superseded or improbable.",
        decisions_at_risk,
        blocking=False,
    ),
    _Fact(
        "grounds_are_known",
        decision_risks,
        "What a decision says it rests on is a claim or document of the project.",
        grounds_unknown,
        blocking=False,
    ),
    _Fact(
        "scores_are_the_sum_of_their_terms",
        trust_scores,
        "The log-odds terms of a score add up to its logit.",
        scores_off_their_terms,
    ),
)


def _check(fact: _Fact) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=fact.asset, name=fact.name, description=fact.why, blocking=fact.blocking)
    def check(context: dg.AssetCheckExecutionContext, ledger: ResourceParam[PostgresLedger]) -> dg.AssetCheckResult:
        generation = ledger.generations.building_or_current(context.run.tags[_PARTITION])
        exceptions = fact.exceptions(ledger, generation)
        return dg.AssetCheckResult(
            passed=not exceptions,
            severity=dg.AssetCheckSeverity.ERROR if fact.blocking else dg.AssetCheckSeverity.WARN,
            description=f"{fact.why} Not so: {exceptions[0]}" if exceptions else fact.why,
            metadata={
                "generation": generation.number,
                "exceptions": len(exceptions),
                "examples": dg.MetadataValue.json(exceptions[:10]),
            },
        )

    return check


@dg.asset_check(
    asset=quality_gate,
    blocking=True,
    description="Documents, vectors and graph hold exactly what this generation changed in the ledger.",
)
def layers_agree(context: dg.AssetCheckExecutionContext, ledger: ResourceParam[PostgresLedger]) -> dg.AssetCheckResult:
    """Passes when no layer misses an id of the ledger, or shows one too many."""
    generation = ledger.generations.building(context.run.tags[_PARTITION])
    facts = ledger.generations.stage_facts(generation.project, generation.number, "quality_gate")
    layers: dict[str, dict[str, int]] = facts["layers"]
    apart = {name: layer for name, layer in layers.items() if layer["missing"] or layer["extra"] or layer["stale"]}
    return dg.AssetCheckResult(
        passed=not apart, metadata={name: dg.MetadataValue.json(layer) for name, layer in layers.items()}
    )


@dg.asset_check(
    asset=retrieval_benchmark, description="The best recipe finds an answer to at least half of the golden questions."
)
def golden_questions_are_answered(
    context: dg.AssetCheckExecutionContext, ledger: ResourceParam[PostgresLedger]
) -> dg.AssetCheckResult:
    """A warning, not a gate: recall@10 of the best recipe below 0.5 on some suite."""
    generation = ledger.generations.building_or_current(context.run.tags[_PARTITION])
    suites: dict[str, Any] = ledger.generations.stage_facts(
        generation.project, generation.number, "retrieval_benchmark"
    )["suites"]
    best = {name: max(metrics["recall@10"] for metrics in recipes.values()) for name, recipes in suites.items()}
    return dg.AssetCheckResult(
        passed=all(recall >= 0.5 for recall in best.values()),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={f"recall@10 {name}": recall for name, recall in best.items()},
    )


@dg.asset_check(
    asset=retrieval_benchmark,
    blocking=True,
    description="No gated metric of any recipe fell below the current generation's by more than its tolerance.",
)
def retrieval_is_no_worse(
    context: dg.AssetCheckExecutionContext, ledger: ResourceParam[PostgresLedger]
) -> dg.AssetCheckResult:
    """Fails with the questions that broke; a run that was told to accept worse passes, and still shows them."""
    generation = ledger.generations.building_or_current(context.run.tags[_PARTITION])
    gate = ledger.generations.stage_facts(generation.project, generation.number, "retrieval_benchmark")["gate"]
    refused: list[dict[str, Any]] = gate["refused"]
    accepted = context.run.tags.get(ACCEPT_WORSE)
    said = "; ".join(fall["said"] for fall in refused[:3])
    more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
    return dg.AssetCheckResult(
        passed=not refused or accepted is not None,
        description=f"{said}{more}. If that is meant, run: destiny ingest {generation.project} --accept-worse REASON"
        if refused
        else "No gated metric fell.",
        metadata={
            "generation": generation.number,
            "compared with": gate["compared_with"] or 0,
            "tolerances": dg.MetadataValue.json(gate["tolerances"]),
            "refused": dg.MetadataValue.json(refused),
            "accepted because": accepted or "",
        },
    )


def miscalibrations(ours: StoredCalibration, vote: StoredCalibration) -> list[str]:
    """What labels say against our probabilities, in words; nothing where there are too few of them."""
    if ours.judged < _FEWEST_JUDGED:
        return []
    found = []
    # What chance alone shows on so few slots is no error.
    if ours.ece > max(_MOST_ECE, ours.ece_chance_high):
        found.append(f"the calibration error is {ours.ece:.3f}, more than {_MOST_ECE} and than chance would show")
    if ours.brier > vote.brier:
        found.append(f"the Brier score is {ours.brier:.3f}, majority vote's {vote.brier:.3f}")
    return found


@dg.asset_check(
    asset=claim_calibration,
    description="Probabilities of claims hold against people's labels: no surer than right, and better than majority vote's share.",
)
def probabilities_hold(
    context: dg.AssetCheckExecutionContext, ledger: ResourceParam[PostgresLedger]
) -> dg.AssetCheckResult:
    """A warning, not a gate: labels say that the model errs, not that this run did, and readers would be left with what is no better."""
    generation = ledger.generations.building_or_current(context.run.tags[_PARTITION])
    found = {one.method: one for one in ledger.calibrations.history(generation.project, generation.number)[:2]}
    ours = found.get("destiny")
    wrong = miscalibrations(ours, found["majority"]) if ours else []
    return dg.AssetCheckResult(
        passed=not wrong,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"On {ours.judged} labelled slots {'; '.join(wrong)}."
        if ours and wrong
        else "Nothing says otherwise.",
        metadata={"generation": generation.number, "judged": ours.judged if ours else 0},
    )


def falls(measured: list[TrustBenchmark]) -> tuple[list[str], int]:
    """Where the newest model is right more seldom than the one before it on the same suite, in words; and how many were compared."""
    groups: dict[tuple[str, str, int], list[TrustBenchmark]] = {}
    for one in measured:
        groups.setdefault((one.suite, one.sha256, one.labels), []).append(one)
    pairs = [some[:2] for some in groups.values() if len(some) > 1]
    fell = []
    for newest, before in pairs:
        now, then = (one.metrics["methods"]["destiny"]["precision"] for one in (newest, before))
        if now < then - _MOST_FALL:
            fell.append(f"{newest.suite} with {newest.labels} labels: {then:.3f} with {before.model}, now {now:.3f}")
    return fell, len(pairs)


@dg.asset_check(
    asset=trust_benchmark,
    description="On no truth suite is the model right more seldom than the one measured before it.",
)
def trust_model_is_no_worse(
    context: dg.AssetCheckExecutionContext, ledger: ResourceParam[PostgresLedger]
) -> dg.AssetCheckResult:
    """A warning, not a gate: the model is code, and refusing documents brings no better one."""
    fell, compared = falls(ledger.calibrations.benchmarks(context.run.tags[_PARTITION]))
    return dg.AssetCheckResult(
        passed=not fell,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(fell) or "No precision fell.",
        metadata={"compared": compared},
    )


def fact_checks() -> list[dg.AssetChecksDefinition]:
    """Every fact as an asset check."""
    return [
        *(_check(fact) for fact in _FACTS),
        *(layers_agree, retrieval_is_no_worse, golden_questions_are_answered),
        *(probabilities_hold, trust_model_is_no_worse),
    ]
