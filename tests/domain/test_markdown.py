import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.markdown import plain_title, scan_markdown


def headings(text: str) -> list[tuple[int, str]]:
    return [(heading.level, heading.title) for heading in scan_markdown(text).headings]


def targets(text: str) -> list[str]:
    return [link.target for link in scan_markdown(text).links]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A", [(1, "A")]),
        ("   ###### A ######\n", [(6, "A")]),
        ("# A #b", [(1, "A #b")]),
        ("####### seven", []),
        ("#tag", []),
        ("    # code", []),
        ("A\n===\n\nB\n---\n", [(1, "A"), (2, "B")]),
        ("text\n\n---\n\ntext", []),
        ("- item\n---\n", []),
        ("| a |\n---\n", []),
        ("two\nlines\n---\n", []),
        ("```\n# code\n```\n# A", [(1, "A")]),
        ("~~~~ py\n# code\n~~~\n# code\n~~~~\n# A", [(1, "A")]),
        ("```\n# never closed", []),
        ("`` ``` ``\n# A", [(1, "A")]),
        ("<!--\n# no\n-->\n# A", [(1, "A")]),
        ("# `code` and **bold** [link](x) *it*", [(1, "code and bold link it")]),
        ("#\n", []),
    ],
)
def test_headings_are_what_commonmark_calls_so(text: str, expected: list[tuple[int, str]]) -> None:
    assert headings(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](b.md)", ["b.md"]),
        ('[a](b.md "title")', ["b.md"]),
        ("[a](<b c.md>)", ["b c.md"]),
        ("[a](b(c).md)", ["b(c).md"]),
        ("[a [b]](c.md)", ["c.md"]),
        ("[two\nlines](c.md)", ["c.md"]),
        ("![image](b.png)", []),
        ("`[a](b.md)`", []),
        ("```\n[a](b.md)\n```", []),
        ("\\[a](b.md)", []),
        ("[a][ref]\n\n[REF]: b.md", ["b.md"]),
        ("[a][]\n\n[a]: b.md", ["b.md"]),
        ("[a]\n\n[a]: <b.md> 'title'", ["b.md"]),
        ("[a] [x]", []),
        ("- [ ] task\n- [x] done", []),
        ("[[Page]] and [[Other|label]]", ["Page", "Other"]),
        ("<https://a.b/c>", ["https://a.b/c"]),
        ("see https://a.b/c_(d), or http://e.f.", ["https://a.b/c_(d)", "http://e.f"]),
        ("<!-- [a](b.md) -->", []),
    ],
)
def test_links_are_found_where_they_are_links(text: str, expected: list[str]) -> None:
    assert targets(text) == expected


def test_offsets_point_at_lines_and_links() -> None:
    text = "intro [a](b.md)\n\nTitle\n=====\n\n  ## Sub\n"
    markup = scan_markdown(text)
    assert [text[heading.start :].split("\n")[0] for heading in markup.headings] == ["Title", "  ## Sub"]
    assert [text[link.start : link.end] for link in markup.links] == ["[a](b.md)"]


def test_what_stands_before_the_start_is_not_read() -> None:
    text = "# no\n[a](b)\n# yes\n"
    assert headings(text[:0] + text)[0][1] == "no"
    assert [heading.title for heading in scan_markdown(text, text.index("# yes")).headings] == ["yes"]


def test_a_title_of_marks_only_stays_as_it_is() -> None:
    assert plain_title("**") == "**"


@given(st.text(alphabet="ab #=-`~[]()<>!\n\\:/h*_|", max_size=120))
def test_any_text_is_scanned_with_offsets_inside_and_in_order(text: str) -> None:
    markup = scan_markdown(text)
    starts = [heading.start for heading in markup.headings]
    assert starts == sorted(set(starts))
    assert all(start == 0 or text[start - 1] == "\n" for start in starts)
    assert all(heading.title.strip() for heading in markup.headings)
    ends = 0
    for link in markup.links:
        assert ends <= link.start < link.end <= len(text)
        ends = link.end
