import re
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from hypothesis import example, given, settings
from hypothesis import strategies as st

from destiny_assets.domain.chunking import split
from destiny_assets.domain.chunks import Chunk
from destiny_assets.domain.documents import Heading, ParsedDocument

HEADING_LINE = re.compile(r"^(#{1,6}) +([^\n]+)", re.MULTILINE)


def word_starts(text: str) -> npt.NDArray[np.int64]:
    """A tokenizer that any reader can follow: words and single other characters."""
    return np.array([found.start() for found in re.finditer(r"\w+|[^\w\s]", text)], np.int64)


def markdown(text: str, title: str = "") -> ParsedDocument:
    headings = tuple(Heading(len(found[1]), found[2].strip(), found.start()) for found in HEADING_LINE.finditer(text))
    return ParsedDocument(title=title, text=text, media_type="text/markdown", parser="test", headings=headings)


def chunked(text: str, limit: int = 128, title: str = "") -> list[Chunk]:
    return split(markdown(text, title), word_starts(text), limit)


def prose(words: int, name: str = "word") -> str:
    return " ".join(f"{name}{number}" + ("." if number % 12 == 11 else "") for number in range(words))


TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["# ", "## One\n", "\n", "\n\n", " ", "\t", "```", "```py\n", "\n```\n", "| a | b |\n", "\r\n", ". "]
        ),
        st.sampled_from(["word", "x" * 3_000, "、漢字。", "é́", "\u200b", "\x1c", "\u2028", "=====\n", "ﬁ", "\ud800"]),
        st.text(max_size=30),
        st.integers(1, 60).map(prose),
    ),
    max_size=40,
).map("".join)


@settings(deadline=None)
@given(text=TEXTS, limit=st.integers(1, 40))
@example(text="# A\n\n" + prose(500), limit=7)
def test_chunks_hold_all_text_in_order_without_overlap_and_within_the_limit(text: str, limit: int) -> None:
    chunks = chunked(text, limit)
    starts = word_starts(text)
    ends = [0, *(chunk.end for chunk in chunks)]
    begins = [*(chunk.start for chunk in chunks), len(text)]
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    for end, begin in zip(ends, begins, strict=True):
        assert end <= begin
        assert not text[end:begin].strip(), "text was lost"
    for chunk in chunks:
        assert chunk.text == text[chunk.start : chunk.end] == chunk.text.strip() != ""
        assert chunk.tokens == ((starts >= chunk.start) & (starts < chunk.end)).sum() <= limit
        assert len(chunk.text) <= limit * 16
        assert chunk.embed_text.endswith(chunk.text)


def test_a_text_that_fits_is_one_chunk() -> None:
    assert [chunk.text for chunk in chunked("\n\n One line.\n\nAnother. \n")] == ["One line.\n\nAnother."]


def test_a_document_without_text_has_no_chunks() -> None:
    assert chunked("") == []
    assert chunked(" \n\t\n ") == []


def test_a_chunk_never_spans_two_sections_with_bodies() -> None:
    chunks = chunked("# One\n\nFirst body.\n\n# Two\n\nSecond body.\n")
    assert [chunk.text for chunk in chunks] == ["# One\n\nFirst body.", "# Two\n\nSecond body."]
    assert [chunk.heading_path for chunk in chunks] == [("One",), ("Two",)]


def test_a_heading_without_a_body_stays_with_the_body_below_it() -> None:
    (chunk,) = chunked("# Guide\n\n## Install\n\nRun it.\n")
    assert chunk.text == "# Guide\n\n## Install\n\nRun it."
    assert chunk.heading_path == ("Guide", "Install")


def test_a_heading_is_not_left_alone_before_a_paragraph_that_does_not_fit() -> None:
    first, *rest = chunked("# Guide\n\n## Install\n\n" + prose(300))
    assert first.text.startswith("# Guide\n\n## Install\n\nword0 ")
    assert first.tokens > 100
    assert all(chunk.heading_path == ("Guide", "Install") for chunk in rest)


