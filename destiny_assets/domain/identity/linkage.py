"""Two tables in, pairs with probabilities out: what is compared, what labels say, and which links stand beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from destiny_assets.domain.identity import decision, records
from destiny_assets.domain.identity.blocking import candidates
from destiny_assets.domain.identity.decision import Decision, Flags
from destiny_assets.domain.identity.features import Comparison
from destiny_assets.domain.identity.records import Table
from destiny_assets.domain.identity.rivals import one_to_one, standing
from destiny_assets.domain.identity.sparse_rows import Floats, Ints

MODEL = "records-1"
"""Name and version of features and decision together."""

NEAREST = 10
"""Candidates of a record: 20 and 50 found 1 % more of the matches of hard tables at two and five times the work."""

_COMPARED = ("words.cosine", "trigrams.cosine", "words.jaccard", "trigrams.jaccard", "code_pieces.containment")
_FIRST_LOOK = ("words.cosine", "trigrams.cosine", "words.containment")
# Of pairs that are nobody's best on both sides, this share at most looks as good as what is taken for a match unseen.
_CHANCE = 0.005
# So many records of a table may have two counterparts before a second one is believed.
_SECOND = 0.02


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of two tables by place, ascending; `listed` are those that somebody asked about, the others come from blocking."""

    left: Ints
    right: Ints
    blocked: Flags
    features: Floats
    names: tuple[str, ...]
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Links:
    """Of each pair the probability to be a match, and whether it stands; how long fitting and deciding took."""

    probability: Floats
    stands: Flags
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Exclusive:
    """Whether a left record has one counterpart at most, and a right one."""

    left: bool
    right: bool


def compare(left: Table, right: Table, listed: tuple[Ints, Ints]) -> Pairs:
    """Measure all candidates of two tables and the pairs of places in `listed`."""
    began = perf_counter()
    comparison = Comparison(left, right)
    prepared = perf_counter()
    found = candidates(comparison.words, NEAREST)
    width = max(1, len(right))
    blocked = found[0] * width + found[1]
    keys = np.union1d(blocked, listed[0] * width + listed[1])
    ours, theirs = keys // width, keys % width
    paired = perf_counter()
    measured = comparison.measure(ours, theirs)
    among = [standing(ours, theirs, measured[:, comparison.names.index(name)]) for name in _COMPARED]
    names = [f"{name}.{what}" for name in _COMPARED for what in ("lead_left", "lead_right", "best_left", "best_right")]
    seconds = {"prepare": prepared - began, "block": paired - prepared, "compare": perf_counter() - paired}
    features = np.concatenate([measured, *among], axis=1)
    return Pairs(ours, theirs, np.isin(keys, blocked), features, (*comparison.names, *names), seconds)


def decide_by_labels(pairs: Pairs, places: Ints, match: Flags, seed: int) -> Links:
    """Decide all pairs by a decision learned from those at `places`, labelled `match`; raises `ValueError` as `decision.learn` does."""
    began = perf_counter()
    decided = decision.learn(pairs.features[places], match, seed)
    fitted = perf_counter()
    matched = places[match]
    exclusive = Exclusive(
        *(_seldom_twice(record[matched]) for record in (pairs.left, pairs.right)),
    )
    return _decided(pairs, decided, exclusive, began, fitted)


def decide_unlabelled(pairs: Pairs, exclusive: Exclusive) -> Links:
    """Decide all pairs without any label: pairs that are clearly best on both sides teach what the others must look like."""
    began = perf_counter()
    look = pairs.features[:, [pairs.names.index(name) for name in _FIRST_LOOK]].mean(axis=1)
    place = standing(pairs.left, pairs.right, look)
    mutual = place[:, 2:].all(axis=1)
    score = look + place[:, :2].min(axis=1)
    by_chance = np.quantile(score[~mutual], 1 - _CHANCE) if (~mutual).any() else 0.5
    seeds = mutual & (score > by_chance)
    if not seeds.any():
        return Links(
            np.zeros(len(score)), np.zeros(len(score), np.bool_), {"fit": perf_counter() - began, "decide": 0.0}
        )
    decided = decision.teach_itself(pairs.features, seeds, lambda chance: _standing(pairs, chance, 0.5, exclusive))
    return _decided(pairs, decided, exclusive, began, perf_counter())


def exclusive_by_content(left: Table, right: Table) -> Exclusive:
    """Without labels: records of a table that does not repeat itself are taken for different things."""
    return Exclusive(left=not _repeats(right), right=not _repeats(left))


def key_equal(left: Table, right: Table, pairs: tuple[Ints, Ints]) -> Flags:
    """A plain baseline: equal words in the aligned column with the most distinct values (whole records where none is aligned)."""
    aligned = records.align(left, right)
    columns = [(left.columns[one.left], right.columns[one.right]) for one in aligned] or [(left.whole(), right.whole())]
    keys = max(
        columns,
        key=lambda sides: len(set(sides[0])) / max(1, len(sides[0])) + len(set(sides[1])) / max(1, len(sides[1])),
    )
    ours, theirs = ([records.words(value) for value in side] for side in keys)
    return np.array(
        [
            bool(ours[one]) and ours[one] == theirs[other]
            for one, other in zip(*map(np.ndarray.tolist, pairs), strict=True)
        ],
        np.bool_,
    )


def word_jaccard(left: Table, right: Table, pairs: tuple[Ints, Ints]) -> Floats:
    """A plain baseline: words shared over words of both, of whole records, all words alike."""
    ours, theirs = ([frozenset(records.words(text)) for text in table.whole()] for table in (left, right))
    return np.array(
        [
            len(ours[one] & theirs[other]) / max(1, len(ours[one] | theirs[other]))
            for one, other in zip(*map(np.ndarray.tolist, pairs), strict=True)
        ]
    )


def _decided(pairs: Pairs, decided: Decision, exclusive: Exclusive, began: float, fitted: float) -> Links:
    probability = decided.regression.probability(pairs.features)
    stands = _standing(pairs, probability, decided.threshold, exclusive)
    return Links(probability, stands, {"fit": fitted - began, "decide": perf_counter() - fitted})


def _standing(pairs: Pairs, probability: Floats, threshold: float, exclusive: Exclusive) -> Flags:
    likely = np.flatnonzero(probability >= threshold)
    stands = np.zeros(len(probability), np.bool_)
    stands[likely] = one_to_one(
        pairs.left[likely], pairs.right[likely], probability[likely], lefts=exclusive.left, rights=exclusive.right
    )
    return stands


def _seldom_twice(matched: Ints) -> bool:
    times = np.unique(matched, return_counts=True)[1]
    return bool(np.mean(times > 1) <= _SECOND) if len(times) else False


def _repeats(table: Table) -> bool:
    texts: Sequence[tuple[str, ...]] = [records.words(text) for text in table.whole()]
    return len(texts) - len(set(texts)) > _SECOND * len(texts)
