"""62 real and broken files: each is read, or quarantined for its true reason."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.errors import UnreadableDocumentError

REASONS = {
    "005-libreoffice-writer-password__libreoffice-writer-password.pdf": "encrypted",
    "007-imagemagick-images__imagemagick-ASCII85Decode.pdf": "no_text",
    "007-imagemagick-images__imagemagick-CCITTFaxDecode.pdf": "no_text",
    "007-imagemagick-images__imagemagick-images.pdf": "no_text",
    "007-imagemagick-images__imagemagick-lzw.pdf": "no_text",
    "019-grayscale-image__grayscale-image.pdf": "no_text",
    "mid__MEDRPT-2024-PAT-3847_medical_report_scan.pdf": "no_text",
    "mid__random.bin": "unsupported",
    "broken__bit-flips.pdf": "broken",
    "broken__empty.pdf": "empty",
    "broken__no-eof.pdf": "broken",
    "broken__truncated.docx": "broken",
    "broken__truncated.pdf": "broken",
}


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> list[dict[str, str]]:
    with (shared_data / "messy-docs" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_file_is_read_or_quarantined_for_its_true_reason(shared_data: Path, rows: list[dict[str, str]]) -> None:
    reader = DocumentReader()
    reasons = {}
    for row in rows:
        data = (shared_data / "messy-docs" / "files" / row["file"]).read_bytes()
        try:
            document = reader.parse(data, uri=row["file"])
        except UnreadableDocumentError as error:
            reasons[row["file"]] = error.reason
            continue
        assert document.text.strip()
        assert "\x00" not in document.text
        assert "\ufffd" not in document.text
        assert all(0 <= link.start < link.end <= len(document.text) for link in document.links)
        if row["pages"]:
            assert len(document.page_starts) == int(row["pages"]), row["file"]
    assert len(rows) == 62
    assert reasons == REASONS


def test_expected_texts_are_found_word_for_word(shared_data: Path, rows: list[dict[str, str]]) -> None:
    reader = DocumentReader()
    checked = 0
    for row in rows:
        if not row["expected_text"]:
            continue
        checked += 1
        expected = (shared_data / "messy-docs" / "expected" / row["expected_text"]).read_text("utf-8")
        read = reader.parse((shared_data / "messy-docs" / "files" / row["file"]).read_bytes(), uri=row["file"]).text
        assert f1(words(read), words(expected)) > 0.98, row["file"]
    assert checked == 4


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


def f1(found: Counter[str], expected: Counter[str]) -> float:
    return 2 * (found & expected).total() / (found.total() + expected.total())
