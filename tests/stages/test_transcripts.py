"""Chat exports through the real stages: passages keep their speakers, an appended turn reads its conversation alone."""

import gzip
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from destiny_assets.adapters.embedders.bert.tokenizer import MiniLMTokenizer
from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.adapters.transcripts_source import open_transcripts_source
from destiny_assets.domain.chunking import split
from tests.stages.growing import Growth, Layers, growing

SHARED = Path(os.environ.get("DESTINY_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
CHAT = [
    {"speaker": "Ann", "time": "2026-05-08T12:00:00Z", "text": "Which couriers have a bicycle?", "thread": "post"},
    {
        "speaker": "Bob",
        "time": "2026-05-08T12:01:00Z",
        "text": "All of them, and the chains are oiled.",
        "thread": "post",
    },
    {"speaker": "Cid", "time": "2026-05-08T12:00:30Z", "text": "The oven is repaired on Thursday.", "thread": "bakery"},
]


def lines(*entries: object) -> str:
    return "".join(f"{entry if isinstance(entry, str) else json.dumps(entry)}\n" for entry in entries)


@pytest.fixture
def chat(layers: Layers, tmp_path: Path) -> Iterator[Growth]:
    """A project over a folder with one export of two conversations."""
    with growing(layers, tmp_path / "chats", {"chat.jsonl": lines(*CHAT)}, kind="transcripts") as project:
        yield project


def test_a_conversation_is_found_with_who_said_it_and_grows_alone(chat: Growth) -> None:
    generation = chat.run()
    assert chat.uris(generation) == {"chat.jsonl/post", "chat.jsonl/bakery"}
    hit = chat.service().search(chat.project, "couriers bicycle chains oiled").hits[0]
    assert (hit.uri, hit.document, hit.heading) == ("chat.jsonl/post", "chat post", ["8 May 2026, 12:00"])
    assert "Ann: Which couriers have a bicycle?\nBob: All of them" in hit.text
    bakery = {id_ for id_, text in chat.seen(generation).items() if "oven" in text}

    more = {"speaker": "Ann", "time": "2026-05-09T09:00:00Z", "text": "Thank you.", "thread": "post"}
    chat.write("chat.jsonl", lines(CHAT[0], CHAT[1], "{broken", CHAT[2], more))
    after = chat.run()
    assert chat.reports["documents"]["read"] == 1
    assert chat.reports["chunks"]["added"] == 1
    assert bakery < chat.seen(after).keys()
    (item,) = chat.layers.ledger.projects.quarantined(chat.project)
    assert (item.uri, item.reason) == ("chat.jsonl:3", "broken")
    with chat.layers.ledger.transaction() as cursor:
        people = cursor.execute(
            "select name from entity where project = %s and kind = 'person' order by name", (chat.project,)
        ).fetchall()
    assert [row["name"] for row in people] == ["Ann", "Bob", "Cid"]


@pytest.mark.skipif(
    not SHARED.is_dir(),
    reason=f"NOT TESTED: the labelled data is not in {SHARED}; name its folder in DESTINY_SHARED_DATA",
)
def test_passages_of_2760_real_turns_never_lose_their_speaker(tmp_path: Path) -> None:
    spoken: dict[str, list[str]] = defaultdict(list)
    with gzip.open(SHARED / "memory-locomo-a" / "corpus.jsonl.gz", "rt", encoding="utf-8") as file:
        for turn in map(json.loads, file):
            about = turn["metadata"]
            speaker, _, text = turn["text"].partition(": ")
            at = datetime.strptime(about["date_time"] + " +0000", "%I:%M %p on %d %B, %Y %z").isoformat()
            entry = {"id": turn["_id"], "speaker": speaker, "time": at, "text": text, "session": about["session"]}
            spoken[about["conversation"]].append(json.dumps(entry | {"conversation": about["conversation"]}))
    (tmp_path / "chat.jsonl").write_text("\n".join(line for said in spoken.values() for line in said), "utf-8")
    reader, turns, asked, answered, whole = open_transcripts_source(str(tmp_path), {}), 0, 0, 0, 0
    for item in reader.scan():
        content = reader.read(item)
        document = DocumentReader().parse(content.data, uri=item.uri, media_type=content.media_type)
        chunks = split(document, MiniLMTokenizer().token_starts([document.text])[0])
        starts = {heading.start for heading in document.headings}
        for chunk in chunks:
            assert chunk.start in starts or chunk.text.startswith(tuple(f"{name}: " for name in document.authors))
        for turn, after in zip(document.authorship, (*document.authorship[1:], None), strict=True):
            turns += 1
            whole += any(chunk.start <= turn.start and turn.end <= chunk.end for chunk in chunks)
            if after and document.text[turn.start : turn.end].endswith("?"):
                asked += 1
                answered += any(chunk.start <= turn.start and after.end <= chunk.end for chunk in chunks)
    assert turns == 2760
    assert whole >= 0.99 * turns
    # The others are two turns that do not fit one passage, or the ends of two sessions.
    assert answered >= 0.75 * asked
