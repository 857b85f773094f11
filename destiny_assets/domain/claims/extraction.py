"""One document in, its statements out: which rules read which kinds of documents, and who is the witness."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from destiny_assets.domain.chunks import normalised
from destiny_assets.domain.claims.fields import field_statements, own_name
from destiny_assets.domain.claims.history import history_statements
from destiny_assets.domain.claims.records import Claim, Statement
from destiny_assets.domain.claims.sentences import sentence_statements
from destiny_assets.domain.claims.tables import line_statements, table_statements
from destiny_assets.domain.decisions import DECISION_LINE
from destiny_assets.domain.documents import Authorship, ParsedDocument
from destiny_assets.domain.life_cycle import counts_in_series
from destiny_assets.domain.transcripts import TRANSCRIPT

RULES = "claims/2"
"""Name and version of these rules: raise it when a stored document would make other statements."""

CLAIM_TABLE = "application/vnd.destiny.claims"
"""The media type of a table whose rows are claims."""

# Text that is meant to be run, and talk: what looks like a table or a field in them is neither.
_UNREAD = frozenset({TRANSCRIPT, CLAIM_TABLE})
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
    if document.media_type in _UNREAD or (
        document.media_type.startswith(_CODE_PREFIX) and document.media_type not in _PROSE
    ):
        return []
    found: dict[tuple[str, int | None], Statement] = {}
    # A number is one document's, wherever a copy of it is kept; a title may be many documents'.
    numbered = counts_in_series(document.fields) is not None
    for statement in (*history_statements(source, document), *_read(own_name(source, uri, document), document)):
        statement = replace(statement, about_itself=statement.about_itself and not numbered)
        found.setdefault((statement.claim.id, statement.start), statement)
    ordered = sorted(found.values(), key=lambda one: (one.start or 0, one.end or 0, one.claim.id))
    return [Witnessed(_dated(statement, document), witness(source, document, statement.start)) for statement in ordered]


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
