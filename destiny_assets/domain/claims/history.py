"""What git's commits and tags state: who changed which path and when, what a tag names, and which commit takes back which.

Read from the documents that `adapters.git.records` writes; files of a repository are read like all others, with the author and day of each line.
"""

import re
from collections.abc import Iterator
from datetime import UTC

from destiny_assets.domain.claims.records import Claim, Statement, claim_of
from destiny_assets.domain.documents import ParsedDocument

REVERT = "revert"
RECORD = frozenset({"commit", "tag", REVERT})
"""Rules whose statements are of the history itself: a commit that was reverted was still made, by its author and on its day."""

_SHORT = 12
# Bounded, since anybody may write such lines into a file: an unbounded name before an unbounded end costs the square of the line.
_COMMIT = re.compile(
    r"^Commit (?P<id>[0-9a-f]{40,64}) by (?P<author>[^\n]{0,200}?)(?: on (?P<on>\d{4}-\d{2}-\d{2}))?"
    r"(?:, committed by [^\n]{0,300})?\.$",
    re.MULTILINE,
)
_TAG = re.compile(r"^Tag (?P<name>\S{1,300}) of commit (?P<id>[0-9a-f]{40,64})(?: by [^\n]{0,300})?\.$", re.MULTILINE)
_PATHS = re.compile(r"^Changed paths \([\d,]+\):\n", re.MULTILINE)
_PATH = re.compile(
    r"(?P<how>added|changed its type|changed|deleted|renamed|copied): (?:(?P<before>[^\n]+) -> )?(?P<path>[^\n]+)"
)
_REVERTS = re.compile(r"\bThis reverts commit (?P<id>[0-9a-f]{12,64})\b")
# "Reviewed-by: Ada Brook <ada@example.org>", "Fixes: #12"; the mark of a change that tools add says nothing.
_TRAILER = re.compile(
    r"^(?P<name>[A-Z][a-z]+(?:-[a-z]+){1,3}|Fixes|Closes|Refs): (?P<value>\S[^\n<]{0,120})", re.MULTILINE
)


def history_statements(source: str, document: ParsedDocument) -> Iterator[Statement]:
    """The statements of a commit or tag of `source`; none of any other document."""
    id_ = document.fields.get("commit", "")
    if not id_:
        return
    if (commit := _last(_COMMIT, document.text, id_)) is not None:
        yield from _of_commit(source, document, commit)
    elif (tag := _last(_TAG, document.text, id_)) is not None and document.fields.get("tags") == tag["name"]:
        yield from _stated(claim_of(f"{source} tag {tag['name']}", "commit", _name(id_)), "tag", *tag.span("id"))


def _of_commit(source: str, document: ParsedDocument, commit: re.Match[str]) -> Iterator[Statement]:
    text, name = document.text, _name(commit["id"])
    yield from _stated(claim_of(name, "author", commit["author"]), "commit", *commit.span("author"))
    if commit["on"]:
        yield from _stated(claim_of(name, "date", commit["on"]), "commit", *commit.span("on"))
    for taken in _REVERTS.finditer(text, 0, commit.start()):
        yield from _stated(claim_of(name, "reverts", _name(taken["id"])), REVERT, *taken.span())
    trailers: dict[str, list[re.Match[str]]] = {}
    for trailer in _TRAILER.finditer(text, 0, commit.start()):
        trailers.setdefault(trailer["name"], []).append(trailer)
    for key, told in trailers.items():
        # Two reviewers do not contradict each other.
        if len(told) == 1:
            value = told[0]["value"].rstrip()
            start = told[0].start("value")
            yield from _stated(claim_of(name, key, value), "trailer", start, start + len(value))
    listed = _PATHS.search(text, commit.end())
    if listed is None or document.created_at is None:
        return
    when, at = document.created_at.astimezone(UTC), listed.end()
    while (line := _PATH.match(text, at)) is not None:
        # Valid from its day on, so that two commits of one path are two questions and contradict nothing.
        for path, how in ((line["path"], line["how"]), (line["before"], f"renamed to {line['path']}")):
            # What was copied is as it was.
            if path and not (path == line["before"] and line["how"] == "copied"):
                claim = claim_of(f"{source}/{path}", "change", f"{how} in {name}", valid_from=when)
                yield from _stated(claim, "change", line.start(), line.end())
        at = line.end() + 1


def _stated(claim: Claim | None, rule: str, start: int, end: int) -> Iterator[Statement]:
    if claim is not None:
        yield Statement(claim, rule, start, end)


def _last(pattern: re.Pattern[str], text: str, id_: str) -> re.Match[str] | None:
    """The last line of this form that names the document's own commit: a message may quote such a line, of another."""
    found = [line for line in pattern.finditer(text) if line["id"] == id_]
    return found[-1] if found else None


def _name(commit: str) -> str:
    return f"commit {commit[:_SHORT]}"
