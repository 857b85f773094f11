"""How established a source is: how often what it says is borne out by others who are established.

The count decides which sources are alike (`reliability` learns one mean for each level), and who has none shares one vote with the
others that have none. It must therefore not be bought by many accounts that agree with each other alone.
"""

import numpy as np

from destiny_assets.domain.truth.claims import Claims, Floats, Ints

# In an array of truths, one entry a slot: nothing is known of it; its truth is none of the values that are claimed.
UNKNOWN, UNCLAIMED = -1, -2
# Established sources vouch for others, and those for others again; beyond this many steps hardly any count changes.
_STEPS = 3


def standing(claims: Claims, truths: Ints) -> Floats:
    """For each source, how many of its claims another established source makes too.

    `truths` has an entry a slot: the value known to be true, `UNKNOWN`, or `UNCLAIMED` where the truth is none of the values.
    With labels, the established are at first those that were right more often than wrong on them; without, all are, and sources
    that say exactly the same vouch for nobody among themselves. Whom an established source bears out is established next.
    """
    sources = len(claims.sources)
    voice = _voices(claims)
    known = truths[claims.slot] != UNKNOWN
    right = known & (truths[claims.slot] == claims.value)
    established = np.ones(sources, bool)
    if known.any():
        established = np.bincount(claims.source, right, sources) > np.bincount(claims.source, known & ~right, sources)
    vouched: Floats = np.zeros(sources)
    for _ in range(_STEPS):
        counted = established[claims.source]
        said = np.unique(claims.value[counted] * sources + voice[claims.source[counted]])
        backing = np.bincount(said // sources, minlength=len(claims.value_slot))
        vouched = np.bincount(claims.source, backing[claims.value] > counted, sources).astype(np.float64)
        established = vouched >= 1
    return vouched


def levels(vouched: Floats) -> Ints:
    """Standing on a scale of doublings: 0 for none, 1 for 1, 2 for 2 to 3, 3 for 4 to 7, ..."""
    return np.floor(np.log2(1 + vouched) + 1e-9).astype(np.int64)


def copies(claims: Claims) -> Floats:
    """For each source, how many there are, itself included, that say exactly the same as it; one claim alone is no sign of copying."""
    voice = _voices(claims)
    several = np.bincount(claims.source, minlength=len(claims.sources)) > 1
    return np.where(several, np.bincount(voice)[voice], 1).astype(np.float64)


def _voices(claims: Claims) -> Ints:
    """One number for all sources that claim exactly the same values."""
    said = np.unique(claims.source * len(claims.value_slot) + claims.value)
    marks = np.random.default_rng(0).integers(0, 2**63, len(claims.value_slot), np.uint64)
    sums = np.zeros(len(claims.sources), np.uint64)
    np.add.at(sums, said // len(claims.value_slot), marks[said % len(claims.value_slot)])
    return np.unique(sums, return_inverse=True)[1].astype(np.int64)
