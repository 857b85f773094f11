"""One document in, its statements out: which rules read which kinds of documents, and who is the witness."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from destiny_assets.domain.chunks import normalised
from destiny_assets.domain.claims.fields import field_statements, own_name
from destiny_assets.domain.claims.history import history_statements
from destiny_assets.domain.claims.records import Claim, Statement
from destiny_assets.domain.claims.sentences import sentence_statements
from destiny_assets.domain.claims.tables import line_statements, table_statements
from destiny_assets.domain.claims.told import Dropped, Passage, Told, held
from destiny_assets.domain.decisions import DECISION_LINE
from destiny_assets.domain.documents import Authorship, ParsedDocument
from destiny_assets.domain.life_cycle import counts_in_series
from destiny_assets.domain.transcripts import TRANSCRIPT

RULES = "claims/3"
"""Name and version of these rules: raise it when a stored document would make other statements."""

CLAIM_TABLE = "application/vnd.destiny.claims"
"""The media type of a table whose rows are claims."""

_CODE_PREFIX, _PROSE = "text/x-", frozenset({"text/x-rst"})


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A statement and who makes it."""

    statement: Statement
    witness: str

    @property
    def claim(self) -> Claim:
        """What is claimed."""
        return self.statement.claim


def statements(source: str, uri: str, document: ParsedDocument) -> list[Witnessed]:
    """Every statement of a document that is no table of claims, in the order of the text; none twice at one place."""
    # What looks like a table or a field in talk is neither.
    if document.media_type == TRANSCRIPT or not is_prose(document):
        return []
    found: dict[tuple[str, int | None], Statement] = {}
    # A number is one document's, wherever a copy of it is kept; a title may be many documents'.
    numbered = counts_in_series(document.fields) is not None
    for statement in (*history_statements(source, document), *_read(own_name(source, uri, document), document)):
        statement = replace(statement, about_itself=statement.about_itself and not numbered)
        found.setdefault((statement.claim.id, statement.start), statement)
    ordered = sorted(found.values(), key=lambda one: (one.start or 0, one.end or 0, one.claim.id))
    return [witnessed(source, document, statement) for statement in ordered]


def is_prose(document: ParsedDocument) -> bool:
    """Whether a document is meant to be read: no text that is meant to be run, and no table of claims."""
    kind = document.media_type
    return kind != CLAIM_TABLE and (not kind.startswith(_CODE_PREFIX) or kind in _PROSE)


def told_statements(
    source: str, uri: str, document: ParsedDocument, passages: Iterable[tuple[Passage, Sequence[Told]]], rule: str
) -> tuple[list[Witnessed], Counter[Dropped]]:
    """What a model told of the passages of a document, as far as it stands there, and why the rest is dropped."""
    name, numbered = own_name(source, uri, document), counts_in_series(document.fields) is not None
    found: dict[tuple[str, int | None], Statement] = {}
    dropped: Counter[Dropped] = Counter()
    for passage, told in passages:
        for one in told:
            statement = held(one, passage, name, document.title, rule)
            if isinstance(statement, Dropped):
                dropped[statement] += 1
            elif (statement.claim.id, statement.start) in found:
                dropped[Dropped.TWICE] += 1
            else:
                about_itself = statement.about_itself and not numbered
                found[statement.claim.id, statement.start] = replace(statement, about_itself=about_itself)
    return [witnessed(source, document, statement) for statement in found.values()], dropped


def witnessed(source: str, document: ParsedDocument, statement: Statement) -> Witnessed:
    """A statement of a document with who makes it, dated by its own words where that is known."""
    return Witnessed(_dated(statement, document), witness(source, document, statement.start))


def witness(source: str, document: ParsedDocument, at: int | None) -> str:
    """Who speaks at a place of a document: who wrote those words, else the document's authors, else its source."""
    part = _written(document, at)
    if part is not None and part.author.strip():
        return normalised(part.author)
    names = [normalised(author) for author in document.authors if author.strip()]
    return ", ".join(names) if names else source


def occurrences(found: Sequence[Witnessed]) -> Iterator[tuple[Witnessed, int]]:
    """Each statement with how often its witness has made the same claim before it in the document."""
    seen: dict[tuple[str, str], int] = {}
    for one in found:
        key = (one.claim.id, one.witness)
        seen[key] = seen.get(key, -1) + 1
        yield one, seen[key]


def _dated(statement: Statement, document: ParsedDocument) -> Statement:
    """With the moment at which its own words were written, where that is known: a line of a file may be years older than the file."""
    part = _written(document, statement.start)
    if statement.observed_at is not None or part is None or part.written_at is None:
        return statement
    return replace(statement, observed_at=part.written_at)


def _written(document: ParsedDocument, at: int | None) -> Authorship | None:
    if at is None or not document.authorship:
        return None
    place = bisect_right(document.authorship, at, key=lambda part: part.start) - 1
    part = document.authorship[max(place, 0)]
    return part if part.start <= at < part.end else None


def _read(name: str, document: ParsedDocument) -> Iterator[Statement]:
    own = list(field_statements(name, document))
    yield from own
    if document.media_type == DECISION_LINE:
        return
    # What the header says is not said once more by the lines of the body.
    body = max((one.end or 0 for one in own if one.rule == "field"), default=0)
    yield from table_statements(name, document)
    yield from line_statements(name, document, body)
    yield from sentence_statements(document.text, body)
