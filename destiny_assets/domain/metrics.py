"""Retrieval metrics over one ranking or many, as TREC defines them. Grades are whole numbers, 0 is not relevant."""

import math
from collections.abc import Iterable, Mapping, Sequence


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


def query_metrics(ranking: Sequence[str], grades: Mapping[str, int]) -> dict[str, float]:
    """All metrics of one query, by the names they are published under."""
    return {
        "ndcg@10": ndcg(ranking, grades, 10),
        "recall@5": recall(ranking, grades, 5),
        "recall@10": recall(ranking, grades, 10),
        "recall@100": recall(ranking, grades, 100),
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
