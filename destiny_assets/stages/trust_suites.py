"""Labelled claims through the model of trust: how often it believes the truth, and how well it knows, beside majority vote.

A folder of them is measured by ``destiny evaluate trust``; suites attached to a project by the asset `trust_benchmark`, in the same way.
"""

import zlib
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from destiny_assets.adapters.postgres.calibrations import TrustBenchmark, TruthSuite
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.truth import scores
from destiny_assets.domain.truth.beliefs import MODEL, believe, majority
from destiny_assets.domain.truth.claims import Claims, Floats, Ints, arrange, form_of
from destiny_assets.domain.truth.kinds import RULES, Kind
from destiny_assets.domain.truth.quantities import NUMBER_TOLERANCE
from destiny_assets.domain.truth.standing import UNCLAIMED, UNKNOWN
from destiny_assets.errors import ConfigurationError, NotFoundError
from destiny_assets.ports import Progress

if TYPE_CHECKING:
    import pandas as pd

BUDGETS = (0, 50)
"""With so many labels suites of projects are measured: without any, and with what a person gives in an hour."""
_NEEDED = {
    "claims": "It needs the columns object, attribute, source, value.",
    "truth": "It needs the columns object, attribute, value.",
}
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth of one slot that somebody claims something of: its number, canonical form, and the claimed value that is equal."""

    slot: int
    form: Hashable
    value: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of the slots that were scored in one draw of labels: what each method found right, near, and how sure it was."""

    slot: Ints
    right: dict[str, Floats]
    near: dict[str, Floats]
    probability: dict[str, Floats]


def open_suite(folder: Path) -> TruthSuite:
    """The two files of a folder; raises `NotFoundError`."""
    return TruthSuite(folder.name, _bytes(folder, "claims"), _bytes(folder, "truth"))


def evaluate_trust(suite: TruthSuite, *, labels: int = 0, seed: int = 0, draws: int = 5) -> dict[str, Any]:
    """Reveal `labels` truths, score the rest; means over `draws` random choices of labels (one where there is nothing to choose).

    Raises `ConfigurationError` when the suite does not hold what is needed.
    """
    claims = arrange(*read_claims(suite))
    return _evaluated(suite.name, claims, read_truths(suite, claims), labels, seed, draws)


def measure_trust(ledger: PostgresLedger, project: str, progress: Progress) -> Mapping[str, Any]:
    """Every truth suite of a project that this model was not measured on yet, without labels and with fifty; all there is, told again.

    The model is code: what it makes of a suite changes only when one of them does. A suite with too few truths for fifty labels is
    measured without.
    """
    known = {
        (one.suite, one.sha256, one.labels): one
        for one in ledger.calibrations.benchmarks(project)[::-1]
        if one.model == MODEL
    }
    suites = ledger.calibrations.suites(project)
    measured = 0
    for number, suite in enumerate(suites, start=1):
        missing = [labels for labels in BUDGETS if (suite.name, suite.sha256, labels) not in known]
        if missing:
            claims = arrange(*read_claims(suite))
            truths = read_truths(suite, claims)
            for labels in missing:
                if labels and len(truths) < 2 * labels:
                    continue
                found = _evaluated(suite.name, claims, truths, labels, 0, 5)
                result = TrustBenchmark(
                    suite.name, suite.sha256, MODEL, labels, found["scored"], found, datetime.now(UTC)
                )
                ledger.calibrations.store_benchmark(project, result)
                known[suite.name, suite.sha256, labels] = result
                measured += 1
        progress.advance("trust_benchmark", number, len(suites))
    current = {(suite.name, suite.sha256) for suite in suites}
    return {
        "model": MODEL,
        "suites": len(suites),
        "measured": measured,
        "results": [
            {
                "suite": one.suite,
                "labels": one.labels,
                "methods": one.metrics["methods"],
                "precision_gain": one.metrics["precision_gain"],
            }
            for (name, digest, _), one in sorted(known.items())
            if (name, digest) in current
        ],
    }


def _evaluated(name: str, claims: Claims, truths: list[Truth], labels: int, seed: int, draws: int) -> dict[str, Any]:
    if not 0 <= labels < len(truths):
        raise ConfigurationError(
            f"{name} holds {len(truths)} truths of things that are claimed; reveal fewer of them than that, not {labels}"
        )
    outcomes = [draw(claims, truths, labels, seed + number) for number in range(draws if labels else 1)]
    kinds = {attribute: {"kind": kind.value, "rule": RULES[kind]} for attribute, kind in claims.kinds.items()}
    return {
        "dataset": name,
        "model": MODEL,
        "objects": len(truths),
        "labels": labels,
        "scored": len(truths) - labels,
        "seeds": [seed + number for number in range(len(outcomes))],
        "claims": len(claims.slot),
        "sources": len(claims.sources),
        "unread": claims.unread,
        "claimable": float(np.mean([truth.value is not None for truth in truths])),
        "attributes": kinds,
        "methods": {method: _means(outcomes, method) for method in ("majority", "destiny")},
        "precision_gain": _gain(outcomes, seed),
        "ece_bins": scores.BINS,
        "coverage": _coverage(outcomes),
    }


