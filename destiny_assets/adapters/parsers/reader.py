"""The one door to every format: `DocumentReader` looks at the bytes, picks the parser, and says why when none can read."""

from destiny_assets.adapters.parsers import claim_table, decision, markdown, plain_text, restructured_text, transcript
from destiny_assets.adapters.parsers.code import code_versions, parse_code
from destiny_assets.adapters.parsers.encodings import DecodedText, decode
from destiny_assets.adapters.parsers.html import html_version, parse_html
from destiny_assets.adapters.parsers.limits import MAX_CONVERTED_CHARACTERS, check_characters, check_size
from destiny_assets.adapters.parsers.media_types import (
    HTML,
    MAIL,
    MARKDOWN,
    PDF,
    PLAIN,
    RESTRUCTURED_TEXT,
    binary_media_type,
    reason_of_undecodable,
    split_media_type,
    suffix_of,
    text_media_type,
    told_media_type,
)
from destiny_assets.adapters.parsers.office import office_version, parse_office
from destiny_assets.adapters.parsers.pdf import parse_pdf, pdf_version
from destiny_assets.adapters.parsers.programming_languages import BY_MEDIA_TYPE
from destiny_assets.domain.claims.extraction import CLAIM_TABLE
from destiny_assets.domain.decisions import DECISION_LINE
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.transcripts import TRANSCRIPT
from destiny_assets.errors import UnreadableDocumentError

_DISPATCH_VERSION = "reader/1"
_JSON = frozenset({DECISION_LINE, TRANSCRIPT})


class DocumentReader:
    """Reads Markdown, reStructuredText, text, HTML, PDF, office formats, e-books, mail, tables, notebooks, source code,
    decisions, transcripts and tables of claims.
    """

    def fingerprint(self) -> str:
        """Changes when any parser does: a document read under the same fingerprint would be read the same again."""
        versions = (
            *(markdown.VERSION, restructured_text.VERSION, plain_text.VERSION),
            *(decision.VERSION, transcript.VERSION, *claim_table.claim_table_versions()),
        )
        return ";".join(
            (_DISPATCH_VERSION, *versions, html_version(), pdf_version(), office_version(), *code_versions())
        )

    def parse(self, data: bytes, *, uri: str, media_type: str | None = None) -> ParsedDocument:
        """Read one document; raises `UnreadableDocumentError` with a true reason, and nothing else, on bad input.

        `media_type` is what the source says a text is, with a charset where it knows one; binary formats show themselves.
        """
        if not data:
            raise UnreadableDocumentError("empty", f"{uri} has no bytes.")
        check_size(len(data), uri)
        if media_type == CLAIM_TABLE:
            return claim_table.parse_claim_table(data, uri)
        binary = binary_media_type(data, uri)
        if binary == PDF:
            return parse_pdf(data, uri)
        if binary is not None:
            return parse_office(data, binary, uri)
        # Mail says the encoding of each of its parts itself.
        if media_type is None and suffix_of(uri) == ".eml":
            return parse_office(data, MAIL, uri)
        told, charset = split_media_type(media_type or "")
        if told in _JSON:
            # JSON is UTF-8; what looks like a declaration of something else in it is somebody's words.
            charset = "utf-8"
        decoded = _decoded(data, uri, charset)
        return _parse_text(decoded, uri, told_media_type(told, uri) or text_media_type(decoded.text, uri))


def _decoded(data: bytes, uri: str, charset: str | None) -> DecodedText:
    try:
        decoded = decode(data, charset)
    except UnreadableDocumentError as error:
        raise reason_of_undecodable(uri) from error
    check_characters(len(decoded.text), uri)
    if not decoded.text.strip():
        raise UnreadableDocumentError("empty", f"{uri} holds white space only.")
    return decoded


def _parse_text(decoded: DecodedText, uri: str, media_type: str) -> ParsedDocument:
    if media_type == MARKDOWN:
        return markdown.parse_markdown(decoded, uri)
    if media_type == RESTRUCTURED_TEXT:
        return restructured_text.parse_restructured_text(decoded, uri)
    if media_type == DECISION_LINE:
        return decision.parse_decision(decoded, uri)
    if media_type == TRANSCRIPT:
        return transcript.parse_transcript(decoded, uri)
    if media_type == PLAIN:
        return plain_text.parse_plain_text(decoded, uri)
    if language := BY_MEDIA_TYPE.get(media_type):
        return parse_code(decoded, uri, language)
    check_characters(len(decoded.text), uri, MAX_CONVERTED_CHARACTERS)
    if media_type == HTML:
        return parse_html(decoded, uri)
    return parse_office(decoded.text.encode("utf-8", "replace"), media_type, uri, encoding=decoded.encoding)
