"""What of a document no database can hold."""

from dataclasses import replace
from typing import Any

import pytest

from destiny_assets.domain.documents import Heading, Link, ParsedDocument, unstorable_part

WELL = ParsedDocument(title="Title 𝄞", text="text \ufffd", media_type="text/plain", parser="test/1")


def test_ordinary_text_of_any_script_can_be_stored() -> None:
    assert unstorable_part(WELL) is None


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b", "\udc80"])
@pytest.mark.parametrize("part", ["text", "title", "authors", "fields", "headings", "links"])
def test_a_nul_or_half_a_pair_is_found_in_every_part(part: str, bad: str) -> None:
    changes: dict[str, Any] = {
        "text": bad,
        "title": bad,
        "authors": ("Ada", bad),
        "fields": {"author": bad},
        "headings": (Heading(1, bad, 0),),
        "links": (Link("target", bad, 0, 1),),
    }
    assert unstorable_part(replace(WELL, **{part: changes[part]})) == part
