"""How often each source is right: counted on labels, proposed by what the other sources say, shrunk to those like it.

The hierarchy: all sources, sources of one level of standing, one source, one source on one attribute.
"""

import numpy as np

from destiny_assets.domain.truth.claims import Floats, Ints
from destiny_assets.domain.truth.fusion import Fusion, Reliability

# Before anything is counted: the chances of saying the truth, and something coarser.
PRIOR = (0.7, 0.1)
# So many claims count as much as what is known of the next wider circle.
_SHRINKAGE = 10.0
_WIDEST_SHRINKAGE = 5.0
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
    usable = claims.weight * fusion.share_of * ((several > 1)[claims.slot] & ~labelled)
    right = (truths[claims.slot] == claims.value).astype(float)
    finer = np.zeros(len(claims.value_slot), bool)
    finer[claims.coarse[truths[claims.value_slot[claims.fine]] == claims.fine]] = True
    _, cell = np.unique(
        claims.source * len(claims.attributes) + claims.slot_attribute[claims.slot], return_inverse=True
    )
    known = Reliability(np.full(len(claims.slot), PRIOR[0]), np.full(len(claims.slot), PRIOR[1]))
    for _ in range(_ROUNDS):
        exact, coarse = fusion.exact_terms(known), fusion.coarse_terms(known)
        stated, hinted = fusion.without_own(exact, coarse, PROPOSAL_TEMPERATURE)
        full = _estimate(stated, right, usable, labelled * claims.weight, level, claims.source, cell, PRIOR[0])
        part = _estimate(
            hinted, finer[claims.value], usable, labelled * claims.weight, level, claims.source, cell, PRIOR[1]
        )
        known = _proper(full, part)
    return known


def _estimate(
    proposed: Floats,
    counted: Floats,
    usable: Floats,
    labelled: Floats,
    level: Ints,
    source: Ints,
    cell: Ints,
    prior: float,
) -> Floats:
    sources, cells = len(level), int(cell.max(initial=-1)) + 1
    hits = np.bincount(source, proposed * usable + counted * labelled, sources)
    tries = np.bincount(source, usable + labelled, sources)
    overall = (hits.sum() + _WIDEST_SHRINKAGE * prior) / (tries.sum() + _WIDEST_SHRINKAGE)
    alike = (np.bincount(level, hits) + _WIDEST_SHRINKAGE * overall) / (np.bincount(level, tries) + _WIDEST_SHRINKAGE)
    offered = np.bincount(source, proposed * usable, sources)
    offers = np.bincount(source, usable, sources)
    expected = (offered + _SHRINKAGE * alike[level]) / (offers + _SHRINKAGE)
    strength = np.minimum(offers + _SHRINKAGE, _MOST_PROPOSED)
    own = np.bincount(source, labelled, sources)
    mean = (np.bincount(source, counted * labelled, sources) + strength * expected) / (own + strength)
    source_of_cell = np.zeros(cells, np.int64)
    source_of_cell[cell] = source
    in_cell = np.bincount(cell, counted * labelled, cells) + _SHRINKAGE * mean[source_of_cell]
    return np.asarray((in_cell / (np.bincount(cell, labelled, cells) + _SHRINKAGE))[cell])


def _proper(full: Floats, part: Floats) -> Reliability:
    full, part = np.clip(full, _LEAST, _MOST), np.clip(part, _LEAST / 4, 0.9)
    scale = np.minimum(1.0, 0.98 / (full + part))
    return Reliability(full * scale, part * scale)
