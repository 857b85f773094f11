"""Retrieval metrics over one ranking or many, as TREC defines them. Grades are whole numbers, 0 is not relevant."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_SAMPLES = 2_000


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Normalised discounted cumulative gain at `k`, in [0, 1]; gain is the grade itself (as trec_eval and BEIR count it)."""
    gained = sum(grades.get(item, 0) / math.log2(rank + 2) for rank, item in enumerate(ranking[:k]))
    ideal = sum(grade / math.log2(rank + 2) for rank, grade in enumerate(sorted(grades.values(), reverse=True)[:k]))
    return gained / ideal if ideal else 0.0


def recall(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Share of the relevant items among the first `k`, in [0, 1]."""
    relevant = {item for item, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """One over the rank of the first relevant item among the first `k`, 0 when there is none."""
    return next((1 / (rank + 1) for rank, item in enumerate(ranking[:k]) if grades.get(item, 0) > 0), 0.0)


def average_precision(ranking: Sequence[str], grades: Mapping[str, int]) -> float:
    """Mean of the precision at each relevant item's rank, relevant items not found counting 0; in [0, 1]."""
    relevant = sum(grade > 0 for grade in grades.values())
    found, total = 0, 0.0
    for rank, item in enumerate(ranking):
        if grades.get(item, 0) > 0:
            found += 1
            total += found / (rank + 1)
    return total / relevant if relevant else 0.0


def full_evidence(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """1 when every relevant item is among the first `k`, else 0: what a question that needs all of its evidence asks for."""
    relevant = {item for item, grade in grades.items() if grade > 0}
    return float(bool(relevant) and relevant <= set(ranking[:k]))


def query_metrics(ranking: Sequence[str], grades: Mapping[str, int]) -> dict[str, float]:
    """All metrics of one query, by the names they are published under."""
    return {
        "ndcg@10": ndcg(ranking, grades, 10),
        "recall@5": recall(ranking, grades, 5),
        "recall@10": recall(ranking, grades, 10),
        "recall@100": recall(ranking, grades, 100),
        "full_evidence@5": full_evidence(ranking, grades, 5),
        "full_evidence@10": full_evidence(ranking, grades, 10),
        "mrr@10": reciprocal_rank(ranking, grades, 10),
        "map": average_precision(ranking, grades),
    }


def mean_metrics(queries: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric over queries."""
    rows = list(queries)
    return {name: math.fsum(row[name] for row in rows) / len(rows) for name in rows[0]} if rows else {}


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that at least `share` (0 to 1) of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


@dataclass(frozen=True, slots=True)
class Interval:
    """The mean of paired differences with its 95 % bootstrap interval; `positive` is the share of samples whose mean is above 0."""

    mean: float
    low: float
    high: float
    positive: float


def paired_bootstrap(differences: Sequence[float]) -> Interval:
    """Resample the questions with replacement (2,000 times, seeded: the same differences give the same interval).

    Differences are those of one metric between two systems, question by question. NaN without any.
    """
    if not differences:
        return Interval(math.nan, math.nan, math.nan, math.nan)
    values = np.asarray(differences, np.float64)
    drawn = np.random.default_rng(0)
    # In blocks, so that memory stays below 16 MB however many questions there are.
    block = max(1, 2_000_000 // len(values))
    means = np.concatenate(
        [
            values[drawn.integers(len(values), size=(min(block, _SAMPLES - done), len(values)))].mean(axis=1)
            for done in range(0, _SAMPLES, block)
        ]
    )
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(values.mean()), float(low), float(high), float((means > 1e-12).mean()))


@dataclass(frozen=True, slots=True)
class SpanOverlap:
    """How retrieved spans of characters cover gold spans, counted in units (tokens) of the text; each in [0, 1]."""

    recall: float
    precision: float
    iou: float


def span_overlap(retrieved: Sequence[tuple[int, int]], gold: Sequence[tuple[int, int]]) -> SpanOverlap:
    """Overlap of two sets of half-open spans over one text, as lengths; what several retrieved spans share counts again.

    Recall is the gold covered at least once; precision and IoU charge a stretch each time it is retrieved.
    """
    wanted, found = _merged(gold), _merged(retrieved)
    covered = _length(_intersection(wanted, found))
    fetched = sum(end - start for start, end in retrieved)
    total = _length(wanted)
    return SpanOverlap(
        recall=covered / total if total else 0.0,
        precision=covered / fetched if fetched else 0.0,
        iou=covered / (fetched + total - covered) if fetched + total else 0.0,
    )


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif end > start:
            merged.append((start, end))
    return merged


def _intersection(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(max(a, c), min(b, d)) for a, b in one for c, d in other if max(a, c) < min(b, d)]


def _length(spans: Iterable[tuple[int, int]]) -> int:
    return sum(end - start for start, end in spans)
