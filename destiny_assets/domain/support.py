"""Whether the passages found can hold the answer to a question: what of it they say, and how near in meaning. No store and no model here."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from destiny_assets.domain.sparse import words_of_query


@dataclass(frozen=True, slots=True)
class Sought:
    """The words of a question that say something, lower case and rarest first, with the terms each is looked up by.

    `size` is how many passages of the project were counted; `rarity` is what each term is worth, its inverse document frequency there,
    above 0.
    """

    size: int
    words: Mapping[str, tuple[int, ...]]
    rarity: Mapping[int, float]

    def share(self, terms: Collection[int]) -> float:
        """The share of the question, by rarity, that something with these terms says; in [0, 1]."""
        total = math.fsum(self.rarity.values())
        return math.fsum(worth for term, worth in self.rarity.items() if term in terms) / total if total else 0.0

    def missing(self, said: Sequence[Collection[int]]) -> list[str]:
        """The words that none of some texts has, given the terms of each."""
        return [word for word, terms in self.words.items() if not any(term in one for one in said for term in terms)]


def sought(question: str, size: int, having: Mapping[int, int]) -> Sought:
    """What a question looks for in a project of `size` indexed passages, of which `having` says how many have each term."""
    words = words_of_query(question)
    terms = {term for some in words.values() for term in some}
    rarity = {
        term: math.log(1 + (size - known + 0.5) / (known + 0.5))
        for term in terms
        for known in [min(having.get(term, 0), size)]
    }
    rarest = sorted(words.items(), key=lambda item: -max(rarity[term] for term in item[1]))
    return Sought(size, dict(rarest), rarity)


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for an answer. Shares lie in [0, 1] and are weighed by rarity.

    `passage` is the share of the question that the best passage says, its title and headings included, `sentence` that of the best
    sentence. `cosine` in [-1, 1] is that of the nearest sentence with the question; None where it was not compared, or by another model
    than the weights were fitted to.
    """

    passage: float
    sentence: float
    cosine: float | None

    @property
    def features(self) -> tuple[float, ...]:
        """The numbers in the order of the weights, the cosine last where there is one."""
        words = (self.passage, self.sentence)
        return words if self.cosine is None else (*words, self.cosine)


def signs(
    looked_for: Sought,
    passages: Sequence[Collection[int]],
    sentences: Sequence[Collection[int]],
    cosines: Sequence[float] | None,
) -> Signs:
    """The signs of passages and their sentences, given the terms of each, and the sentences' cosines with the question."""
    return Signs(
        passage=max(map(looked_for.share, passages), default=0.0),
        sentence=max(map(looked_for.share, sentences), default=0.0),
        cosine=max(cosines, default=0.0) if cosines is not None else None,
    )


@dataclass(frozen=True, slots=True)
class SupportModel:
    """A logistic regression over `Signs`; below `threshold` passages do not answer."""

    constant: float
    weights: tuple[float, ...]
    threshold: float

    def support(self, found: Signs) -> float:
        """The probability, in (0, 1), that the passages hold the answer, where half of all questions have one."""
        score = self.constant + math.fsum(w * x for w, x in zip(self.weights, found.features, strict=False))
        return 1 / (1 + math.exp(-min(max(score, -30.0), 30.0)))


# Fitted by benchmarks/refusals.py (docs/benchmarks.md tells on what, and what it gives on other sets). A threshold refuses 5 % of the
# questions fitted on though the answer is there.
WITH_COSINE = SupportModel(-6.786, (3.844, 2.375, 6.414), 0.209)
WORDS_ONLY = SupportModel(-3.952, (5.197, 3.049), 0.168)


MEASURED_MODEL = "all-MiniLM-L6-v2@"
"""How the ids of the models begin whose cosines `WITH_COSINE` knows: another model's cosines mean something else."""


@dataclass(frozen=True, slots=True)
class Support:
    """How likely passages hold the answer, in (0, 1), and whether that is too little to answer from them."""

    probability: float
    refuses: bool


def judged(found: Signs) -> Support:
    """What the signs say, by the model for signs with or without a cosine."""
    model = WORDS_ONLY if found.cosine is None else WITH_COSINE
    probability = model.support(found)
    return Support(probability, probability < model.threshold)
