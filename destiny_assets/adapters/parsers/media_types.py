"""What a file is: its content says so first, its name only where content leaves a choice.

Bytes of office files, archives and images carry signatures; text is told apart in `text_media_type`, after decoding.
"""

import io
import re
import zipfile
import zlib
from pathlib import PurePosixPath

from destiny_assets.adapters.parsers.limits import MAX_MARKUP_BYTES, MAX_UNPACKED_BYTES
from destiny_assets.adapters.parsers.programming_languages import language_of
from destiny_assets.domain.decisions import DECISION_LINE
from destiny_assets.domain.transcripts import TRANSCRIPT
from destiny_assets.errors import UnreadableDocumentError

MARKDOWN = "text/markdown"
RESTRUCTURED_TEXT = "text/x-rst"
PLAIN = "text/plain"
HTML = "text/html"
PDF = "application/pdf"
CSV = "text/csv"
TSV = "text/tab-separated-values"
NOTEBOOK = "application/x-ipynb+json"
MAIL = "message/rfc822"

_OOXML = "application/vnd.openxmlformats-officedocument."
_DOCX = _OOXML + "wordprocessingml.document"
_XLSX = _OOXML + "spreadsheetml.sheet"
_PPTX = _OOXML + "presentationml.presentation"
_XLS = "application/vnd.ms-excel"
SPREADSHEETS = frozenset({_XLSX, _XLS, "application/vnd.oasis.opendocument.spreadsheet", CSV, TSV})

_ZIP_FOLDERS = {"word/": _DOCX, "xl/": _XLSX, "ppt/": _PPTX}
_ZIP_DECLARED = re.compile(rb"application/(?:vnd\.oasis\.opendocument\.(?:text|spreadsheet|presentation)|epub\+zip)")
_MARKUP_PARTS = (".xml", ".xhtml", ".html", ".htm", ".rels", ".opf", ".ncx")
_OLE_STREAMS = {
    "WordDocument": "application/msword",
    "Workbook": _XLS,
    "Book": _XLS,
    "PowerPoint Document": "application/vnd.ms-powerpoint",
    "__substg1.0_": "application/vnd.ms-outlook",
}
# Formats that hold no text of a document; the text is what people call them.
_OTHER_SIGNATURES = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"OggS", "a sound or film"),
    (b"ID3", "a sound"),
    (b"fLaC", "a sound"),
    (b"\x1aE\xdf\xa3", "a film"),
    (b"wOF", "a font"),
)
_FILM = re.compile(rb"\A.{4}ftyp", re.DOTALL)
_RIFF = re.compile(rb"\ARIFF.{4}(?:WEBP|WAVE|AVI )", re.DOTALL)
_PDF_HEADER_REACH = 1024

_TEXT_SUFFIXES = {
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".mdx": MARKDOWN,
    ".mkd": MARKDOWN,
    ".rst": RESTRUCTURED_TEXT,
    ".rest": RESTRUCTURED_TEXT,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".csv": CSV,
    ".tsv": TSV,
    ".ipynb": NOTEBOOK,
    ".eml": MAIL,
}
_SAME_TYPES = {
    "application/xhtml+xml": HTML,
    "text/x-markdown": MARKDOWN,
    "text/rst": RESTRUCTURED_TEXT,
    "text/prs.fallenstein.rst": RESTRUCTURED_TEXT,
    "application/csv": CSV,
}
_BINARY_SUFFIXES = frozenset(
    {".pdf", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".epub", ".doc", ".xls", ".ppt"}
)
# These are sniffed, because anything may stand in them; every other suffix (.json, .yaml…) is text as it is.
_OPEN_SUFFIXES = frozenset({"", ".txt", ".text", ".pdf", *_BINARY_SUFFIXES})
_SNIFF_CHARACTERS = 20_000
_HTML_START = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|h1|p|div|table)\b",
    re.IGNORECASE | re.DOTALL,
)
_XHTML = re.compile(r"\s*<\?xml[^>]*>.{0,500}<html\b", re.IGNORECASE | re.DOTALL)
_MARKDOWN_SIGN = re.compile(r"^#{1,6} \S|^```|\]\([^()\s]+\)|^---\n[a-z_]+:", re.MULTILINE)
_RESTRUCTURED_SIGN = re.compile(
    r"^\.\. (?:[a-z-]+::|_[^:\n]+:)|:[a-z]+:`|`_{1,2}(?!\w)|^(?!\s)[^\n]{3,}\n(?:={4,}|~{4,})$", re.MULTILINE
)


def split_media_type(header: str) -> tuple[str, str | None]:
    """Type and charset of a ``Content-Type``: ``text/html; charset="koi8-r"`` is ``text/html`` and ``koi8-r``."""
    media_type, *parameters = header.split(";")
    named = dict(parameter.strip().lower().partition("=")[::2] for parameter in parameters)
    return media_type.strip().lower(), named.get("charset", "").strip("\"' ") or None


