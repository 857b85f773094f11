"""Conversations: what a turn is, how one is read from a line of a chat export, and the text that turns become.

The text is made so that the chunker's own rules keep what belongs together: a turn is a paragraph that begins with its
speaker, an answer joins the paragraph of its question, a long turn is several paragraphs that each name the speaker.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from destiny_assets.domain.documents import Authorship, Heading
from destiny_assets.domain.headers import parsed_date
from destiny_assets.errors import UnreadableDocumentError

TRANSCRIPT = "application/vnd.destiny.transcript+jsonl"
"""The media type of the lines of one conversation."""

_SPEAKER = ("speaker", "author", "user", "username", "sender", "from", "name", "role")
_TEXT = ("text", "content", "message", "body")
_TIME = ("time", "timestamp", "ts", "created_at", "date", "date_time", "datetime", "sent_at")
_TURN = ("id", "turn_id", "message_id", "uuid", "client_msg_id")
_CONVERSATION = ("conversation", "conversation_id", "channel", "channel_id", "thread", "thread_id", "chat_id")
_SESSION = ("session", "session_id", "sessionid")
_WITHIN = ("name", "display_name", "username", "role", "id")
_INSIDE = ("content", "text", "parts")

_PAUSE = timedelta(hours=3)
"""After so long a silence a conversation begins anew."""

_PASSAGE_PIECES = 112
"""Word pieces that surely fit a chunk's 128 tokens with the blank lines between."""

_PIECE = re.compile(r"[A-Za-z]{1,4}|\d{1,2}|[^\sA-Za-z\d]")
_SENTENCE = re.compile(r"\n+|(?<=[.!?…])\s+|(?<=[。！？])|(?<=[,;:])\s+")  # noqa: RUF001 - Chinese and Japanese ends
_ASKS = re.compile(r"[?？]\W*\Z|[?？]\s")  # noqa: RUF001 - Chinese and Japanese ask so
_BLANK_LINES = re.compile(r"\s*\n\s*")
_MILLISECONDS = 100_000_000_000
"""Seconds since 1970 reach this in the year 5138: what is more counts milliseconds."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker said at once. `conversation` and `session` are "" where the export has none."""

    speaker: str
    text: str
    at: datetime | None = None
    id: str = ""
    conversation: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as one text, with a heading a session and who said which span."""

    text: str
    headings: tuple[Heading, ...]
    authorship: tuple[Authorship, ...]


def read_turn(entry: Mapping[str, Any]) -> Turn:
    """The turn that one object of an export states, under the names that exports use for its parts.

    A session is the conversation where nothing larger is named. Raises `UnreadableDocumentError`: "broken" without a
    speaker or with a time that is none, "no_text" when nothing is said.
    """
    by_name = {str(name).lower(): value for name, value in entry.items()}
    # OpenAI's and Anthropic's exports wrap speaker and text: {"type": "user", "message": {"role": …, "content": …}}.
    wrapped = by_name.get("message")
    if isinstance(wrapped, dict):
        by_name = {**by_name, "message": None, **{str(name).lower(): value for name, value in wrapped.items()}}
    speaker, text = _first(by_name, _SPEAKER, _WITHIN), _said(next((by_name[n] for n in _TEXT if by_name.get(n)), None))
    if not text:
        raise UnreadableDocumentError("no_text", "it says nothing: it has no text, content, message or body.")
    if not speaker:
        raise UnreadableDocumentError("broken", "it has no speaker (or author, user, sender, name, role).")
    conversation, session = _first(by_name, _CONVERSATION, _WITHIN), _first(by_name, _SESSION, _WITHIN)
    return Turn(
        speaker=" ".join(speaker.split()),
        text=text,
        at=_time(next((by_name[name] for name in _TIME if by_name.get(name) is not None), None)),
        id=_first(by_name, _TURN, ()),
        conversation=conversation or session,
        session=session if conversation else "",
    )


def in_order(turns: Sequence[Turn]) -> list[Turn]:
    """The turns by time where every one has a time; some exports begin with the newest."""
    times = [turn.at for turn in turns if turn.at is not None]
    if len(times) < len(turns):
        return list(turns)
    return [turn for _, turn in sorted(zip(times, turns, strict=True), key=lambda pair: pair[0])]


def rendered(turns: Sequence[Turn]) -> Rendered:
    """One text of a conversation's turns, in the order given."""
    text = ""
    headings: list[Heading] = []
    authorship: list[Authorship] = []
    for session in _sessions(turns):
        if title := _session_title(session[0]):
            text += "\n\n" if text else ""
            headings.append(Heading(1, title, len(text)))
            text += title
        for group in _groups(session):
            text += "\n\n" if text else ""
            for number, (turn, paragraphs) in enumerate(group):
                text += "\n" if number else ""
                start = len(text)
                text += "\n\n".join(paragraphs)
                authorship.append(Authorship(start, len(text), turn.speaker, turn.at, turn.id))
    return Rendered(text, tuple(headings), tuple(authorship))


