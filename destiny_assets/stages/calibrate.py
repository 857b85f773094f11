"""Calibrate: how well the probabilities of a generation hold against what people say of claims. Nothing that is believed is changed here."""

from collections.abc import Mapping
from typing import Any

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.claims.scoring import MODEL
from destiny_assets.domain.truth.holdout import FOLDS, brier_gain, calibrations
from destiny_assets.stages.believe import open_court


def calibrate_claims(ledger: PostgresLedger, project: str, generation: int) -> Mapping[str, Any]:
    """Judge every label by a model that never saw it, and keep the figures of the generation.

    They are of the model as it is with four fifths of the labels; the published probabilities know all of them. Where a generation
    moves no probability the figures of an older one hold, and nothing is measured again.
    """
    if not ledger.calibrations.moved(project, generation):
        ledger.calibrations.forget(project, generation)
        kept = ledger.calibrations.history(project, generation)
        if kept and kept[0].model == MODEL:
            return _told(kept[0].labels, kept[0].undecided, measured=False)
        # Labelled before there was this measure: it is of the generation whose probabilities these are, for this one may never be shown.
        current = ledger.generations.current(project)
        generation = current.number if current else generation
    labels = ledger.beliefs.labels(project)
    if not labels:
        ledger.calibrations.forget(project, generation)
        return _told(0, 0, measured=False)
    slots = {one.claim: one.whole for one in ledger.merges.joined_slots(project)}
    held_out = open_court(ledger, project, slots).held_out()
    found = calibrations(held_out)
    ledger.calibrations.store(project, generation, found, model=MODEL, labels=len(labels), undecided=held_out.undecided)
    facts = _told(len(labels), held_out.undecided, measured=True)
    if not found:
        return facts
    mean, low, high = brier_gain(held_out)
    return facts | {
        "judged": found[0].judged,
        "methods": {
            one.method: {
                "precision": one.precision,
                "brier": one.brier,
                "ece": one.ece,
                "ece_interval_95": [one.ece_low, one.ece_high],
                "ece_if_calibrated": one.ece_if_calibrated,
                "log_loss": one.log_loss,
            }
            for one in found
        },
        "brier_gain": {"mean": mean, "interval_95": [low, high]},
    }


def _told(labels: int, undecided: int, *, measured: bool) -> dict[str, Any]:
    return {
        "model": MODEL,
        "labels": labels,
        "judged": 0,
        "undecided": undecided,
        "folds": FOLDS,
        "measured": measured,
    }
