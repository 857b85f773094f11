import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from destiny_assets.domain.near_duplicates import NearDuplicate, duplicates, signature
from tests.domain.linking.documents import labelled_data


def words(start: int, count: int) -> list[str]:
    return [f"word{number}" for number in range(start, start + count)]


def found(texts: dict[str, str]) -> list[NearDuplicate]:
    signatures = np.array([signature(text) for text in texts.values()])
    return duplicates(list(texts), signatures, lambda ids: {id_: texts[id_] for id_ in ids})


def jaccard(one: str, other: str) -> float:
    """The definition, in plain sets."""

    def shingles(text: str) -> set[tuple[str, ...]]:
        parts = text.split()
        return {tuple(parts[at : at + 5]) for at in range(max(1, len(parts) - 4))}

    first, second = shingles(one), shingles(other)
    return len(first & second) / len(first | second)


def test_an_edited_copy_is_a_near_duplicate_with_its_exact_similarity() -> None:
    original = " ".join(words(0, 200))
    edited = original.replace("word100", "changed")
    (mark,) = found({"first": original, "second": edited})
    assert (mark.id, mark.original) == ("second", "first")
    assert mark.similarity == jaccard(original, edited) > 0.9


def test_texts_just_below_the_threshold_are_not_marked() -> None:
    original, other = " ".join(words(0, 100)), " ".join(words(12, 100))
    assert 0.7 < jaccard(original, other) < 0.8
    assert found({"a": original, "b": other}) == []


def test_every_pair_just_above_the_threshold_is_found() -> None:
    texts: dict[str, str] = {}
    for number in range(200):
        texts[f"{number}-a"] = " ".join(words(1_000 * number, 100))
        texts[f"{number}-b"] = " ".join(words(1_000 * number + 10, 100))
    assert jaccard(texts["0-a"], texts["0-b"]) > 0.8
    assert {(mark.id, mark.original) for mark in found(texts)} == {(f"{n}-b", f"{n}-a") for n in range(200)}


def test_case_and_punctuation_do_not_matter() -> None:
    (mark,) = found({"a": "One two, three: four five six.", "b": "ONE TWO THREE FOUR FIVE SIX"})
    assert mark.similarity == 1.0


def test_the_earliest_is_the_original_of_all_copies() -> None:
    text = " ".join(words(0, 50))
    assert [(mark.id, mark.original) for mark in found({"z": text, "a": text, "m": text})] == [("a", "z"), ("m", "z")]


def test_short_texts_match_only_whole() -> None:
    marks = found({"a": "Yes, please.", "b": "yes please", "c": "Yes, please do."})
    assert [(mark.id, mark.original) for mark in marks] == [("b", "a")]


def test_texts_without_words_are_not_duplicates_of_each_other() -> None:
    assert found({"a": "", "b": "", "c": "---", "d": "---"}) == []
    assert duplicates([], np.empty((0, 120), np.uint64), lambda _: {}) == []


def test_the_texts_of_unlike_documents_are_not_read() -> None:
    texts = {str(number): " ".join(words(1_000 * number, 80)) for number in range(100)}
    read: list[str] = []

    def texts_of(names: Sequence[str]) -> dict[str, str]:
        read.extend(names)
        return {name: texts[name] for name in names}

    assert duplicates(list(texts), np.array([signature(text) for text in texts.values()]), texts_of) == []
    assert read == []


def test_ten_thousand_copies_of_one_text_take_no_quadratic_time() -> None:
    texts = dict.fromkeys((str(number) for number in range(10_000)), " ".join(words(0, 90)))
    one = signature(texts["0"])
    marks = duplicates(list(texts), np.tile(one, (10_000, 1)), lambda ids: {id_: texts[id_] for id_ in ids})
    assert len(marks) == 9_999
    assert {mark.original for mark in marks} == {"0"}


@settings(deadline=None)
@given(text=st.text(max_size=500))
def test_a_signature_depends_on_the_text_alone(text: str) -> None:
    one = signature(text)
    assert one.dtype == np.uint64
    assert one.shape == (120,)
    assert np.array_equal(one, signature(text))


def test_signatures_are_the_same_on_every_machine_and_in_every_run() -> None:
    values = signature("The same text gives the same signature everywhere.")
    assert values[[0, 119]].tolist() == [3047275174541092581, 1654832388476173811]


def test_revisions_of_one_document_are_found_and_different_documents_are_not() -> None:
    folder = labelled_data() / "neardup-peps"
    with gzip.open(folder / "docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = {record["id"]: record["text"] for record in map(json.loads, lines)}
    pairs = (line.split("\t") for line in (folder / "pairs.tsv").read_text("utf-8").splitlines()[1:])
    wanted = {frozenset(pair[:2]) for pair in pairs if float(pair[2]) >= 0.8}
    groups: dict[str, set[str]] = defaultdict(set)
    for mark in found(texts):
        groups[mark.original] |= {mark.original, mark.id}
    marked = {frozenset(pair) for group in groups.values() for pair in combinations(group, 2)}
    right = len(marked & wanted)
    assert right / len(marked) > 0.98, "precision"
    assert right / len(wanted) > 0.98, "recall"
