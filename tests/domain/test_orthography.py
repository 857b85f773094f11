# ruff: noqa: RUF001 - letters that look like others are the subject here
import pytest

from destiny_assets.domain.orthography import plausibility

TEXTS = {
    "German": "Größe, Übertragung, Änderung, schön",
    "Russian": "Решение принято командой в марте",
    "Greek": "Η απόφαση ελήφθη από την ομάδα",
    "Turkish": "Karar ekip tarafından şubatta alındı, değişikliğe uğradı",
    "Polish": "Decyzję podjął zespół, później ją zmieniła część osób",
}


@pytest.mark.parametrize("language", TEXTS)
def test_what_people_write_is_plausible(language: str) -> None:
    assert plausibility(TEXTS[language]) > 0.5


@pytest.mark.parametrize(
    ("language", "right", "wrong"),
    [
        ("German", "cp1252", "cp437"),
        ("German", "cp437", "cp1252"),
        ("German", "cp1252", "cp1251"),
        ("German", "cp1252", "cp1253"),
        ("Russian", "koi8_r", "cp1251"),
        ("Russian", "cp1251", "koi8_r"),
        ("Russian", "cp866", "cp1252"),
        ("Greek", "cp1253", "cp1251"),
        ("Turkish", "cp1254", "cp1250"),
        ("Polish", "iso8859_2", "cp1252"),
        ("German", "utf-8", "cp1252"),
    ],
)
def test_a_wrong_decoding_is_less_plausible(language: str, right: str, wrong: str) -> None:
    garbled = TEXTS[language].encode(right).decode(wrong, "ignore")
    assert plausibility(garbled) < plausibility(TEXTS[language])


def test_plain_ascii_is_plausible_and_control_characters_are_not() -> None:
    assert plausibility("plain words") == 1.0
    assert plausibility("a\x81b\x8dc") < 0