def read_claims(suite: TruthSuite) -> tuple[list[str], ...]:
    """The columns of a suite's claims; where they are dated (`observed_at`), only the last word of a source on a slot."""
    import pandas as pd

    table = _table(suite.name, "claims", suite.claims, ("object", "attribute", "source", "value"))
    if "observed_at" in table:
        when = pd.to_datetime(table["observed_at"], errors="coerce", utc=True, format="mixed")
        order = when.argsort(kind="stable")
        table = table.iloc[order].drop_duplicates(["object", "attribute", "source"], keep="last").sort_index()
    if table.empty:
        raise ConfigurationError(f"{suite.name}: the claims hold no row; give at least one")
    return tuple(table[name].tolist() for name in ("object", "attribute", "source", "value"))


def read_truths(suite: TruthSuite, claims: Claims) -> list[Truth]:
    """The truths of a suite that can be scored: of slots somebody claims, and readable as values of their kind."""
    table = _table(suite.name, "truth", suite.truth, ("object", "attribute", "value"))
    number = {slot: index for index, slot in enumerate(claims.slots)}
    claimed = set(claims.value_slot.tolist())
    found: dict[int, Truth] = {}
    for thing, attribute, value in zip(table["object"], table["attribute"], table["value"], strict=True):
        slot = number.get((thing, attribute))
        if slot is not None and slot in claimed and (form := form_of(claims.kinds[attribute], value)) is not None:
            found[slot] = Truth(slot, form, claims.find(slot, form))
    if not found:
        raise ConfigurationError(f"{suite.name}: no truth is of an object and attribute that the claims speak of")
    return list(found.values())


def draw(claims: Claims, truths: list[Truth], labels: int, seed: int) -> Outcome:
    """Reveal `labels` of the truths, chosen by `seed`, and score the others."""
    order = np.random.default_rng(seed).permutation(len(truths))
    known = np.full(len(claims.slots), UNKNOWN, np.int64)
    for index in order[:labels].tolist():
        value = truths[index].value
        known[truths[index].slot] = UNCLAIMED if value is None else value
    scored = [truths[index] for index in sorted(order[labels:].tolist())]
    slots = np.array([truth.slot for truth in scored], np.int64)
    beliefs = believe(claims, known)
    share, voted = majority(claims)
    believed = {"majority": voted[slots], "destiny": beliefs.best[slots]}
    return Outcome(
        slots,
        {
            name: _flags(truth.value == value for truth, value in _beside(scored, chosen))
            for name, chosen in believed.items()
        },
        {
            name: _flags(_is_near(claims, truth, value) for truth, value in _beside(scored, chosen))
            for name, chosen in believed.items()
        },
        {"majority": share[believed["majority"]], "destiny": beliefs.probability[believed["destiny"]]},
    )


def _beside(scored: list[Truth], chosen: Ints) -> list[tuple[Truth, int]]:
    return list(zip(scored, chosen.tolist(), strict=True))


def _flags(answers: Any) -> Floats:
    return np.array([float(answer) for answer in answers])


def _is_near(claims: Claims, truth: Truth, value: int) -> bool:
    if truth.value == value:
        return True
    kind, form = claims.kinds[claims.slots[truth.slot][1]], claims.value_form[value]
    if kind is not Kind.NUMBER or not isinstance(form, float) or not isinstance(truth.form, float):
        return False
    return abs(form - truth.form) <= NUMBER_TOLERANCE * abs(truth.form)


def _means(outcomes: list[Outcome], method: str) -> dict[str, float]:
    draws = [asdict(scores.score(outcome.right[method], outcome.probability[method])) for outcome in outcomes]
    near = float(np.mean([outcome.near[method].mean() for outcome in outcomes]))
    return {name: float(np.mean([draw[name] for draw in draws])) for name in draws[0]} | {"precision_near": near}


def _gain(outcomes: list[Outcome], seed: int) -> dict[str, Any]:
    """By how much Destiny is more often right; the interval resamples slots, each with its mean over the draws that scored it."""
    slots, place = np.unique(np.concatenate([outcome.slot for outcome in outcomes]), return_inverse=True)
    times = np.bincount(place)

    def over_draws(method: str) -> Floats:
        return np.bincount(place, np.concatenate([outcome.right[method] for outcome in outcomes]), len(slots)) / times

    ours, theirs = over_draws("destiny"), over_draws("majority")
    return {"mean": float((ours - theirs).mean()), "interval_95": list(scores.paired_interval(ours, theirs, seed))}


def _coverage(outcomes: list[Outcome]) -> list[list[float]]:
    curves = [scores.coverage_curve(outcome.right["destiny"], outcome.probability["destiny"]) for outcome in outcomes]
    mean: list[list[float]] = np.mean(np.array(curves), axis=0).tolist()
    return mean


def _bytes(folder: Path, name: str) -> bytes:
    found = next((path for path in (folder / f"{name}.csv", folder / f"{name}.csv.gz") if path.is_file()), None)
    if found is None:
        raise NotFoundError(f"{folder} holds no {name}.csv or {name}.csv.gz. {_NEEDED[name]}")
    return found.read_bytes()


def _table(suite: str, name: str, content: bytes, columns: tuple[str, ...]) -> "pd.DataFrame":
    import pandas as pd

    packed: Literal["gzip"] | None = "gzip" if content.startswith(_GZIP) else None
    try:
        table = pd.read_csv(BytesIO(content), dtype=str, keep_default_na=False, compression=packed)
    except (
        UnicodeDecodeError,
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        OSError,
        EOFError,
        zlib.error,
    ) as error:
        raise ConfigurationError(f"{name}.csv of {suite} cannot be read as CSV in UTF-8: {error}") from error
    missing = [column for column in columns if column not in table]
    if missing:
        raise ConfigurationError(f"{name}.csv of {suite} lacks the column {', '.join(missing)}. {_NEEDED[name]}")
    return table
