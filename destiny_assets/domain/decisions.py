"""Decisions: how one is written as a line of JSON, and which other documents are the record of one.

Values only. Where lines come from is `adapters.decisions_source`, how one becomes a text `adapters.parsers.decision`, and
what a status word or a relation means `life_cycle`.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from destiny_assets.domain.documents import ParsedDocument, Relation, Status
from destiny_assets.domain.grounds import USUAL_LEAST, names_claim
from destiny_assets.domain.headers import parsed_date
from destiny_assets.domain.life_cycle import counts_in_series, recognised_status
from destiny_assets.errors import UnreadableDocumentError

DECISION_LINE = "application/vnd.destiny.decision+json"
"""The media type of one line of a decision log."""

RULES = "decisions/2"
"""Name and version of these rules: raise it when a stored document would give another decision."""

USUAL_IMPORTANCE = 0.5
"""Of a decision that does not say how much hangs on it."""

_IMPORTANCE_WORDS = {"low": 0.25, "medium": 0.5, "normal": 0.5, "high": 0.75, "critical": 1.0}
_OWN_NAMES = frozenset(
    {
        *("id", "agent", "title", "rationale", "importance", "decided_at", "supersedes", "rests_on"),
        *("status", "options", "tags", "least_probability"),
    }
)
_DATES = ("resolution", "decided-at", "decided", "decision-date", "accepted", "date")
_RATIONALE = ("rationale", "decision outcome", "decision", "abstract", "summary", "context")
_RATIONALE_CHARACTERS = 4_000
_DECISION_SECTION = re.compile(r"(?:\d+[.)]?\s+)?(?:the\s+)?decisions?(?:\s+(?:outcome|made|taken))?:?", re.IGNORECASE)
_FORM = frozenset({"status", "context", "consequences"})
"""The sections of a decision record besides the decision, which some call otherwise ("Proposal")."""

_NUMBERING = re.compile(r"^\s*(?:\d+[.)]\s+)?")
_UNDERLINE = re.compile(r"[ \t]*([^\w\s])\1{2,}[ \t]*\n")
# No comma of "1,200" parts two names.
_BETWEEN_NAMED = re.compile(r"\s*[;\n]\s*|,\s+")
_FOLDERS_OWN_FILE = re.compile(r"(?:readme|index)\.\w+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. `importance` lies in [0, 1]; `supersedes` and `rests_on` hold what they name as it is written.

    It is at risk where something that it rests on is less probable than `least_probability`, which lies in (0, 1).

    `key` is the id its log gives it, else its number in its series, else the name of its file.
    """

    key: str
    agents: tuple[str, ...]
    title: str
    rationale: str
    importance: float
    decided_at: datetime | None
    status: Status
    supersedes: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    least_probability: float = USUAL_LEAST


def read_line(entry: Mapping[str, Any]) -> Decision:
    """The decision that one object of a log states; raises `UnreadableDocumentError` saying which field is wrong.

    `id` and `title` must be there. Without a status a decision is accepted: it was written down because it holds.
    """
    status = _text(entry, "status")
    recognised = recognised_status(status) if status else Status.ACCEPTED
    if recognised is None:
        raise _wrong("status", status, "accepted, draft, deferred, rejected, withdrawn, superseded, final or active")
    return Decision(
        key=_required(entry, "id"),
        agents=_texts(entry, "agent"),
        title=" ".join(_required(entry, "title").split()),
        rationale=_text(entry, "rationale"),
        importance=importance_of(entry.get("importance")),
        decided_at=_time(entry.get("decided_at")),
        status=recognised,
        supersedes=_texts(entry, "supersedes"),
        rests_on=_texts(entry, "rests_on"),
        options=_texts(entry, "options"),
        tags=_texts(entry, "tags"),
        least_probability=_least(entry.get("least_probability")),
    )


