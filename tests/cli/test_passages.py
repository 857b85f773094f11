"""How a found passage is shown: who wrote it in one line, and nothing where its source does not tell."""

from datetime import UTC, datetime

import pytest

from destiny_assets.cli.knowledge import _written
from destiny_assets.serving.results import Hit

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def hit(authors: list[str], written_at: datetime | None, revision: str | None) -> Hit:
    return Hit(
        chunk_id="c",
        document="Stamps",
        uri="stamps.md",
        source="code",
        heading=[],
        text="A stamp costs three crowns.",
        span=(0, 27),
        score=0.5,
        trust=0.6,
        status=None,
        superseded_by=[],
        near_duplicate_of=None,
        authors=authors,
        written_at=written_at,
        revision=revision,
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (hit([], None, None), []),
        (hit(["Ada"], AT, "0123456789abcdef"), ["by Ada, 2026-11-24, 0123456789ab"]),
        (hit(["Ada", "Ben", "Cleo", "Dan", "Eva"], None, None), ["by Ada, Ben, Cleo and 2 more"]),
    ],
)
def test_a_passage_is_shown_with_those_who_wrote_it(found: Hit, expected: list[str]) -> None:
    assert _written(found) == expected
