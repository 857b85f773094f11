"""Bytes to text: marks and declarations first, then the decoding that reads like a language.

Only decoding that is exact counts: nothing is ever replaced by U+FFFD. Which decoding of undeclared bytes reads best is
judged by `destiny_assets.domain.orthography`; charset-normalizer is asked last. What a format does with its text is not
here.
"""

import codecs
import re
import unicodedata
from dataclasses import dataclass

from destiny_assets.domain.orthography import plausibility
from destiny_assets.errors import UnreadableDocumentError

SAMPLE_BYTES = 200_000
"""Undeclared bytes are judged by their beginning; the winner must still decode the whole."""

# UTF-32 before UTF-16: its little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Where two decode the same text the earlier is named, so the commoner stands first.
_SINGLE_BYTE = (
    *("cp1252", "iso8859_15", "cp1254", "cp1250", "cp1251", "cp1253", "cp1255", "cp1256", "cp1257", "cp874"),
    *("iso8859_2", "iso8859_5", "iso8859_6", "iso8859_7", "iso8859_8", "iso8859_9", "iso8859_13", "iso8859_16"),
    *("koi8_r", "koi8_u", "cp866", "cp850", "cp437", "cp852", "cp737", "cp862"),
    *("mac_roman", "mac_cyrillic", "mac_greek", "mac_latin2", "mac_turkish", "cp1258"),
)
_EBCDIC = ("cp037", "cp500")
# The standards put common characters on a first level: the lead bytes of that level (ideographs, kana, hangul, marks).
# Korean first: all of its level lies within the Chinese one, and Chinese text does not keep to a half of that.
_FIRST_LEVEL = {
    "cp949": ((0xA1, 0xA3), (0xB0, 0xC8)),
    "gb18030": ((0xA1, 0xA3), (0xB0, 0xD7)),
    "cp932": ((0x81, 0x83), (0x88, 0x97)),
    "euc_jp": ((0xA1, 0xA5), (0xB0, 0xCF)),
    "big5": ((0xA1, 0xA3), (0xA4, 0xC6)),
}
_GOOD = 0.5
_MESS = 0.1
_DECLARED = (
    re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE),
    re.compile(rb"\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE),
    re.compile(rb"\A(?:[^\n]*\n)?[^\n]{0,120}?coding[:=][ \t]*([-\w.]+)"),
)
_DECLARATION_BYTES = 4096
# A document that declares Latin-1 means Windows-1252, as every browser reads it.
_MEANT = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")
_UTF8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_UTF8_RUN = re.compile(rb"(?:[\x00-\x7f]|" + _UTF8_SEQUENCE.pattern + rb")+")
_NON_ASCII = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class DecodedText:
    """Text as it was meant: line ends are ``\\n``, byte order marks are gone, NUL characters are spaces."""

    text: str
    encoding: str


def decode(data: bytes, told: str | None = None) -> DecodedText:
    """The text of `data`, in the encoding `told` by its sender where that fits.

    Raises `UnreadableDocumentError` ("broken") when no decoding reads like text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = _decoded(data, encoding)
            if text is not None and not _is_noise(text):
                return _clean(text, encoding)
    if told is not None and (sent := _named(data, told)) is not None:
        return sent
    found = (
        _wide(data) or _utf8(data) or _declared(data) or _mostly_utf8(data) or _undeclared(data) or _last_resort(data)
    )
    if found is None:
        raise UnreadableDocumentError("broken", "The bytes are no text in any known encoding.")
    return found


def _clean(text: str, encoding: str) -> DecodedText:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return DecodedText(text.replace("\ufeff", "").replace("\x00", " "), encoding)


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return None


def _decoded_beginning(data: bytes, encoding: str) -> str | None:
    """Like `_decoded`, but the last character may be cut."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeError:
        return None


def _is_noise(text: str) -> bool:
    """Whether control characters (NUL is forgiven here) are more than two, and more than one character in twenty."""
    sample = text[:SAMPLE_BYTES].replace("\x00", "")
    return len(_CONTROL.findall(sample)) * 20 > len(sample) + 40


