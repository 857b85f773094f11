"""Which predicates may truthfully have several values at once, by a stated rule. How their values are judged is in `scoring`.

In this order: what people say of the project's predicate; what its own sources show; the list below. A predicate whose claims each state a
whole list of names is none of these by the list: its lists are compared as sets, and a partial one is coarser.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from destiny_assets.domain.claims.currency import Assertion
from destiny_assets.domain.truth.kinds import Kind, plain_text

DECLARED = frozenset(
    {
        *(
            "authors",
            "contributors",
            "deciders",
            "decision makers",
            "editors",
            "maintainers",
            "owners",
            "reviewers",
            "translators",
        ),
        *("co authored by", "reviewed by", "signed off by", "tested by", "members"),
        *(
            "alias",
            "aliases",
            "also known as",
            "categories",
            "keyword",
            "keywords",
            "languages",
            "tag",
            "tags",
            "topics",
        ),
        *("depends on", "obsoletes", "references", "related", "related to", "requires", "see also", "superseded by"),
        *("supersedes", "updates"),
    }
)
"""Predicates whose values rarely exclude each other, as `records.claim_of` writes them."""

EVERY = "*"
"""Stands for every predicate that people say nothing else of: said to have one value, the rule is off."""
_FEWEST = 3
# Of those who speak of such a slot in one document at one time, this share names several values.
_SHARE = 0.5
_LEARNABLE = frozenset({Kind.TEXT, Kind.NAMES})
"""A number or a date that somebody gives twice is a correction, a unit or an error more often than a second value."""


def one_of_several(value: str, kind: Kind) -> str:
    """What the spellings of one value of a predicate with several values have in common, its first name first or last."""
    words = plain_text(value).split()
    return " ".join(sorted(words) if kind is Kind.NAMES else words)


class Several(StrEnum):
    """Why a predicate may have several values at once."""

    SAID = "people say so"
    LEARNED = "its sources name several in one document"
    DECLARED = "predicates of this name do"


def several_valued(
    told: Iterable[Assertion], said: Mapping[str, bool], kind_of: Callable[[str], Kind]
) -> dict[str, Several]:
    """Those predicates of what is told that may have several values at once, and why.

    `said` is what people say of predicates: True several, False one; of `EVERY` what they say of all others. `kind_of` tells how values
    of a predicate are read; it is asked only where nobody said. What a language model reads teaches nothing here: its misreadings would.
    """
    told = list(told)
    found = {}
    unsaid: dict[str, Kind] = {}
    for predicate in {one.predicate for one in told}:
        if (wanted := said.get(predicate, said.get(EVERY))) is None:
            unsaid[predicate] = kind_of(predicate)
        elif wanted:
            found[predicate] = Several.SAID
    # Most tables are of numbers, and who names what in which place is counted in the time that all else here takes.
    learnable = {predicate for predicate, kind in unsaid.items() if kind in _LEARNABLE}
    shares = _shares(one for one in told if one.predicate in learnable) if learnable else {}
    for predicate, kind in unsaid.items():
        if _is_learned(*shares.get(predicate, (0, 0))):
            found[predicate] = Several.LEARNED
        elif predicate in DECLARED and kind is not Kind.NAMES:
            found[predicate] = Several.DECLARED
    return found


def _is_learned(several: int, places: int) -> bool:
    return several >= _FEWEST and several >= _SHARE * places


def _shares(told: Iterable[Assertion]) -> dict[str, tuple[int, int]]:
    """For each predicate in how many places several values are named, and of how many: a place is a witness on a slot in one document
    at one time.
    """
    values: dict[tuple[str, str, str, str, object], set[str]] = {}
    for one in told:
        if one.voice == one.witness:
            place = (one.predicate, one.case, one.document, one.witness, one.observed_at)
            values.setdefault(place, set()).add(one.value)
    shares: dict[str, tuple[int, int]] = {}
    for (predicate, *_), some in values.items():
        several, places = shares.get(predicate, (0, 0))
        differ = len(some) > 1 and len(set(map(plain_text, some))) > 1
        shares[predicate] = (several + differ, places + 1)
    return shares
