"""Each format by a small document made here: text, structure, facts, and the true reason when it cannot be read."""

import io
import zipfile
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from destiny_assets.adapters.parsers.limits import MAX_BYTES, MAX_CHARACTERS, MAX_CONVERTED_CHARACTERS, MAX_MARKUP_BYTES
from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.domain.documents import Heading, Link, ParsedDocument, Relation, Status
from destiny_assets.errors import UnreadableDocumentError

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def parse(data: bytes | str, uri: str) -> ParsedDocument:
    return DocumentReader().parse(data.encode() if isinstance(data, str) else data, uri=uri)


def reason(data: bytes, uri: str) -> str:
    with pytest.raises(UnreadableDocumentError) as caught:
        parse(data, uri)
    return caught.value.reason


def docx(body: str) -> bytes:
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" '
            'ContentType="application/xml"/><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
            f'Type="{OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
            "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>',
        }
    )


def zipped(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def pdf(*pages: str, info: str = "", extra: str = "") -> bytes:
    """A PDF with one line of Helvetica a page and a right cross-reference table."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number, text in enumerate(pages):
        content = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET" if text else ""
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents {5 + 2 * number} 0 R>>"
        )
        objects.append(f"<</Length {len(content)}>>\nstream\n{content}\nendstream")
    objects.append(f"<<{info}>>")
    out = "%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    trailer = f"<</Size {len(objects) + 1}/Root 1 0 R/Info {len(objects)} 0 R{extra}>>"
    return f"{out}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n{trailer}\nstartxref\n{len(out)}\n%%EOF\n".encode()


def test_markdown_keeps_its_source_and_says_where_things_are() -> None:
    source = "---\ntitle: Choose a store\nstatus: accepted\nauthors: [Ann, Bob]\ndate: 2024-05-06\n---\n# Store\n\nSee [b](b.md).\n"
    document = parse(source, "adr/1.md")
    assert document.text == source
    assert document.title == "Choose a store"
    assert document.authors == ("Ann", "Bob")
    assert document.status is Status.ACCEPTED
    assert document.created_at == datetime(2024, 5, 6, tzinfo=UTC)
    assert document.headings == (Heading(1, "Store", source.index("# Store")),)
    (link,) = document.links
    assert (link.target, source[link.start : link.end]) == ("b.md", "[b](b.md)")
    assert document.media_type == "text/markdown"


def test_relations_in_front_matter_point_at_their_words() -> None:
    source = "---\nsupersedes: [0001-a.md, 0002-b.md]\nstatus: superseded by [ADR 5](0005-x.md)\n---\ntext\n"
    said = {(source[link.start : link.end], link.target, link.relation) for link in parse(source, "3.md").links}
    assert said == {
        ("0001-a.md", "0001-a.md", Relation.SUPERSEDES),
        ("0002-b.md", "0002-b.md", Relation.SUPERSEDES),
        ("[ADR 5](0005-x.md)", "0005-x.md", Relation.SUPERSEDED_BY),
    }


@pytest.mark.parametrize(
    "source",
    ["---\n: : [\n---\n# A\n", "---\n" + "[" * 9000 + "\n---\n# A\n", "+++\na = \n+++\n# A\n", "---\n- a\n---\n# A\n"],
)
def test_front_matter_that_does_not_parse_is_text(source: str) -> None:
    document = parse(source, "a.md")
    assert document.text == source
    assert document.title == "A"


def test_toml_front_matter_is_read() -> None:
    document = parse('+++\ntitle = "T"\ndate = 2020-01-02\n+++\ntext', "a.md")
    assert (document.title, document.created_at) == ("T", datetime(2020, 1, 2, tzinfo=UTC))


def test_a_mail_like_header_of_restructured_text_is_read() -> None:
    source = (
        "PEP: 9\nTitle: Nine\nAuthor: Ann <a@b.c>,\n  Bob\nStatus: Superseded\nReplaces: 3, 4\nCreated: 29-Sep-2014\n"
        "\nIntro\n=====\n\n:pep:`8`\n"
    )
    document = parse(source, "pep-0009.rst")
    assert document.title == "Nine"
    assert document.authors == ("Ann", "Bob")
    assert document.created_at == datetime(2014, 9, 29, tzinfo=UTC)
    assert document.fields["pep"] == "9"
    assert [(link.target, link.relation) for link in document.links] == [
        ("PEP 3", Relation.SUPERSEDES),
        ("PEP 4", Relation.SUPERSEDES),
        ("PEP 8", Relation.LINKS_TO),
    ]
    assert document.headings == (Heading(1, "Intro", source.index("Intro")),)


def test_html_loses_its_furniture_and_keeps_its_content() -> None:
    page = (
        '<html><head><title>Page</title><meta name="author" content="Ann Bee"><meta property="article:published_time" '
        'content="2020-02-03T04:05:06+01:00"><script>var x</script></head><body><nav><a href="/">Menu</a></nav><main>'
        '<h1>Head</h1><p>Enough content to be the main thing, with a <a href="b.html">link</a>.</p>'
        "<pre><code># no heading</code></pre></main><footer>Imprint</footer></body></html>"
    )
    document = parse(page, "a.html")
    assert document.title == "Page"
    assert document.authors == ("Ann Bee",)
    assert document.created_at == datetime(2020, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=1)))
    assert [heading.title for heading in document.headings] == ["Head"]
    assert [link.target for link in document.links] == ["b.html"]
    assert not {"Menu", "Imprint", "var x"} & set(document.text.split("\n"))
    assert "# no heading" in document.text


def test_html_without_text_has_no_text() -> None:
    assert reason(b"<html><body><script>render()</script></body></html>", "a.html") == "no_text"


def test_html_nested_beyond_reason_is_broken_and_deep_html_is_read() -> None:
    assert reason(b"<div>" * 50_000 + b"x", "a.html") == "broken"
    assert parse(b"<div>" * 1500 + b"deep text", "a.html").text == "deep text"


def test_pdf_pages_start_where_their_text_does() -> None:
    document = parse(
        pdf("First page", "", "Third page", info="/Title(Report)/CreationDate(D:20200102030405+01'00')"), "a.pdf"
    )
    assert document.title == "Report"
    assert document.created_at == datetime(2020, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))
    assert len(document.page_starts) == 3
    assert document.text[document.page_starts[0] :].startswith("First page")
    assert document.text[document.page_starts[2] :] == "Third page"
    assert list(document.page_starts) == sorted(set(document.page_starts))


def test_a_pdf_of_images_has_no_text_and_a_cut_one_is_broken() -> None:
    assert reason(pdf("", ""), "a.pdf") == "no_text"
    assert reason(pdf("text")[:120], "a.pdf") == "broken"


def test_a_pdf_behind_a_password_is_encrypted() -> None:
    key = "00" * 32
    assert (
        reason(pdf("text", extra=f"/Encrypt<</Filter/Standard/V 1/R 2/O<{key}>/U<{key}>/P -4>>/ID[<00><00>]"), "a")
        == "encrypted"
    )


def test_docx_has_headings() -> None:
    document = parse(docx(paragraph("Plan", "Heading1") + paragraph("Do it.")), "a.docx")
    assert "Do it." in document.text
    assert [heading.title for heading in document.headings] == ["Plan"]
    assert document.title == "Plan"


def test_a_docx_without_words_has_no_text() -> None:
    assert reason(docx("<w:p/>"), "a.docx") == "no_text"


def test_a_docx_that_unpacks_to_far_more_than_it_weighs_is_huge() -> None:
    bomb = docx(paragraph("x" * 1000) * (MAX_MARKUP_BYTES // 1000))
    assert len(bomb) < 1_000_000
    assert reason(bomb, "a.docx") == "huge"


def test_a_zip_that_lies_about_its_size_is_broken() -> None:
    honest = docx(paragraph("x" * 100_000))
    small = (100).to_bytes(4, "little")
    with zipfile.ZipFile(io.BytesIO(honest)) as archive:
        size = archive.getinfo("word/document.xml").file_size.to_bytes(4, "little")
    assert reason(honest.replace(size, small), "a.docx") == "broken"


def test_protected_office_files_are_encrypted() -> None:
    compound = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + "EncryptedPackage".encode("utf-16-le")
    assert reason(compound, "a.docx") == "encrypted"
    locked = bytearray(docx(paragraph("x")))
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = locked.find(mark)
        locked[at + offset] |= 1
    assert reason(bytes(locked), "a.docx") == "encrypted"


def test_content_decides_and_the_name_only_where_content_does_not() -> None:
    assert parse("<!doctype html><title>T</title><p>An error page.", "report.pdf").media_type == "text/html"
    assert parse(pdf("x"), "notes.txt").media_type == "application/pdf"
    assert parse(docx(paragraph("x")), "a.zip").media_type.endswith("wordprocessingml.document")
    assert parse("# A\n\n## B\n", "README").media_type == "text/markdown"
    assert parse("A title\n=======\n\n.. note:: x\n\n``a`` `b`_\n", "README").media_type == "text/x-rst"
    assert parse("# not a heading\nx = 1\n", "a.py").media_type == "text/x-python"
    assert parse("just words", "notes").media_type == "text/plain"


def test_tables_and_notebooks_are_read() -> None:
    assert "| Ann | 3 |" in parse("name,age\nAnn,3\n", "a.csv").text
    notebook = '{"cells":[{"cell_type":"markdown","metadata":{},"source":["# Title\\n","text"]}],"metadata":{},"nbformat":4,"nbformat_minor":5}'
    assert parse(notebook, "a.ipynb").title == "Title"
    assert reason(b'{"cells": [', "a.ipynb") == "broken"


def test_mail_is_read_with_its_subject_sender_and_date() -> None:
    mail = (
        b"From: Ann Bee <ann@b.c>\r\nSubject: Plan\r\nDate: Tue, 03 Mar 2020 10:00:00 +0000\r\n\r\nWe will do it.\r\n"
    )
    document = parse(mail, "a.eml")
    assert document.title == "Plan"
    assert document.created_at == datetime(2020, 3, 3, 10, tzinfo=UTC)
    assert "We will do it." in document.text


@pytest.mark.parametrize(
    ("data", "uri", "expected"),
    [
        (b"", "a.md", "empty"),
        (b" \n\t\r\n", "a.md", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a.png", "unsupported"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a.pdf", "unsupported"),
        (b"\x7fELF" + bytes(100), "a", "unsupported"),
        (b"PK\x03\x04" + bytes(100), "a.docx", "broken"),
        (bytes(range(256)) * 4, "a.pdf", "broken"),
        (bytes(range(256)) * 4, "a.dat", "unsupported"),
        (bytes(range(256)) * 4, "a.txt", "broken"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, uri: str, expected: str) -> None:
    assert reason(data, uri) == expected


def test_a_plain_zip_is_unsupported() -> None:
    assert reason(zipped({"a.txt": "x"}), "a.zip") == "unsupported"


def test_size_is_bounded() -> None:
    assert reason(b"x" * (MAX_BYTES + 1), "a.txt") == "huge"
    assert reason(b"x" * (MAX_CHARACTERS + 1), "a.txt") == "huge"
    assert reason(b"x" * (MAX_CONVERTED_CHARACTERS + 1), "a.csv") == "huge"


def test_the_fingerprint_names_every_parser() -> None:
    reader = DocumentReader()
    for data, uri in (("# A", "a.md"), ("A", "a.rst"), ("A", "a.txt"), ("<p>A", "a.html"), ("a,b\n1,2\n", "a.csv")):
        assert parse(data, uri).parser in reader.fingerprint()
    assert parse(pdf("x"), "a.pdf").parser in reader.fingerprint()
    assert reader.fingerprint() == DocumentReader().fingerprint()


@given(
    st.one_of(st.binary(max_size=400), st.text(max_size=400).map(lambda text: text.encode("utf-8", "replace"))),
    st.sampled_from(["a.md", "a.rst", "a.txt", "a.html", "a.pdf", "a.docx", "a.csv", "a.ipynb", "a", "a.eml"]),
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused_and_never_crash(data: bytes, uri: str) -> None:
    try:
        document = parse(data, uri)
    except UnreadableDocumentError:
        return
    check_invariants(document)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_office_files_are_read_or_refused_and_never_crash(draws: st.DataObject) -> None:
    data = bytearray(
        draws.draw(st.sampled_from([docx(paragraph("Plan", "Heading1") + paragraph("x")), pdf("one", "two")]))
    )
    for _ in range(draws.draw(st.integers(1, 8))):
        data[draws.draw(st.integers(0, len(data) - 1))] = draws.draw(st.integers(0, 255))
    try:
        document = parse(bytes(data), "a.docx")
    except UnreadableDocumentError:
        return
    check_invariants(document)


def check_invariants(document: ParsedDocument) -> None:
    assert document.title
    assert document.text.strip()
    assert "\x00" not in document.text
    assert all(0 <= heading.start < len(document.text) for heading in document.headings)
    assert [heading.start for heading in document.headings] == sorted(heading.start for heading in document.headings)
    assert all(isinstance(link, Link) and 0 <= link.start < link.end <= len(document.text) for link in document.links)


WEB_PAGE = """<!doctype html><html><head><title>Ink that lasts \u2013 The Post Office</title>
<meta property="og:site_name" content="The Post Office"><script type="application/ld+json">{"@graph": [{"@type": "WebSite",
"name": "P"}, {"@type": ["BlogPosting"], "author": [{"@type": "Person", "name": "Ada Brook"}, {"name": "Ben Cole"}],
"datePublished": "2024-05-06T07:08:09Z", "dateModified": "2024-06-01"}]}</script></head><body><div class="skip-links">Skip</div>
<header class="site-header"><p>Post Office</p></header><div id="cookie-banner"><p>We use cookies</p><div class="share">x</div></div>
<div class="breadcrumbs">Home / Ink</div><div class="content-wrap"><h1>Ink that lasts</h1><p>Black ink never fades in the sun,
and that is why letters are written in it.</p><ul class="social"><li>Tweet</li></ul><p>Blue ink does fade within a year.
<a class="headerlink" href="#x">\u00b6</a></p></div><div class="sidebar">Other posts</div><div id="footer">Imprint</div></body></html>"""


def test_a_page_loses_what_only_its_names_give_away_and_tells_its_facts() -> None:
    document = parse(WEB_PAGE, "ink.html")
    assert document.title == "Ink that lasts"
    assert document.authors == ("Ada Brook", "Ben Cole")
    assert document.created_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert document.updated_at == datetime(2024, 6, 1, tzinfo=UTC)
    assert "Blue ink" in document.text
    for furniture in ("Skip", "Post Office", "cookies", "Home", "Tweet", "Other posts", "Imprint", "\u00b6"):
        assert furniture not in document.text


@pytest.mark.parametrize(
    ("page", "kept"),
    [
        ("<div class='sidebar'><p>All that there is to read stands in here.</p></div>", "All that there is"),
        ("<div class='menu'><h1>Menu of the day</h1></div><p>Soup.</p>", "Menu of the day"),
        (
            "<p>Of sharing.</p><div class='sharing-economy'>An economy</div><p>Said at length, so that there is more.</p>",
            "An economy",
        ),
    ],
)
def test_a_name_alone_takes_nothing_away_that_the_page_is_about(page: str, kept: str) -> None:
    assert kept in parse(f"<html><body>{page}</body></html>", "a.html").text


@pytest.mark.parametrize(
    ("head", "created"),
    [
        ('<time datetime="2024-05-06">May</time>', datetime(2024, 5, 6, tzinfo=UTC)),
        ('<time datetime="2024-05-06">May</time><time datetime="2023-01-01">Jan</time>', None),
        ('<time datetime="2023-01-01">x</time><time itemprop="datePublished" datetime="2024-05-06">May</time>',
         datetime(2024, 5, 6, tzinfo=UTC)),
        ('<script type="application/ld+json">{"@type": "Article", "datePublished": </script>', None),
        ('<script type="application/ld+json">' + "[" * 100_000 + "</script>", None),
    ],
)  # fmt: skip
def test_dates_come_from_where_they_are_sure(head: str, created: datetime | None) -> None:
    assert parse(f"<html><body>{head}<p>Text enough to read.</p></body></html>", "a.html").created_at == created


def test_a_charset_that_the_server_tells_goes_before_what_the_bytes_look_like() -> None:
    page = "<p>Za\u017c\u00f3\u0142\u0107 g\u0119\u015bl\u0105 ja\u017a\u0144</p>".encode("iso8859-2")
    document = DocumentReader().parse(page, uri="https://a.example/x", media_type='text/html; charset="ISO-8859-2"')
    assert (document.encoding, document.media_type) == ("iso8859-2", "text/html")
    assert "Za\u017c\u00f3\u0142\u0107" in document.text
    for wrong in ("no-such-charset", "utf-8", "hex"):
        assert DocumentReader().parse(page, uri="x", media_type=f"text/html; charset={wrong}").text


def test_a_type_that_is_no_text_we_know_leaves_the_choice_to_the_bytes() -> None:
    for told, expected in (
        ("application/octet-stream", "text/markdown"),
        ("text/plain", "text/markdown"),
        ("text/html", "text/html"),
    ):
        assert (
            DocumentReader().parse(b"# A\n\n- b\n", uri="https://a.example/a.md", media_type=told).media_type
            == expected
        )