def _wide(data: bytes) -> DecodedText | None:
    """UTF-16 and UTF-32 without a mark: only there do NUL bytes make words and white space."""
    sample = data[: SAMPLE_BYTES // 4 * 4]
    if b"\x00" not in sample:
        return None
    for encoding, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        if len(data) % width:
            continue
        text = _decoded(sample, encoding)
        if text is None or _CONTROL.search(text) or any(unicodedata.category(c) in ("Cn", "Co") for c in text):
            continue
        if sum(c.isspace() or c in "\u3001\u3002\uff0c" for c in text) * 100 > len(text):
            whole = _decoded(data, encoding)
            return None if whole is None else _clean(whole, encoding)
    return None


def _utf8(data: bytes) -> DecodedText | None:
    text = _decoded(data, "utf-8")
    if text is None or _is_noise(text):
        return None
    if data.isascii():
        return _seven_bit(data) or _clean(text, "ascii")
    return _clean(text, "utf-8")


def _seven_bit(data: bytes) -> DecodedText | None:
    """The encodings that switch alphabets inside ASCII, where their switches are there and all of it decodes."""
    if b"~{" in data and b"~}" in data:
        candidates: tuple[str, ...] = ("hz",)
    elif b"\x1b$" in data:
        candidates = ("iso2022_jp", "iso2022_jp_2", "iso2022_kr")
    else:
        return None
    for encoding in candidates:
        text = _decoded(data, encoding)
        if text is not None and any(unicodedata.category(c) == "Lo" for c in text):
            return _clean(text, encoding)
    return None


def _declared(data: bytes) -> DecodedText | None:
    head = data[:_DECLARATION_BYTES]
    for pattern in _DECLARED:
        match = pattern.search(head)
        if match is None:
            continue
        found = _named(data, match[1].decode("ascii", "replace"))
        if found is not None:
            return found
    return None


def _named(data: bytes, name: str) -> DecodedText | None:
    """The text in the encoding of that name, where there is one and all of it decodes."""
    try:
        name = codecs.lookup(name).name
    except (LookupError, UnicodeError, ValueError):
        return None
    for encoding in (_MEANT.get(name, name), name):
        text = _decoded(data, encoding) if _is_text_codec(encoding) else None
        if text is not None and not _is_noise(text):
            return _clean(text, encoding)
    return None


def _is_text_codec(name: str) -> bool:
    """Python's codecs for bytes and for escapes (hex, zlib, unicode_escape…) are no encodings of documents."""
    return codecs.lookup(name).name not in {"unicode_escape", "raw-unicode-escape", "undefined", "punycode", "idna"}


def _mostly_utf8(data: bytes) -> DecodedText | None:
    """UTF-8 with lines pasted in from Windows: more bytes in right sequences than outside them."""
    right = sum(len(sequence) for sequence in _UTF8_SEQUENCE.findall(data[:SAMPLE_BYTES]))
    if right < 4 or right <= len(_NON_ASCII.findall(data[:SAMPLE_BYTES])) - right:
        return None
    pieces: list[str] = []
    offset = 0
    try:
        for run in _UTF8_RUN.finditer(data):
            pieces += (data[offset : run.start()].decode("cp1252"), run[0].decode("utf-8"))
            offset = run.end()
        text = "".join((*pieces, data[offset:].decode("cp1252")))
    except UnicodeError:
        return None
    return None if _is_noise(text) else _clean(text, "utf-8+cp1252")


def _undeclared(data: bytes) -> DecodedText | None:
    sample = data[:SAMPLE_BYTES]
    ranked: list[tuple[float, str]] = []
    for encoding in (*_SINGLE_BYTE, *_EBCDIC):
        text = _decoded_beginning(sample, encoding)
        if text is None or _CONTROL.search(text) or (encoding in _EBCDIC and not _is_prose(text)):
            continue
        ranked.append((plausibility(text), encoding))
    ranked += [(share, encoding) for encoding in _FIRST_LEVEL if (share := _first_level_share(sample, encoding)) > 0]
    ranked.sort(key=lambda scored: -scored[0])
    for score, encoding in ranked:
        whole = _decoded(data, encoding)
        if score >= _GOOD and whole is not None:
            return _clean(whole.replace("\x85", "\n") if encoding in _EBCDIC else whole, encoding)
    return None


def _is_prose(text: str) -> bool:
    """Whether letters and spaces make up four fifths: any byte is something in EBCDIC, but rarely that."""
    return sum(c.isalpha() or c in " \n" for c in text) * 5 >= len(text) * 4


def _first_level_share(data: bytes, encoding: str) -> float:
    """Share of the characters beyond ASCII that a many-byte standard puts on its first level, in [0, 1]."""
    text = _decoded_beginning(data, encoding)
    if text is None or _CONTROL.search(text):
        return 0.0
    beyond = [character for character in text[:20_000] if character > "\x7f"]
    if not beyond:
        return 0.0
    levels = _FIRST_LEVEL[encoding]
    leads = [encoded[0] for character in beyond if len(encoded := character.encode(encoding)) == 2]
    return sum(any(low <= lead <= high for low, high in levels) for lead in leads) / len(beyond)


def _last_resort(data: bytes) -> DecodedText | None:
    """Alphabets that `orthography` has no table for (Armenian, Georgian, Kazakh…)."""
    from charset_normalizer import from_bytes

    for match in from_bytes(data[:SAMPLE_BYTES]):
        text = _decoded(data, match.encoding)
        if text is not None and not _is_noise(text) and match.chaos < _MESS and plausibility(text) > 0:
            return _clean(text, match.encoding)
    return None
