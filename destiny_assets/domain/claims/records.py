"""What a claim is and how its identity follows from its content; shapes and ids only, no rule about what is one."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from destiny_assets.domain.chunks import normalised, stable_id
from destiny_assets.domain.truth.kinds import plain_text

LONGEST = 300
"""Characters of the longest subject, predicate or value; what is longer is prose, not a value."""

_BETWEEN_WORDS = re.compile(r"[\s_-]+")


class Origin(StrEnum):
    """Whether a value is written where the claim points, or follows from what is written there."""

    STATED = "stated"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement. The slot it fills is (subject, predicate, valid interval); claims of one slot compete.

    Two spellings of a subject that differ in case, accents or punctuation are one slot and two claims.
    """

    subject: str
    predicate: str
    value: str
    origin: Origin = Origin.STATED
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    @property
    def id(self) -> str:
        """The id that follows from everything the claim says."""
        return stable_id(
            "claim",
            self.subject,
            self.predicate,
            self.value,
            self.origin,
            *map(_moment, (self.valid_from, self.valid_to)),
        )

    @property
    def slot_id(self) -> str:
        """The id of what the claim is a value for."""
        return stable_id(
            "slot",
            plain_text(self.subject) or self.subject,
            self.predicate,
            *map(_moment, (self.valid_from, self.valid_to)),
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim as one document makes it: `rule` found it, and ``document.text[start:end]`` is where it stands.

    A row of a table of claims stands at no span of the text but in row `row` (1 is the first below the header) of the original,
    and names its own `witness`; elsewhere the witness follows from the document. `about_itself`: the document describes itself, under a title
    that others may have too.
    """

    claim: Claim
    rule: str
    start: int | None = None
    end: int | None = None
    row: int | None = None
    witness: str | None = None
    observed_at: datetime | None = None
    about_itself: bool = False


def claim_of(
    subject: str,
    predicate: str,
    value: str,
    origin: Origin = Origin.STATED,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> Claim | None:
    """A claim with its parts in the form that their equality means; None when a part says nothing or is prose."""
    parts = normalised(subject), " ".join(_BETWEEN_WORDS.sub(" ", predicate).casefold().split()), normalised(value)
    if not all(0 < len(part) <= LONGEST for part in parts) or not plain_text(parts[2]):
        return None
    return Claim(*parts, origin, valid_from, valid_to)


def evidence_id(claim: str, document: str, witness: str, occurrence: int) -> str:
    """The id of one place where a claim is made; `occurrence` tells those of one witness in one document apart."""
    return stable_id("evidence", claim, document, witness, str(occurrence))


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""