def test_a_setext_heading_keeps_its_underline_and_its_body() -> None:
    text = "Guide\n=====\n\n" + prose(300)
    document = ParsedDocument("", text, "text/x-rst", "test", headings=(Heading(1, "Guide", 0),))
    first, *_ = split(document, word_starts(text))
    assert first.text.startswith("Guide\n=====\n\nword0 ")


def test_the_heading_path_forgets_deeper_and_equal_levels() -> None:
    chunks = chunked("# A\nx\n## B\nx\n### C\nx\n## D\nx\n# E\nx\n")
    assert [chunk.heading_path for chunk in chunks] == [("A",), ("A", "B"), ("A", "B", "C"), ("A", "D"), ("E",)]


def test_embed_text_says_title_and_headings_above_once() -> None:
    text = "# Guide\n\nIntro.\n\n## Install\n\n" + prose(200)
    intro, install, more = chunked(text, title="Guide")
    assert intro.embed_text == intro.text, "the title is the heading in the text"
    assert install.embed_text == f"Guide\n{install.text}", "its own heading is in the text already"
    assert more.embed_text == f"Guide > Install\n{more.text}"


def test_a_long_title_does_not_push_the_text_out_of_the_model() -> None:
    (chunk,) = chunked("Body.", title="t" * 5_000)
    assert len(chunk.embed_text) < 300


def test_an_edit_in_one_section_leaves_the_chunks_of_the_others() -> None:
    sections = [f"## Section {number}\n\n{prose(300, f's{number}w')}\n\n" for number in range(6)]
    edited = [*sections]
    edited[2] = "## Section 2\n\nEntirely rewritten, and much shorter.\n\n"
    before = [chunk for chunk in chunked("# Book\n\n" + "".join(sections)) if "Section 2" not in chunk.heading_path]
    after = [chunk for chunk in chunked("# Book\n\n" + "".join(edited)) if "Section 2" not in chunk.heading_path]
    assert [chunk.embed_text for chunk in before] == [chunk.embed_text for chunk in after]


def test_a_fenced_block_that_fits_is_not_torn() -> None:
    code = "```python\n" + "\n\n".join(f"line_{number} = {number}" for number in range(25)) + "\n```"
    chunks = chunked(prose(60) + "\n\n" + code + "\n\n" + prose(60))
    assert sum(code in chunk.text for chunk in chunks) == 1


def test_a_table_that_fits_is_not_torn() -> None:
    table = "\n".join(f"| cell {number} | value |" for number in range(20))
    chunks = chunked(prose(100) + "\n\n" + table + "\n" + prose(100), limit=150)
    assert sum(table in chunk.text for chunk in chunks) == 1


def test_a_fenced_block_that_does_not_fit_is_cut_at_its_lines() -> None:
    lines = [f"value_{number} = compute({number})" for number in range(100)]
    chunks = chunked("```\n" + "\n".join(lines) + "\n```")
    kept = [line for chunk in chunks for line in chunk.text.splitlines()]
    assert kept == ["```", *lines, "```"]


def test_sentences_are_cut_only_between_them() -> None:
    chunks = chunked(" ".join(f"Sentence {number} has exactly seven words." for number in range(100)))
    assert len(chunks) > 1
    assert all(chunk.text.startswith("Sentence") and chunk.text.endswith("words.") for chunk in chunks)


def test_text_without_white_space_is_cut_too() -> None:
    chunks = chunked("x" * 10_000)
    assert [len(chunk.text) for chunk in chunks] == [2_048] * 4 + [10_000 - 4 * 2_048]


def test_chinese_is_cut_after_its_own_full_stops() -> None:
    text = "這是一個句子。" * 100
    starts = np.arange(len(text), dtype=np.int64)
    chunks = split(ParsedDocument("", text, "text/plain", "test"), starts)
    assert all(chunk.text.endswith("。") for chunk in chunks)


def test_many_sections_take_no_quadratic_time() -> None:
    text = "".join(f"## Heading {number}\n\nBody {number}.\n\n" for number in range(20_000))
    chunks = chunked(text)
    assert len(chunks) == 20_000
    assert all(one.end <= other.start for one, other in pairwise(chunks))
