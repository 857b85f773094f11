"""The lines of one conversation: the text has a paragraph a turn, each behind its speaker's name."""

import json
from pathlib import PurePosixPath
from urllib.parse import unquote

from destiny_assets.adapters.parsers.encodings import DecodedText
from destiny_assets.adapters.parsers.limits import check_characters
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.markup import bare_links
from destiny_assets.domain.transcripts import TRANSCRIPT, Turn, in_order, read_turn, rendered
from destiny_assets.errors import UnreadableDocumentError

VERSION = "transcript/1"


def parse_transcript(decoded: DecodedText, uri: str) -> ParsedDocument:
    """A conversation in order of time; raises `UnreadableDocumentError` for a line that is no turn."""
    turns = in_order([_turn(line, uri) for line in decoded.text.split("\n") if line.strip()])
    made = rendered(turns)
    check_characters(len(made.text), uri)
    times = [turn.at for turn in turns if turn.at is not None]
    return ParsedDocument(
        title=_title(uri, turns[0].conversation),
        text=made.text,
        media_type=TRANSCRIPT,
        parser=VERSION,
        encoding=decoded.encoding,
        headings=made.headings,
        links=bare_links(made.text),
        authors=tuple(dict.fromkeys(turn.speaker for turn in turns)),
        created_at=min(times, default=None),
        updated_at=max(times, default=None),
        fields={"turns": str(len(turns)), **({"conversation": turns[0].conversation} if turns[0].conversation else {})},
        authorship=made.authorship,
    )


def _turn(line: str, uri: str) -> Turn:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableDocumentError("broken", f"A line of {uri} is no JSON.") from error
    if not isinstance(entry, dict):
        raise UnreadableDocumentError("broken", f"A line of {uri} is JSON, but no object.")
    return read_turn(entry)


def _title(uri: str, conversation: str) -> str:
    path = PurePosixPath(unquote(uri))
    if not conversation:
        return path.stem
    file = next((part for part in path.parts if part.lower().endswith((".jsonl", ".ndjson"))), "")
    return f"{PurePosixPath(file).stem} {conversation}".strip()
