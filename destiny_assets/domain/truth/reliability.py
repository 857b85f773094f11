"""How often each source is right: counted on labels, proposed by what the other sources say, shrunk to those like it.

The hierarchy: all sources, sources of one level of standing, one source, one source on one attribute.
"""

from dataclasses import dataclass

import numpy as np

from destiny_assets.domain.truth.claims import Floats, Ints
from destiny_assets.domain.truth.fusion import Fusion, Reliability

# Before anything is counted: the chances of saying the truth, and something coarser.
PRIOR = (0.7, 0.1)
# The same of a source without standing. What such sources say of each other is not counted: many accounts of one hand agree.
UNPROVEN = (0.2, 0.15)
# So many claims count as much as what is known of the next wider circle.
_SHRINKAGE = 10.0
_WIDEST = 5.0
# What unlabelled claims say of a source never counts for more than this many labels.
_MOST_PROPOSED = 20.0
# Agreement proposes, but is taken for less than it seems: sources copy each other.
PROPOSAL_TEMPERATURE = 0.3
_ROUNDS = 3
_LEAST, _MOST = 0.02, 0.97


def learn(fusion: Fusion, level: Ints, truths: Ints) -> Reliability:
    """The reliability behind each claim; `level` is that of each source, `truths` as in `standing`."""
    claims = fusion.claims
    labelled = truths[claims.slot] != -1
    several = np.bincount(
        np.unique(claims.slot * len(claims.sources) + claims.source) // len(claims.sources), minlength=len(claims.slots)
    )
    usable = claims.weight * fusion.share_of * ((several > 1)[claims.slot] & ~labelled & ~fusion.shared)
    right = (truths[claims.slot] == claims.value).astype(float)
    finer = np.zeros(len(claims.value_slot), bool)
    finer[claims.coarse[truths[claims.value_slot[claims.fine]] == claims.fine]] = True
    _, cell = np.unique(
        claims.source * len(claims.attributes) + claims.slot_attribute[claims.slot], return_inverse=True
    )
    counts = _Counts(level, claims.source, cell, usable, labelled * claims.weight)
    known = Reliability(np.full(len(claims.slot), PRIOR[0]), np.full(len(claims.slot), PRIOR[1]))
    for _ in range(_ROUNDS):
        exact, coarse = fusion.exact_terms(known), fusion.coarse_terms(known)
        stated, hinted = fusion.without_own(exact, coarse, PROPOSAL_TEMPERATURE)
        full = counts.estimate(stated, right, PRIOR[0], UNPROVEN[0])
        part = counts.estimate(hinted, finer[claims.value].astype(float), PRIOR[1], UNPROVEN[1])
        known = _proper(full, part)
    return known


@dataclass(frozen=True, slots=True)
class _Counts:
    """Whose claims count: `level` is of each source, the others of each claim; `usable` and `labelled` weigh it as proposal and as label."""

    level: Ints
    source: Ints
    cell: Ints
    usable: Floats
    labelled: Floats

    def estimate(self, proposed: Floats, counted: Floats, prior: float, unproven: float) -> Floats:
        """The probability behind each claim of what `proposed` says in (0, 1) and `counted`, where labelled, in {0, 1}."""
        sources, cells = len(self.level), int(self.cell.max(initial=-1)) + 1
        offered = np.bincount(self.source, proposed * self.usable, sources)
        offers = np.bincount(self.source, self.usable, sources)
        hits = np.bincount(self.source, counted * self.labelled, sources)
        labels = np.bincount(self.source, self.labelled, sources)
        overall = ((offered + hits).sum() + _WIDEST * prior) / ((offers + labels).sum() + _WIDEST)
        expected = np.full(int(self.level.max(initial=0)) + 1, overall)
        expected[0] = unproven
        alike = np.bincount(self.level, offered + hits) + _WIDEST * expected
        alike /= np.bincount(self.level, offers + labels) + _WIDEST
        guess = (offered + _SHRINKAGE * alike[self.level]) / (offers + _SHRINKAGE)
        strength = np.minimum(offers + _SHRINKAGE, _MOST_PROPOSED)
        mean = (hits + strength * guess) / (labels + strength)
        source_of_cell = np.zeros(cells, np.int64)
        source_of_cell[self.cell] = self.source
        in_cell = np.bincount(self.cell, counted * self.labelled, cells) + _SHRINKAGE * mean[source_of_cell]
        return np.asarray((in_cell / (np.bincount(self.cell, self.labelled, cells) + _SHRINKAGE))[self.cell])


def _proper(full: Floats, part: Floats) -> Reliability:
    full, part = np.clip(full, _LEAST, _MOST), np.clip(part, _LEAST / 4, 0.9)
    scale = np.minimum(1.0, 0.98 / (full + part))
    return Reliability(full * scale, part * scale)
