"""Conversations: the names that exports use, who said what where, and passages that keep question and answer together."""

from datetime import UTC, datetime

import pytest

from destiny_assets.domain.transcripts import Turn, in_order, read_turn, rendered
from destiny_assets.errors import UnreadableDocumentError

NOON = datetime(2026, 5, 8, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("entry", "turn"),
    [
        ({"speaker": "Ann", "time": "2026-05-08T12:00:00Z", "text": "Hi"}, Turn("Ann", "Hi", NOON)),
        ({"user": "Ann", "ts": "1778241600.000100", "text": "Hi"}, Turn("Ann", "Hi", NOON.replace(microsecond=100))),
        ({"author": {"name": "Ann"}, "timestamp": 1778241600000, "content": "Hi"}, Turn("Ann", "Hi", NOON)),
        (
            {"role": "user", "content": [{"type": "text", "text": "Hi"}], "created_at": 1778241600, "uuid": "u1"},
            Turn("user", "Hi", NOON, "u1"),
        ),
        (
            {"type": "user", "message": {"role": "user", "content": "Hi"}, "sessionId": "s9"},
            Turn("user", "Hi", conversation="s9"),
        ),
        (
            {"Sender": "Ann", "Body": "Hi", "channel": "general", "session": 3, "id": 7},
            Turn("Ann", "Hi", None, "7", "general", "3"),
        ),
    ],
)
def test_the_usual_exports_are_understood(entry: dict[str, object], turn: Turn) -> None:
    assert read_turn(entry) == turn


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"speaker": "Ann", "text": ""}, "no_text"),
        ({"speaker": "Ann", "content": [{"type": "image"}]}, "no_text"),
        ({"text": "Hi"}, "broken"),
        ({"speaker": "Ann", "text": "Hi", "time": "later"}, "broken"),
        ({"speaker": "Ann", "text": "Hi", "time": 1e30}, "broken"),
    ],
)
def test_a_line_that_is_no_turn_says_why(entry: dict[str, object], reason: str) -> None:
    with pytest.raises(UnreadableDocumentError) as caught:
        read_turn(entry)
    assert caught.value.reason == reason


def test_each_turn_is_a_paragraph_and_its_span_is_exact() -> None:
    turns = [Turn("Ann", "It rains.\n\nA lot.", NOON, "1"), Turn("Bob", "So it does.", NOON, "2")]
    made = rendered(turns)
    assert made.text == "8 May 2026, 12:00\n\nAnn: It rains.\nA lot.\n\nBob: So it does."
    assert [(part.author, part.revision, made.text[part.start : part.end]) for part in made.authorship] == [
        ("Ann", "1", "Ann: It rains.\nA lot."),
        ("Bob", "2", "Bob: So it does."),
    ]


def test_an_answer_stands_in_the_paragraph_of_its_question() -> None:
    turns = [Turn("Ann", "When does it close?"), Turn("Bob", "At six."), Turn("Ann", "Thanks."), Turn("Bob", "Bye.")]
    assert rendered(turns).text == "Ann: When does it close?\nBob: At six.\n\nAnn: Thanks.\n\nBob: Bye."


def test_a_question_that_the_speaker_goes_on_from_waits_for_no_answer() -> None:
    assert rendered([Turn("Ann", "Why?"), Turn("Ann", "I know.")]).text == "Ann: Why?\n\nAnn: I know."


def test_a_long_turn_names_its_speaker_in_every_part() -> None:
    said = " ".join(f"This is sentence number {number} of many." for number in range(60))
    made = rendered([Turn("Ann Bee", said), Turn("Bob", "x" * 3_000), Turn("Ann Bee", "好" * 500)])
    paragraphs = made.text.split("\n\n")
    assert all(paragraph.startswith(("Ann Bee: ", "Bob: ")) for paragraph in paragraphs)
    assert max(map(len, paragraphs)) < 700
    assert " ".join(part.removeprefix("Ann Bee: ") for part in paragraphs if "sentence" in part) == said
    assert "".join(part.removeprefix("Bob: ") for part in paragraphs if part.startswith("Bob")) == "x" * 3_000
    assert len(made.authorship) == 3


def test_a_session_or_a_long_silence_begins_a_section() -> None:
    turns = [
        Turn("Ann", "One.", NOON),
        Turn("Bob", "Two.", NOON.replace(hour=13)),
        Turn("Ann", "Three.", NOON.replace(hour=17)),
        Turn("Bob", "Four.", NOON.replace(hour=17), session="2"),
    ]
    made = rendered(turns)
    assert [heading.title for heading in made.headings] == [
        "8 May 2026, 12:00",
        "8 May 2026, 17:00",
        "Session 2, 8 May 2026, 17:00",
    ]
    assert all(made.text.startswith(heading.title, heading.start) for heading in made.headings)


def test_turns_are_put_in_order_of_time_where_all_have_one() -> None:
    late, early, timeless = Turn("Ann", "b", NOON), Turn("Ann", "a", NOON.replace(hour=1)), Turn("Bob", "c")
    assert in_order([late, early]) == [early, late]
    assert in_order([late, early, timeless]) == [late, early, timeless]
