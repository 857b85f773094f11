"""Extractive answers: the sentences of retrieved passages that answer best, each with the exact span it stands at."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_SENTENCE_END = re.compile(r"(?<=[.!?:])[\"')\]]*\s+(?=[A-Z0-9\"'(`*])|\n\s*\n")
# A run of one punctuation mark underlines a heading; nothing of a heading answers.
_UNDERLINE = re.compile(r"([=~^*+#\"'`.:_-])\1{3,}")
_CITED = re.compile(r"\[(\d{1,3})\]")
_FEWEST_CHARACTERS, _MOST_CHARACTERS = 25, 600


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of passage number `passage`; ``start`` and ``end`` count within that passage's text."""

    passage: int
    start: int
    end: int
    text: str


def sentences(passage: int, text: str) -> list[Sentence]:
    """The sentences of a passage worth quoting, without the white space around them."""
    found, start = [], 0
    for end, resume in [
        *((match.start(), match.end()) for match in _SENTENCE_END.finditer(text)),
        (len(text), len(text)),
    ]:
        piece = text[start:end]
        begin = start + len(piece) - len(piece.lstrip())
        piece = piece.strip()
        if _FEWEST_CHARACTERS <= len(piece) <= _MOST_CHARACTERS and " " in piece and not _UNDERLINE.search(piece):
            found.append(Sentence(passage, begin, begin + len(piece), piece))
        start = resume
    return found


def best_sentences(
    candidates: Sequence[Sentence],
    vectors: npt.NDArray[np.float32],
    query: npt.NDArray[np.float32],
    passage_scores: Sequence[float],
    *,
    count: int = 3,
) -> list[int]:
    """Indices of the sentences to quote, best first.

    A sentence scores the mean of its own cosine with the query and its passage's retrieval score, less its similarity to what is
    already chosen (maximal marginal relevance, Carbonell and Goldstein 1998, with lambda 0.7).
    """
    if not candidates:
        return []
    relevance = 0.5 * (vectors @ query) + 0.5 * np.array([passage_scores[sentence.passage] for sentence in candidates])
    chosen: list[int] = []
    while len(chosen) < min(count, len(candidates)):
        repeats = np.max(vectors @ vectors[chosen].T, axis=1) if chosen else np.zeros(len(candidates))
        gain = 0.7 * relevance - 0.3 * repeats
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
    return chosen


def cited_numbers(answer: str, available: int) -> list[int]:
    """The evidence numbers an answer cites that exist, in order of first use."""
    return list(dict.fromkeys(number for number in map(int, _CITED.findall(answer)) if 1 <= number <= available))
