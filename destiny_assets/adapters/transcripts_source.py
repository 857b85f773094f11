"""The source kind ``transcripts``: chat exports as JSON lines, one document a conversation.

A file whose lines name no conversation is one; else each conversation is a document ``chat.jsonl/NAME``. Files that are no
JSON lines are read as the `files` kind reads them.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from destiny_assets.adapters.files_source import open_files_source
from destiny_assets.adapters.json_lines import BadLine, Entry, JsonLinesFiles, Line, bad_line
from destiny_assets.domain.transcripts import TRANSCRIPT, read_turn
from destiny_assets.errors import UnreadableDocumentError
from destiny_assets.ports import SourceReader


def open_transcripts_source(uri: str, options: Mapping[str, str]) -> SourceReader:
    """The conversations at `uri`: a path, a glob or an object-store URL, with the options of a source of files.

    Raises `ConfigurationError` as `open_files_source` does.
    """
    return JsonLinesFiles(open_files_source(uri, options), transcript_entries, TRANSCRIPT)


def transcript_entries(lines: list[Line]) -> Iterator[Entry | BadLine]:
    """One document a conversation, made of its lines in their order."""
    conversations: dict[str, list[bytes]] = {}
    for line in lines:
        try:
            conversation = read_turn(line.value).conversation
        except UnreadableDocumentError as error:
            yield bad_line(line, error)
        else:
            conversations.setdefault(conversation, []).append(line.data)
    for conversation, said in conversations.items():
        yield Entry(quote(conversation, safe=" #@"), b"\n".join(said))
