"""Tables of claims in Parquet say what the same table says as CSV; what is no such file is refused with a true reason."""

import io
import random
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from destiny_assets.adapters.parsers import claim_table
from destiny_assets.adapters.parsers.claim_table import parse_claim_table, read_claim_table
from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.errors import UnreadableDocumentError
from tests.stages.growing import Layers, growing

pa = pytest.importorskip("pyarrow", reason="NOT TESTED: the extra destiny[parquet] is not installed")

ROWS = [
    {"object": "Oslo", "attribute": "population", "source": "Ann", "value": "1,004", "observed_at": "2024-05-01"},
    {"object": "Oslo", "attribute": "population", "source": "Ben", "value": "1003", "observed_at": ""},
    {"object": "Bergen", "attribute": "mayor", "source": "Ann", "value": "Ada Brook", "observed_at": ""},
]


def written(columns: dict[str, Any], **more: Any) -> bytes:
    from pyarrow import parquet

    out = io.BytesIO()
    parquet.write_table(pa.table(columns), out, **more)
    return out.getvalue()


def columns(rows: list[dict[str, str]]) -> dict[str, Any]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_it_says_what_the_same_table_says_as_csv() -> None:
    lines = [",".join(ROWS[0]), *(",".join(f'"{value}"' for value in row.values()) for row in ROWS)]
    as_csv = "\n".join(lines).encode()
    data = written(columns(ROWS))
    assert read_claim_table(data, "claims.parquet") == read_claim_table(as_csv, "claims.csv")
    one, other = parse_claim_table(data, "claims.parquet"), parse_claim_table(as_csv, "claims.csv")
    assert one.text == other.text
    assert (
        one.parser != other.parser,
        {one.parser, other.parser} <= set(DocumentReader().fingerprint().split(";")),
    ) == (
        True,
        True,
    )


def test_typed_columns_are_read_as_a_table_of_text_would_have_them() -> None:
    data = written(
        {
            "object": ["a", "b", "c", "d"],
            "attribute": pa.array(["height"] * 4).dictionary_encode(),
            "source": [b"Ann"] * 4,
            "value": [1003.0, 0.1, None, 7.0],
            "valid_from": [date(2024, 1, 1)] * 4,
            "observed_at": pa.array([datetime(2024, 5, 1, tzinfo=UTC), None, None, None]),
            "left alone": [[1]] * 4,
        }
    )
    table = read_claim_table(data, "heights.parquet")
    assert [one.claim.value for one in table.found] == ["1003", "0.1", "7"]
    assert table.refused == [(3, "it has no value")]
    assert {one.claim.valid_from for one in table.found} == {datetime(2024, 1, 1, tzinfo=UTC)}
    assert [one.statement.observed_at for one in table.found] == [datetime(2024, 5, 1, tzinfo=UTC), None, None]
    assert {one.witness for one in table.found} == {"Ann"}


def test_a_value_that_is_repeated_is_one_text_in_memory() -> None:
    said = "x" * 1_000
    rows = 20_000
    data = written({name: pa.array([said] * rows) for name in claim_table.COLUMNS})
    from destiny_assets.adapters.parsers.parquet import read_columns

    found = read_columns(data, "same.parquet", claim_table.COLUMNS)
    assert len({id(value) for value in found["value"]}) < 100
    assert found["value"] == [said] * rows


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (lambda: b"PAR1 and no more", "broken", "cannot be read as Parquet"),
        (lambda: b"PARE" + b"\0" * 40, "encrypted", "encrypted"),
        (lambda: written(columns(ROWS))[:-40] + b"PAR1", "broken", "cannot be read as Parquet"),
        (lambda: written({"object": ["a"], "value": ["b"]}), "broken", "no column attribute, source"),
        (lambda: written({name: pa.array([], pa.string()) for name in claim_table.COLUMNS}), "empty", "no row"),
        (
            lambda: written({**columns(ROWS), "value": [["a", "b"], ["c"], []]}),
            "broken",
            "value holds lists or structures",
        ),
        (
            lambda: written({name: pa.array(["same"]).take(pa.array([0] * 5_000_001)) for name in claim_table.COLUMNS}),
            "huge",
            "5,000,001 rows",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(data: Any, reason: str, said: str) -> None:
    with pytest.raises(UnreadableDocumentError, match=said) as refused:
        read_claim_table(data(), "claims.parquet")
    assert refused.value.reason == reason


def test_damage_anywhere_is_a_refusal_or_a_table_and_nothing_else() -> None:
    chance, whole = random.Random(7), written(columns(ROWS))
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 2, 8))):
            data[chance.randrange(4, len(data))] = chance.randrange(256)
        try:
            read_claim_table(bytes(data), "claims.parquet")
        except UnreadableDocumentError as error:
            assert error.reason in {"broken", "empty", "huge", "encrypted"}  # noqa: PT017


def test_without_the_extra_it_waits_in_quarantine_and_is_read_once_that_is_installed(
    layers: Layers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with growing(layers, tmp_path / "tables", {"notes.md": "# Notes of the day\n\nRain.\n"}, kind="claims") as growth:
        growth.write("claims.parquet", written(columns(ROWS)))
        with monkeypatch.context() as without:
            without.setitem(sys.modules, "pyarrow", None)
            growth.run()
            (waiting,) = layers.ledger.projects.quarantined(growth.project)
            assert (waiting.uri, waiting.reason) == ("claims.parquet", "unsupported")
            assert "pip install 'destiny[parquet]'" in waiting.detail
            growth.run()
            assert growth.reports["published"]["published"] is False
        generation = growth.run()
        assert layers.ledger.projects.quarantined(growth.project) == []
        found = growth.service().claims.shown(growth.project).claims
        assert {(one.subject, one.value) for one in found} == {(row["object"], row["value"]) for row in ROWS}
        # The notes were read by a parser that is what it was.
        assert layers.ledger.documents.counts(growth.project, generation.number)["changed"] == 0