def told_media_type(told: str, uri: str) -> str | None:
    """The text format that a source's word stands for; None where the text itself and its name tell better."""
    told = _SAME_TYPES.get(told, told)
    # Web servers call every text that they do not know plain.
    if told == PLAIN and "://" in uri and suffix_of(uri) in _TEXT_SUFFIXES:
        return None
    return told if told in {PLAIN, DECISION_LINE, TRANSCRIPT, *_TEXT_SUFFIXES.values()} else None


def suffix_of(uri: str) -> str:
    """The file name's last extension in lower case, with its dot."""
    return PurePosixPath(uri).suffix.lower()


def binary_media_type(data: bytes, uri: str) -> str | None:
    """The media type that the bytes' signature shows, None when they should be text.

    Raises `UnreadableDocumentError`: "encrypted", "huge", "broken" (a damaged archive), or "unsupported" naming what it is.
    """
    if b"%PDF-" in data[:_PDF_HEADER_REACH]:
        return PDF
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_media_type(data, uri)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole_media_type(data)
    if data.startswith(b"{\\rtf"):
        return "application/rtf"
    for signature, name in _OTHER_SIGNATURES:
        if data.startswith(signature):
            raise UnreadableDocumentError("unsupported", f"The file is {name}, which holds no text of a document.")
    if _FILM.match(data) or _RIFF.match(data):
        raise UnreadableDocumentError("unsupported", "The file is an image, a sound or a film, not a document.")
    return None


def _zip_media_type(data: bytes, uri: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if any(part.flag_bits & 1 for part in parts):
                raise UnreadableDocumentError("encrypted", "The archive is protected by a password.")
            names = {part.filename for part in parts}
            media_type = _declared_media_type(archive, names)
            if media_type is None:
                raise UnreadableDocumentError("unsupported", "The file is a zip archive that holds no office document.")
            _check_unpacked(archive, parts)
            return media_type
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, zlib.error) as error:
        kind = suffix_of(uri).lstrip(".") or "zip"
        raise UnreadableDocumentError("broken", f"The {kind} file's archive is damaged: {error}.") from error


def _declared_media_type(archive: zipfile.ZipFile, names: set[str]) -> str | None:
    if "mimetype" in names:
        with archive.open("mimetype") as part:
            declared = _ZIP_DECLARED.match(part.read(200))
        if "META-INF/manifest.xml" in names and declared:
            with archive.open("META-INF/manifest.xml") as part:
                if b"encryption-data" in part.read(MAX_MARKUP_BYTES):
                    raise UnreadableDocumentError("encrypted", "The document is protected by a password.")
        return declared[0].decode() if declared else None
    for folder, media_type in _ZIP_FOLDERS.items():
        if any(name.startswith(folder) for name in names):
            return media_type
    return None


def _check_unpacked(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    """Unpack the markup, so that a directory that lies about sizes is found out before a parser unpacks it."""
    markup = [part for part in parts if part.filename.lower().endswith(_MARKUP_PARTS)]
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_UNPACKED_BYTES or sum(part.file_size for part in markup) > MAX_MARKUP_BYTES:
        raise UnreadableDocumentError("huge", f"The document unpacks to {unpacked:,} bytes, more than is read.")
    for part in markup:
        with archive.open(part) as stream:
            while stream.read(2**20):
                pass


def _ole_media_type(data: bytes) -> str:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise UnreadableDocumentError("encrypted", "The document is protected by a password.")
    for stream, media_type in _OLE_STREAMS.items():
        if stream.encode("utf-16-le") in data:
            return media_type
    raise UnreadableDocumentError("unsupported", "The file is a compound file of no known office format.")


def reason_of_undecodable(uri: str) -> UnreadableDocumentError:
    """What to say of bytes that have no signature and are no text: broken where the name promised a format."""
    suffix = suffix_of(uri)
    if suffix in _BINARY_SUFFIXES or suffix in _TEXT_SUFFIXES or suffix == ".txt":
        return UnreadableDocumentError("broken", f"The file is named {suffix} but its bytes are neither that nor text.")
    return UnreadableDocumentError("unsupported", "The bytes are of no known format and no text in any known encoding.")


def text_media_type(text: str, uri: str) -> str:
    """The media type of decoded text."""
    head = text[:_SNIFF_CHARACTERS]
    suffix = suffix_of(uri)
    if suffix in _TEXT_SUFFIXES:
        return _TEXT_SUFFIXES[suffix]
    if language := language_of(uri, text):
        return language.media_type
    if suffix not in _OPEN_SUFFIXES:
        return HTML if _XHTML.match(head) else PLAIN
    if _HTML_START.match(head):
        return HTML
    signs = {
        MARKDOWN: len(_MARKDOWN_SIGN.findall(head)),
        RESTRUCTURED_TEXT: len(_RESTRUCTURED_SIGN.findall(head)),
    }
    likeliest = max(signs, key=lambda media_type: signs[media_type])
    return likeliest if signs[likeliest] >= 2 else PLAIN
