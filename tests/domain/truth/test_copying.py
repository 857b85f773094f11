"""Copying is told by shared errors, not by agreement: who is right agrees with everybody who is."""

import numpy as np

from destiny_assets.domain.truth.beliefs import believe
from destiny_assets.domain.truth.claims import Claims, arrange
from destiny_assets.domain.truth.copying import copying


def told(*, copies: bool) -> Claims:
    """Six sources right eight times of ten; a seventh takes over three quarters of what the sixth says, where it copies."""
    chance = np.random.default_rng(2)
    rows: list[tuple[str, str, str, str]] = []
    for slot in range(120):
        words = {}
        for source in range(7):
            wrong = 9_000 + int(chance.integers(12))
            words[source] = 1_001 + 37 * slot if chance.random() < 0.8 else wrong
        if copies and chance.random() < 0.75:
            words[6] = words[5]
        rows += [(f"peak {slot}", "height", f"atlas {source}", str(value)) for source, value in words.items()]
    return arrange(*(list(column) for column in zip(*rows, strict=True)))


def test_who_shares_errors_is_proposed_and_nobody_else() -> None:
    claims = told(copies=True)
    (pair,) = copying(claims, believe(claims))
    assert (pair.one, pair.other, pair.slots) == ("atlas 5", "atlas 6", 120)
    assert pair.shared_errors >= 10
    assert 0.99 < pair.probability < 1


def test_independent_sources_are_proposed_to_nobody() -> None:
    claims = told(copies=False)
    assert copying(claims, believe(claims)) == []


def test_leaving_out_the_same_is_no_shared_error() -> None:
    whole, part = "Ada Brook; Ben Cole", "Ada Brook"
    rows = [
        (f"book {book}", "authors", f"shop {shop}", whole if shop < 4 else part)
        for book in range(40)
        for shop in range(6)
    ]
    rows += [(f"own {shop}", "authors", f"shop {shop}", f"Cy Dunn{shop}") for shop in range(6)]
    claims = arrange(*(list(column) for column in zip(*rows, strict=True)))
    beliefs = believe(claims)
    believed = {claims.value_text[value] for value in beliefs.best[:40].tolist()}
    assert believed == {whole}
    assert copying(claims, beliefs) == []
