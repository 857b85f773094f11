"""How right mentions, their grouping and relations are, one document at a time; sums over documents are `Counts`."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence, Set
from dataclasses import dataclass

from destiny_assets.domain.identity.scores import Counts

Span = tuple[int, int]


def compare(found: Set[Hashable], gold: Set[Hashable]) -> Counts:
    """Counts of two sets."""
    right = len(found & gold)
    return Counts(right, len(found) - right, len(gold) - right)


def total(counts: Iterable[Counts]) -> Counts:
    """The counts of all documents together, each mention or relation weighing the same."""
    rows = list(counts)
    return Counts(*(sum(getattr(row, name) for row in rows) for name in ("right", "wrong", "missed")))


@dataclass(frozen=True, slots=True)
class BCubed:
    """Sums over mentions of B-cubed precision (over those found) and recall (over those there are), with how many there are."""

    precise: float
    found: int
    recalled: float
    gold: int

    def __add__(self, other: "BCubed") -> "BCubed":
        return BCubed(
            self.precise + other.precise,
            self.found + other.found,
            self.recalled + other.recalled,
            self.gold + other.gold,
        )

    def figures(self) -> dict[str, float]:
        """Precision, recall and F1, each in [0, 1], 0 without mentions."""
        precision = self.precise / self.found if self.found else 0.0
        recall = self.recalled / self.gold if self.gold else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        return {"precision": precision, "recall": recall, "f1": f1, "found": self.found, "gold": self.gold}


def b_cubed(found: Sequence[Set[Span]], gold: Sequence[Set[Span]]) -> BCubed:
    """B-cubed of two groupings of spans, as Bagga and Baldwin define it: of each mention the share of its found group that is in its
    gold group, and the other way round. A mention that only one side has counts 0 there (none is added or taken away first).
    """
    ours = {span: group for group in found for span in group}
    theirs = {span: group for group in gold for span in group}
    precise = sum(len(group & theirs.get(span, frozenset())) / len(group) for span, group in ours.items())
    recalled = sum(len(group & ours.get(span, frozenset())) / len(group) for span, group in theirs.items())
    return BCubed(precise, len(ours), recalled, len(theirs))


def matched_entities(found: Sequence[Set[Span]], gold: dict[Hashable, frozenset[Span]]) -> list[Hashable | None]:
    """For each group found, the gold entity with most of its spans; of several the first, None where none has any."""
    owner: dict[Span, Hashable] = {span: entity for entity, spans in reversed(list(gold.items())) for span in spans}
    order = {entity: place for place, entity in enumerate(gold)}
    matched: list[Hashable | None] = []
    for group in found:
        votes = Counter(owner[span] for span in group if span in owner)
        matched.append(min(votes, key=lambda entity: (-votes[entity], order[entity])) if votes else None)
    return matched
