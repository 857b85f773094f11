"""Packing passages into a budget of tokens: what is worth most first, each with its source and trust, the last one cut to fit."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from destiny_assets.domain.retrieval import recipe_named, relevance
from destiny_assets.ports import TokenCounter
from destiny_assets.serving.results import ContextItem, ContextPack, Hit, SearchResult

MOST_TOKENS = 1_000_000
# A stump of fewer tokens than this says nothing; the budget's rest is then left.
_SHORTEST_CUT = 8


def pack(found: SearchResult, question: str, budget: int, tokens: TokenCounter) -> ContextPack:
    """The pack of at most `budget` tokens: items by ``P(relevant) * P(true)``, equal texts once."""
    recipe = recipe_named(found.recipe)
    valued = sorted(
        ((relevance(hit.score, recipe) * hit.trust, place, hit) for place, hit in enumerate(_distinct(found.hits))),
        key=lambda item: (-item[0], item[1]),
    )
    headers = [_header(number, hit) for number, (_, _, hit) in enumerate(valued, start=1)]
    counts = [len(starts) for starts in tokens.token_starts(headers)]
    starts = tokens.token_starts([hit.text for _, _, hit in valued])
    items: list[ContextItem] = []
    parts: list[str] = []
    used = 0
    for (value, _, hit), header, header_tokens, at in zip(valued, headers, counts, starts, strict=True):
        room = budget - used - header_tokens
        text = hit.text if len(at) <= room else _cut(hit.text, at, room)
        if not text:
            break
        spent = header_tokens + min(len(at), int(np.searchsorted(at, len(text))))
        items.append(
            ContextItem(
                number=len(items) + 1,
                chunk_id=hit.chunk_id,
                document=hit.document,
                uri=hit.uri,
                heading=hit.heading,
                span=(hit.span[0], hit.span[0] + len(text)),
                text=text,
                tokens=spent,
                trust=hit.trust,
                value=round(value, 6),
                at_risk=hit.at_risk,
                document_id=hit.document_id,
            )
        )
        parts.append(f"{header}\n{text}\n")
        used += spent
        if len(text) < len(hit.text):
            break
    return ContextPack(
        project=found.project,
        generation=found.generation,
        question=question,
        recipe=found.recipe,
        budget=budget,
        tokens=used,
        text="\n".join(parts),
        items=items,
        left_out=len(valued) - len(items),
        held=found.held,
        degraded=found.degraded,
    )


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    seen: dict[str, Hit] = {}
    for hit in hits:
        seen.setdefault(" ".join(hit.text.split()), hit)
    return list(seen.values())


def _header(number: int, hit: Hit) -> str:
    path = " > ".join(dict.fromkeys((hit.document, *hit.heading)))
    superseded = f", superseded by {', '.join(hit.superseded_by)}" if hit.superseded_by else ""
    at_risk = f", a decision at risk: {'; '.join(hit.at_risk)}" if hit.at_risk else ""
    return f"[{number}] {path} ({hit.uri}, trust {hit.trust:.2f}{superseded}{at_risk})"


def _cut(text: str, starts: npt.NDArray[np.int64], room: int) -> str:
    """The first `room` tokens of a text, ending where a word does; empty when that is next to nothing."""
    if room < _SHORTEST_CUT:
        return ""
    piece = text[: int(starts[room])]
    at = int(starts[room])
    # The cut falls between tokens; inside a word it moves back to the word's beginning, whose tokens would count otherwise.
    if piece and not piece[-1].isspace() and not text[at].isspace():
        piece = piece.rsplit(maxsplit=1)[0] if len(piece.split()) > 1 else ""
    return piece.rstrip()
