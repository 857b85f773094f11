"""Identity from content: hashes, the form that means "the same text", and stable ids."""

import hashlib
import subprocess
import sys
import unicodedata
import uuid

from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.chunks import normalised, stable_id, text_sha256

ANY_TEXT = st.text(st.characters())


@given(st.text())
def test_a_texts_hash_is_that_of_its_utf_8_bytes(text: str) -> None:
    assert text_sha256(text) == hashlib.sha256(text.encode()).hexdigest()


def test_lone_surrogates_have_hashes_of_their_own() -> None:
    assert len({text_sha256(text) for text in ("\ud800", "\ud801", "?", "")}) == 4


@given(ANY_TEXT)
def test_normalising_again_changes_nothing(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@given(ANY_TEXT)
def test_line_breaks_and_composition_of_letters_do_not_matter(text: str) -> None:
    assert normalised(text.replace(" ", "\n  ")) == normalised(text)
    assert normalised(unicodedata.normalize("NFD", text)) == normalised(unicodedata.normalize("NFC", text))


def test_words_and_case_do_matter() -> None:
    assert normalised("Two words") != normalised("two words")
    assert normalised("twowords") != normalised("two words")


@given(
    st.lists(st.text("ab|-", max_size=3), min_size=1, max_size=3),
    st.lists(st.text("ab|-", max_size=3), min_size=1, max_size=3),
)
def test_different_parts_have_different_ids(one: list[str], other: list[str]) -> None:
    assert (stable_id(*one) == stable_id(*other)) == (one == other)


def test_an_id_is_the_same_in_every_process() -> None:
    code = "from destiny_assets.domain.chunks import stable_id; print(stable_id('chunk', 'é', '0'))"
    found = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert found == [stable_id("chunk", "é", "0")] * 2


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_an_id_is_the_version_5_uuid_of_its_parts(parts: list[str]) -> None:
    namespace = uuid.UUID("6f1d3f0a-6b0e-5f9a-9d38-5a1f3f6d2c11")
    assert stable_id(*parts) == str(uuid.uuid5(namespace, "\x1f".join(parts)))