def decision_record(
    title: str,
    rationale: str,
    agents: Sequence[str],
    decided_at: datetime,
    *,
    key: str | None = None,
    importance: float = USUAL_IMPORTANCE,
    supersedes: Sequence[str] = (),
    rests_on: Sequence[str] = (),
    least_probability: float = USUAL_LEAST,
    options: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> tuple[str, bytes]:
    """The uri and the line of JSON under which one decision is pushed; `read_line` reads it back.

    Without a `key` it follows from the title. Of `decided_at` the day is kept, so that the same record again is the same bytes.
    Raises `UnreadableDocumentError` where the line would not be readable.
    """
    folded = " ".join(title.split())
    id_ = key.strip() if key else f"D-{hashlib.sha256(folded.lower().encode()).hexdigest()[:12]}"
    entry = {
        "id": id_,
        "title": folded,
        "rationale": rationale,
        "agent": list(agents),
        "importance": importance,
        "decided_at": decided_at.date().isoformat(),
        "status": str(Status.ACCEPTED),
        "supersedes": list(supersedes),
        "options": list(options),
        "tags": list(tags),
        # Where nothing is said of them, the line is the one that it was before decisions could say it.
        **({"rests_on": list(rests_on)} if rests_on else {}),
        **({"least_probability": least_probability} if least_probability != USUAL_LEAST else {}),
    }
    read_line(entry)
    # Beside each other, so that one finds another by its id.
    return f"decisions/{quote(id_, safe=' ')}", json.dumps(entry, ensure_ascii=False).encode()


def more_fields(entry: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a line that a decision has no own place for, by lower-case name; what is no text is kept as JSON."""
    return {
        str(name).lower(): value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in entry.items()
        if str(name).lower() not in _OWN_NAMES and value is not None
    }


def importance_of(value: object) -> float:
    """Importance in [0, 1] from a number in that range, from low | medium | high | critical, or from ``4/5``.

    A plain number above 1 is refused: in a log with marks from 1 to 5 a 1 would be the lowest, here it is the highest.
    """
    if value is None or value == "":
        return USUAL_IMPORTANCE
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _IMPORTANCE_WORDS:
            return _IMPORTANCE_WORDS[word]
        if (share := re.fullmatch(r"(\d+(?:\.\d+)?)\s*/\s*(\d+)", word)) and 0 < float(share[2]) >= float(share[1]):
            return float(share[1]) / float(share[2])
        value = float(word) if re.fullmatch(r"\d+(?:\.\d+)?", word) else value
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise _wrong("importance", value, "a number from 0 to 1, low, medium, high, critical, or a mark such as 4/5")


def decision_of(uri: str, document: ParsedDocument) -> Decision | None:
    """The decision that a document records, None when it is no such record.

    A line of a log is one. Another document is one when it states a status that is known and either counts in a series of
    proposals (``PEP: 8``, ``kep-number: 3``) or has the sections of a decision record.
    """
    if document.media_type == DECISION_LINE:
        return _of_line(document)
    number = counts_in_series(document.fields)
    if document.status is None or not (number or _has_decision_section(document)):
        return None
    fields = {re.sub(r"[\s_]+", "-", name): value for name, value in document.fields.items()}
    dates = (parsed_date(fields[name]) for name in _DATES if name in fields)
    return Decision(
        key=number or _name_of(uri),
        agents=document.authors,
        title=document.title,
        rationale=_rationale(document),
        importance=_stated_importance(fields),
        decided_at=next((date for date in dates if date), document.created_at or document.updated_at),
        status=document.status,
        supersedes=_targets(document, Relation.SUPERSEDES),
        rests_on=(*_targets(document, Relation.REQUIRES), *_claims_named(fields.get("rests-on", ""))),
        least_probability=_stated_least(fields),
    )


def _of_line(document: ParsedDocument) -> Decision:
    fields = document.fields
    lists = {name: tuple(json.loads(fields.get(name, "[]"))) for name in ("supersedes", "rests_on", "options", "tags")}
    return Decision(
        key=fields["id"],
        agents=document.authors,
        title=document.title,
        rationale=fields.get("rationale", ""),
        importance=float(fields["importance"]),
        decided_at=document.created_at,
        status=document.status or Status.ACCEPTED,
        least_probability=float(fields.get("least_probability", USUAL_LEAST)),
        **lists,
    )


def in_circles(supersedes: Iterable[tuple[str, str]]) -> list[str]:
    """Those of (newer, older) pairs that stand in a circle, or between two circles, in order of their names."""
    older, newer = defaultdict(set), defaultdict(set)
    for new, old in supersedes:
        older[new].add(old)
        newer[old].add(new)
    # What nothing replaces, or what replaces nothing, is in no circle; without it others may be so.
    for ahead, behind in ((older, newer), (newer, older)):
        free = [name for name in ahead if not behind[name]]
        while free:
            name = free.pop()
            for other in ahead.pop(name, ()):
                behind[other].discard(name)
                if not behind[other]:
                    free.append(other)
            behind.pop(name, None)
    return sorted(name for name in older if older[name])


def line_fields(decision: Decision) -> dict[str, str]:
    """The header fields that `decision_of` reads a decision of a log back from; lists are JSON."""
    lists = {name: list(getattr(decision, name)) for name in ("supersedes", "rests_on", "options", "tags")}
    return {
        "id": decision.key,
        "importance": repr(decision.importance),
        "status": decision.status,
        **(
            {"least_probability": repr(decision.least_probability)} if decision.least_probability != USUAL_LEAST else {}
        ),
        **({"rationale": decision.rationale} if decision.rationale else {}),
        **{name: json.dumps(value, ensure_ascii=False) for name, value in lists.items() if value},
    }


def _stated_importance(fields: Mapping[str, str]) -> float:
    try:
        return importance_of(fields.get("importance") or fields.get("priority"))
    except UnreadableDocumentError:
        # A record is no worse for a mark that is not one of ours.
        return USUAL_IMPORTANCE


def _stated_least(fields: Mapping[str, str]) -> float:
    try:
        return _least(fields.get("least-probability"))
    except UnreadableDocumentError:
        return USUAL_LEAST


def _least(value: object) -> float:
    if value is None or value == "":
        return USUAL_LEAST
    if isinstance(value, str) and re.fullmatch(r"0?\.\d+", value.strip()):
        value = float(value)
    if isinstance(value, float) and 0 < value < 1:
        return value
    raise _wrong("least_probability", value, "a number between 0 and 1, such as 0.5")


def _claims_named(field: str) -> tuple[str, ...]:
    """The claims and slots that a record's header names; the documents that it requires are links."""
    return tuple(dict.fromkeys(named for named in _BETWEEN_NAMED.split(field.strip(" []")) if names_claim(named)))


def _has_decision_section(document: ParsedDocument) -> bool:
    titles = [heading.title.strip() for heading in document.headings]
    return any(map(_DECISION_SECTION.fullmatch, titles)) or {title.lower() for title in titles} >= _FORM


def _name_of(uri: str) -> str:
    parts = uri.rstrip("/").split("/")
    name = parts[-2] if len(parts) > 1 and _FOLDERS_OWN_FILE.fullmatch(parts[-1]) else parts[-1]
    return name.rpartition(".")[0] or name


def _rationale(document: ParsedDocument) -> str:
    titles = [_NUMBERING.sub("", heading.title).strip().rstrip(":").lower() for heading in document.headings]
    for wanted in _RATIONALE:
        if wanted in titles:
            return _section(document, titles.index(wanted))
    return ""


def _section(document: ParsedDocument, place: int) -> str:
    """What stands under a heading, with the headings below it, up to the next of its own level."""
    heading = document.headings[place]
    later = document.headings[place + 1 :]
    end = next((other.start for other in later if other.level <= heading.level), len(document.text))
    body = document.text[heading.start : end].lstrip()
    _, _, body = (_UNDERLINE.sub("", body, count=1) if _UNDERLINE.match(body) else body).partition("\n")
    underline = _UNDERLINE.match(body)
    return body[underline.end() if underline else 0 :].strip()[:_RATIONALE_CHARACTERS].rstrip()


def _targets(document: ParsedDocument, relation: Relation) -> tuple[str, ...]:
    return tuple(dict.fromkeys(link.target for link in document.links if link.relation is relation))


def _wrong(name: str, value: object, wanted: str) -> UnreadableDocumentError:
    return UnreadableDocumentError("broken", f"{name} {str(value)[:80]!r} is none: write {wanted}.")


def _required(entry: Mapping[str, Any], name: str) -> str:
    value = _text(entry, name)
    if not value:
        raise UnreadableDocumentError("broken", f"it has no {name}.")
    return value


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if value is None:
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value).strip()
    raise _wrong(name, value, "a text")


def _texts(entry: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A text or a list of texts; of an option that is an object its title or name."""
    value = entry.get(name)
    items = value if isinstance(value, list) else [value]
    named = [item.get("title") or item.get("name") if isinstance(item, dict) else item for item in items]
    texts = [_text({name: item}, name) for item in named]
    return tuple(dict.fromkeys(text for text in texts if text))


def _time(value: object) -> datetime | None:
    if value is None or value == "":
        return None
    found = parsed_date(value) if isinstance(value, str) else None
    if found is None:
        raise _wrong("decided_at", value, "a date such as 2026-11-24 or 2026-11-24T22:30:00Z")
    return found
