"""From reliabilities to probabilities of values: one pass of Bayes over all slots at once.

A source that says of a slot whose truth is V either says V (`full`), or something consistent but coarser (`part`), or one of
`ALTERNATIVES` other things. So each claim adds a log-odds term to the values it supports, and the unclaimed alternatives keep mass.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from destiny_assets.domain.truth.claims import Claims, Floats, Ints

# How many votes all sources without standing that say the same have together; two or three cost 5 to 9 points under attack, and gain nothing.
SHARED_VOTES = 1.0
# Among how many equally likely wrong values a source that errs chooses.
ALTERNATIVES = 10.0


@dataclass(frozen=True, slots=True)
class Reliability:
    """For each claim, the probabilities that its source, speaking of such a slot, says the truth or something coarser."""

    full: Floats
    part: Floats

    @property
    def other(self) -> Floats:
        """The probability of saying something else."""
        return 1 - self.full - self.part


@dataclass(frozen=True)
class Fusion:
    """Claims with the part of a vote that each has: claims of sources without standing (`shared`) have at most `SHARED_VOTES` a value
    together, and sources that say exactly the same (`copies` of them, an entry a claim) have one.
    """

    claims: Claims
    shared: np.ndarray[tuple[int], np.dtype[np.bool_]]
    copies: Floats

    def exact_terms(self, reliability: Reliability) -> Floats:
        """The log-odds that each claim adds to the value it states."""
        return np.asarray(self.claims.weight * np.log(ALTERNATIVES * reliability.full / reliability.other))

    def coarse_terms(self, reliability: Reliability) -> Floats:
        """The log-odds that each claim adds to a value it is a coarser statement of, before its choice of ways is paid for."""
        return np.asarray(self.claims.weight * np.log(ALTERNATIVES * reliability.part / reliability.other))

    def scores(self, exact: Floats, coarse: Floats) -> Floats:
        """The sum of terms of each value, with the terms of shared votes counted once."""
        claims = self.claims
        stated, hinted = self.total(exact), self.total(coarse)
        paid = self.votes[claims.coarse] * np.log(claims.ways)
        return np.asarray(stated + np.bincount(claims.fine, hinted[claims.coarse] - paid, len(claims.value_slot)))

    def total(self, terms: Floats) -> Floats:
        """The sum over the claims of each value, each with the part of its vote that it has."""
        return np.bincount(self.claims.value, terms * self.share_of, len(self.claims.value_slot)).astype(np.float64)

    @cached_property
    def votes(self) -> Floats:
        """How many votes each value has."""
        return self.total(self.claims.weight)

    @cached_property
    def share_of(self) -> Floats:
        """The part of its vote that each claim has: less than 1 where it shares one, or its source has copies."""
        sharing = np.where(self.shared, self.claims.weight, 0.0)
        sharers = np.bincount(self.claims.value, sharing, len(self.claims.value_slot))[self.claims.value]
        return np.asarray(np.where(self.shared, SHARED_VOTES / np.maximum(sharers, SHARED_VOTES), 1 / self.copies))

    def probabilities(self, scores: Floats) -> Floats:
        """Of each value to be its slot's truth; what is missing to 1 is the probability that none of them is."""
        top, total = self._normaliser(scores)
        return np.asarray(np.exp(scores - top[self.claims.value_slot]) / total[self.claims.value_slot])

    def without_own(self, exact: Floats, coarse: Floats, temperature: float) -> tuple[Floats, Floats]:
        """For each claim, what the other claims of its slot make of it: the probabilities that the value it states is true, and
        that it is a coarser statement of the true one. No source then confirms itself.
        """
        claims = self.claims
        scores = temperature * self.scores(exact, coarse)
        top, total = self._normaliser(scores)
        whole = np.exp(scores - top[claims.value_slot])
        own = temperature * exact * self.share_of
        stated = np.exp(scores[claims.value] - own - top[claims.slot])
        claim, fine, ways = self._hints
        owed = temperature * self.share_of[claim] * (coarse[claim] - claims.weight[claim] * np.log(ways))
        hinted = np.exp(scores[fine] - owed - top[claims.slot][claim])
        rows = len(claims.slot)
        rest = total[claims.slot] - whole[claims.value] + stated + np.bincount(claim, hinted - whole[fine], rows)
        rest = np.maximum(rest, stated + np.bincount(claim, hinted, rows))
        return np.asarray(stated / rest), np.asarray(np.bincount(claim, hinted, rows) / rest)

    def best(self, support: Floats) -> Ints:
        """For each slot its value with the most support, ties by the number of votes, then the first; -1 for a slot without any."""
        claims = self.claims
        order = np.lexsort((-self.votes, -support, claims.value_slot))
        slots, first = np.unique(claims.value_slot[order], return_index=True)
        found = np.full(len(claims.slots), -1, np.int64)
        found[slots] = order[first]
        return found

    @cached_property
    def _hints(self) -> tuple[Ints, Ints, Floats]:
        """All (claim, finer value, ways) of which the claim is a coarser statement."""
        claims = self.claims
        order = np.argsort(claims.coarse, kind="stable")
        start = np.searchsorted(claims.coarse[order], claims.value, "left")
        end = np.searchsorted(claims.coarse[order], claims.value, "right")
        count = end - start
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        pair = order[np.repeat(start, count) + within]
        return np.repeat(np.arange(len(claims.value)), count), claims.fine[pair], claims.ways[pair]

    def _normaliser(self, scores: Floats) -> tuple[Floats, Floats]:
        slots = len(self.claims.slots)
        top = np.zeros(slots)
        np.maximum.at(top, self.claims.value_slot, scores)
        claimed = np.bincount(self.claims.value_slot, np.exp(scores - top[self.claims.value_slot]), slots)
        return top, np.asarray(claimed + np.exp(-top))
