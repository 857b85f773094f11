"""Labelled sentences and the passages they are held against: how often the verdict is right, beside the most frequent one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from destiny_assets.adapters.labelled_files import Skipped, read_records
from destiny_assets.domain import contradiction
from destiny_assets.domain.contradiction import Passage, Verdict, Weights
from destiny_assets.domain.identity.scores import Counts
from destiny_assets.domain.metrics import paired_bootstrap
from destiny_assets.errors import ConfigurationError

_BEGINNINGS = {
    **dict.fromkeys(("support", "entail"), Verdict.SUPPORT),
    **dict.fromkeys(("contradict", "refute"), Verdict.CONTRADICT),
    **dict.fromkeys(("not", "nei", "neutral"), Verdict.NOT_ENOUGH),
}
_TUNED_ON = frozenset({"train", "training", "valid", "validation", "val", "dev", "development"})
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sentence, the passages it is held against, the right verdict, and whether it may be looked at."""

    sentence: str
    passages: Sequence[Passage]
    verdict: Verdict
    tuned: bool


def evaluate_contradictions(folder: Path) -> dict[str, Any]:
    """Judge the sentences of `folder`'s test split (all where none is split off); what other splits label is learned from.

    Raises `NotFoundError` and `ConfigurationError` when the folder does not hold what is needed.
    """
    skipped: list[Skipped] = []
    passages = _passages(folder, skipped)
    labelled = _labelled(folder, passages, skipped)
    scored = [one for one in labelled if not one.tuned]
    if not scored:
        raise ConfigurationError(f"{folder}: claims.jsonl holds no labelled claim that is not for tuning")
    weights = Weights(passages.values())
    measured = np.array([contradiction.signals(one.sentence, one.passages, weights) for one in labelled])
    tuned = np.array([one.tuned for one in labelled])
    known = [one.verdict for one in labelled if one.tuned]
    rules = contradiction.by_rules(measured[~tuned])
    learned = set(known) == set(Verdict)
    found = contradiction.learn(measured[tuned], known).judge(measured[~tuned]) if learned else rules
    gold = [one.verdict for one in scored]
    most = Counter(known or gold).most_common(1)[0][0]
    right = [float(ours is truth) for ours, truth in zip(found, gold, strict=True)]
    interval = paired_bootstrap(right)
    by_type = {verdict.value: _of(verdict, found, gold).figures() for verdict in Verdict}
    return {
        "dataset": folder.name,
        "model": contradiction.MODEL,
        "decided_by": "labels of the other splits" if learned else "rules",
        "claims": {"tuned_on": len(known), "scored": len(scored)},
        "passages": len(passages),
        "accuracy": interval.mean,
        "accuracy_interval_95": [interval.low, interval.high],
        **{name: float(np.mean([kind[name] for kind in by_type.values()])) for name in ("precision", "recall", "f1")},
        "by_type": by_type,
        "baselines": {
            "majority": {"verdict": most.value, "accuracy": float(np.mean([truth is most for truth in gold]))},
            "rules": {"accuracy": float(np.mean([ours is truth for ours, truth in zip(rules, gold, strict=True)]))},
        },
        "skipped": {"rows": len(skipped), "first": [asdict(row) for row in skipped[:_SHOWN]]},
    }


def _of(verdict: Verdict, found: Sequence[Verdict], gold: Sequence[Verdict]) -> Counts:
    right = sum(ours is truth is verdict for ours, truth in zip(found, gold, strict=True))
    return Counts(
        right, sum(ours is verdict for ours in found) - right, sum(truth is verdict for truth in gold) - right
    )


def _passages(folder: Path, skipped: list[Skipped]) -> dict[str, Passage]:
    found = {}
    for record in read_records(folder, "evidence", skipped):
        sentences = record.get("sentences")
        if "doc_id" not in record or not isinstance(sentences, list):
            skipped.append(Skipped("evidence.jsonl", 0, f"no doc_id or no list of sentences: {str(record)[:60]}"))
            continue
        found[str(record["doc_id"])] = Passage(
            str(record.get("title") or ""), [str(sentence) for sentence in sentences]
        )
    return found


def _labelled(folder: Path, passages: dict[str, Passage], skipped: list[Skipped]) -> list[Labelled]:
    found = []
    for record in read_records(folder, "claims", skipped):
        label = str(record.get("label") or "").casefold()
        verdict = next((known for beginning, known in _BEGINNINGS.items() if label.startswith(beginning)), None)
        if verdict is None or not record.get("claim"):
            skipped.append(Skipped("claims.jsonl", 0, f"no claim, or a label that is no verdict: {str(record)[:60]}"))
            continue
        cited = [str(document) for document in record.get("cited_doc_ids") or ()]
        found.append(
            Labelled(
                str(record["claim"]),
                [passages[document] for document in cited if document in passages],
                verdict,
                str(record.get("split") or "").casefold() in _TUNED_ON,
            )
        )
    return found
