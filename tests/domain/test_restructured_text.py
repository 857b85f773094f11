import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.restructured_text import scan_restructured_text


def headings(text: str) -> list[tuple[int, str]]:
    return [(heading.level, heading.title) for heading in scan_restructured_text(text).headings]


def links(text: str) -> list[tuple[str, str]]:
    return [(link.target, link.label) for link in scan_restructured_text(text).links]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A\n=\n\nB\n-\n", []),
        ("Title\n=====\n\nSub\n---\n\nNext\n====\n", [(1, "Title"), (2, "Sub"), (1, "Next")]),
        ("=====\nTitle\n=====\n\nPart\n====\n", [(1, "Title"), (2, "Part")]),
        ("=======\n Title\n=======\n", [(1, "Title")]),
        ("text\n\n-----\n\ntext", []),
        ("a paragraph of\ntwo lines\n=====\n", []),
        ("=====  =====\na      b\n=====  =====\n1      2\n=====  =====\n", []),
        ("+---+\n| a |\n+---+\n", []),
        ("Long title here\n===\n", []),
        ("::\n\n  Title\n  =====\n", []),
        ("``code`` and :pep:`8`\n=====================\n", [(1, "code and 8")]),
    ],
)
def test_titles_are_underlined_lines_of_their_own(text: str, expected: list[tuple[int, str]]) -> None:
    assert headings(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`label <a.rst>`_", [("a.rst", "label")]),
        ("`label\nmore <a.rst>`__", [("a.rst", "label more")]),
        ("`A name`_\n\n.. _a name: http://x.y", [("http://x.y", "A name")]),
        ("see Sphinx_.\n\n.. _Sphinx: s.html", [("s.html", "Sphinx")]),
        ("see `one <two_>`_\n\n.. _two: 2.rst", [("2.rst", "one")]),
        (":pep:`8`", [("PEP 8", "PEP 8")]),
        (":pep:`Style <0008#x>`", [("PEP 8", "Style")]),
        (":rfc:`2822`", [("RFC 2822", "RFC 2822")]),
        (":doc:`/guide/start` :doc:`Guide <guide>`", [("/guide/start", "/guide/start"), ("guide", "Guide")]),
        (":ref:`section` :class:`Foo`", []),
        ("``:pep:`8` and x_``", []),
        ("a_variable_name_ and trailing_", []),
        ("https://a.b/c.", [("https://a.b/c", "https://a.b/c")]),
        ("[2]_ and |sub|_", []),
    ],
)
def test_links_are_references_roles_and_addresses(text: str, expected: list[tuple[str, str]]) -> None:
    assert links(text) == expected


def test_offsets_point_at_titles_with_their_overline() -> None:
    text = "=====\nTitle\n=====\n\nSee :pep:`8` and x_.\n\nSub\n---\n\n.. _x: y.rst\n"
    markup = scan_restructured_text(text)
    assert [text[heading.start : heading.start + 3] for heading in markup.headings] == ["===", "Sub"]
    assert [text[link.start : link.end] for link in markup.links] == [":pep:`8`", "x_"]


@given(st.text(alphabet="ab =-~`_<>:.\n|h/", max_size=120))
def test_any_text_is_scanned_with_offsets_inside_and_in_order(text: str) -> None:
    markup = scan_restructured_text(text)
    starts = [heading.start for heading in markup.headings]
    assert starts == sorted(set(starts))
    assert all(start == 0 or text[start - 1] == "\n" for start in starts)
    ends = 0
    for link in markup.links:
        assert ends <= link.start < link.end <= len(text)
        ends = link.end