def _sessions(turns: Sequence[Turn]) -> Iterator[list[Turn]]:
    session: list[Turn] = []
    for turn in turns:
        if session and (turn.session != session[-1].session or _paused(session[-1].at, turn.at)):
            yield session
            session = []
        session.append(turn)
    if session:
        yield session


def _paused(before: datetime | None, after: datetime | None) -> bool:
    return before is not None and after is not None and after - before >= _PAUSE


def _session_title(first: Turn) -> str:
    name = f"Session {first.session}" if first.session.isdigit() else first.session
    if first.at is None:
        return name
    when = f"{first.at.day} {first.at:%B %Y, %H:%M}"
    return f"{name}, {when}" if name else when


def _groups(session: Sequence[Turn]) -> Iterator[list[tuple[Turn, list[str]]]]:
    """Turns that make one paragraph: one, or a question with its answer while both fit a passage."""
    group: list[tuple[Turn, list[str]]] = []
    pieces = 0
    for turn in session:
        paragraphs = list(_paragraphs(turn))
        size = sum(map(_pieces, paragraphs))
        answers = bool(group) and turn.speaker != group[-1][0].speaker and _ASKS.search(group[-1][0].text) is not None
        if group and not (answers and pieces + size <= _PASSAGE_PIECES):
            yield group
            group, pieces = [], 0
        group.append((turn, paragraphs))
        pieces += size
    if group:
        yield group


def _paragraphs(turn: Turn) -> Iterator[str]:
    """The turn behind its speaker's name; cut at its sentences, each part behind the name, where it is too long."""
    opening = f"{turn.speaker}: "
    room = max(_PASSAGE_PIECES - _pieces(opening), _PASSAGE_PIECES // 2)
    said = _BLANK_LINES.sub("\n", turn.text.strip())
    start = stop = 0
    for end in (*_ends(said, room), len(said)):
        if stop > start and _pieces(said[start:end]) > room:
            yield opening + said[start:stop].strip()
            start = stop
        stop = end
    yield opening + said[start:].strip()


def _ends(said: str, room: int) -> Iterator[int]:
    """Where a turn may be cut: after sentences and clauses, within one that is too long after any word or piece."""
    start = 0
    for end in (*(found.end() for found in _SENTENCE.finditer(said)), len(said)):
        if _pieces(said[start:end]) > room:
            for number, piece in enumerate(_PIECE.finditer(said, start, end), start=1):
                if number % (room // 2) == 0:
                    space = said.rfind(" ", start, piece.start())
                    yield space + 1 if space > start and piece.start() - space < 40 else piece.start()
        yield end
        start = end


def _pieces(text: str) -> int:
    """More than the tokens of a text, whatever the language: a model's word pieces are mostly longer than four letters."""
    return sum(1 for _ in _PIECE.finditer(text))


def _first(by_name: Mapping[str, Any], names: Sequence[str], within: Sequence[str]) -> str:
    """The first of `names` that holds a text or a number; of an object the first of `within` in it."""
    for name in names:
        value = by_name.get(name)
        if isinstance(value, dict) and within:
            value = next((value[inner] for inner in within if value.get(inner)), None)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return ""


def _said(value: object) -> str:
    """The text in a content: a text, a list of parts, or an object with one of those inside."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return "\n".join(text for part in value if (text := _said(part)))
    if isinstance(value, dict):
        return next((text for name in _INSIDE if (text := _said(value.get(name)))), "")
    return ""


def _time(value: object) -> datetime | None:
    if value is None or value == "":
        return None
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if isinstance(value, str) and re.fullmatch(r"\d{9,13}(?:\.\d+)?", value.strip()):
        number = float(value)
    if number is not None:
        try:
            return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS else number, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise UnreadableDocumentError("broken", f"its time {value!r} is no time.") from error
    found = parsed_date(value) if isinstance(value, str) else None
    if found is None:
        raise UnreadableDocumentError("broken", f"its time {str(value)[:80]!r} is none: write 2026-11-24T22:30:00Z.")
    return found
