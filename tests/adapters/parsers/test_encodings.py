import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from destiny_assets.adapters.parsers.encodings import decode
from destiny_assets.errors import UnreadableDocumentError

RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. Решение принято командой в марте."
GERMAN = "Die Größe der Übertragung hängt von der Änderung ab. Müßige Wörter stören die Lösung schön."
POLISH = "Zażółć gęślą jaźń. Decyzja została podjęta przez zespół, który później ją zmienił."
JAPANESE = "この決定は三月にチームで採択されました。東京都の佐藤さんが書いた文書です。"
KOREAN = "이 결정은 삼월에 팀에서 채택되었습니다. 서울에 사는 사람들이 많습니다."
CHINESE = "这个决定是三月由团队通过的。我们使用数据库保存所有文件。搜索使用向量。"


def test_29_encodings_of_12_languages_are_decoded_to_the_very_text(shared_data: Path) -> None:
    folder = shared_data / "messy-encodings"
    wrong = []
    files = sorted((folder / "files").iterdir())
    for path in files:
        expected = (folder / "expected" / path.name).read_bytes().decode("utf-8").lstrip("\ufeff")
        if decode(path.read_bytes()).text != expected.replace("\r\n", "\n"):
            wrong.append(path.name)
    assert len(files) == 29
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((RUSSIAN, encoding) for encoding in ("cp1251", "koi8_r", "iso8859_5", "cp866", "mac_cyrillic", "utf-16-le")),
        *((GERMAN, encoding) for encoding in ("cp1252", "cp437", "mac_roman", "utf-16-be", "cp500")),
        *((POLISH, encoding) for encoding in ("cp1250", "iso8859_2", "cp852")),
        *((JAPANESE, encoding) for encoding in ("cp932", "euc_jp", "iso2022_jp", "utf-16-le")),
        *((KOREAN, encoding) for encoding in ("cp949", "utf-16-be")),
        *((CHINESE, encoding) for encoding in ("gb18030", "hz", "utf-16-le")),
    ],
)
def test_undeclared_encodings_are_recognised_by_their_letters(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)).text == text


def test_a_declared_encoding_is_believed_where_letters_leave_a_choice() -> None:
    data = '<meta charset="iso-8859-5"><p>Ќ'.encode("iso-8859-5")
    assert decode(data).text.endswith("Ќ")
    assert decode("# -*- coding: cp1257 -*-\nž".encode("cp1257")).text.endswith("ž")


def test_declaring_latin_1_means_windows_1252() -> None:
    assert decode(b'<meta charset="latin-1">\x93quoted\x94').text.endswith("“quoted”")


def test_a_false_declaration_does_not_spoil_utf_8() -> None:
    assert decode('<meta charset="latin-1">Größe'.encode()).text.endswith("Größe")


def test_a_declaration_of_no_text_codec_is_ignored() -> None:
    assert decode(b"coding: rot13\nGr\xf6\xdfe und \xdcbung").text.endswith("Größe und Übung")


def test_lines_of_two_encodings_are_both_right() -> None:
    decoded = decode("Zürich, naïve\n".encode() * 5 + "Genève\n".encode("cp1252"))
    assert decoded.text == "Zürich, naïve\n" * 5 + "Genève\n"
    assert decoded.encoding == "utf-8+cp1252"


def test_line_ends_marks_and_nul_bytes_are_made_harmless() -> None:
    assert decode(b"\xef\xbb\xbfa\r\nb\rc\x00d\xef\xbb\xbf").text == "a\nb\nc d"


def test_random_bytes_are_no_text() -> None:
    generator = random.Random(7)
    for length in (64, 500, 5000):
        for _ in range(20):
            with pytest.raises(UnreadableDocumentError) as caught:
                decode(generator.randbytes(length))
            assert caught.value.reason == "broken"


@given(st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufeff")))
@settings(max_examples=200, deadline=None)
def test_utf_8_comes_back_as_it_was(text: str) -> None:
    assert decode(f"Grüße: {text}".encode()).text == f"Grüße: {text}"


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_bytes_gain_a_replacement_character_or_keep_a_nul(data: bytes) -> None:
    try:
        decoded = decode(data)
    except UnreadableDocumentError:
        return
    assert "\x00" not in decoded.text
    assert "\ufffd" not in decoded.text or "\ufffd".encode("utf-8") in data or decoded.encoding != "utf-8"
