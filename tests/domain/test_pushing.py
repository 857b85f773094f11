"""What is asked of a document that somebody hands in."""

import pytest

from destiny_assets.domain.documents import MAX_URI_BYTES
from destiny_assets.domain.pushing import PushedDocument, check_pushed
from destiny_assets.errors import UnreadableDocumentError


def test_the_longest_uri_is_taken_whatever_letters_it_has() -> None:
    check_pushed(PushedDocument("a" * MAX_URI_BYTES, "text"), 1_000)
    check_pushed(PushedDocument("é" * (MAX_URI_BYTES // 2), "text"), 1_000)


@pytest.mark.parametrize("uri", ["", " ", "a" * (MAX_URI_BYTES + 1), "é" * (MAX_URI_BYTES // 2 + 1), "a\nb"])
def test_a_uri_that_can_not_be_kept_is_refused(uri: str) -> None:
    with pytest.raises(UnreadableDocumentError, match="uri of 1 to 2,000 bytes"):
        check_pushed(PushedDocument(uri, "text"), 1_000)
