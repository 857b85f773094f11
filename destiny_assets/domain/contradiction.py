"""Whether passages support a sentence, contradict it or say too little, told by words, negation, direction and numbers; no model.

Which passages speak of the sentence is for whoever asks. Nothing here weighs sources.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import numpy as np

from destiny_assets.domain.linking.names import STOP_WORDS
from destiny_assets.domain.logistic import Floats, Regression, fit
from destiny_assets.domain.stemming import stem

MODEL = "words-1"
"""Name and version of the signals and the decision together."""

_WORD = re.compile(r"[^\W_]+(?:[-.,][^\W_]+)*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NEGATING = (
    "no not don doesn didn isn aren wasn weren won never neither nor without cannot lack lacks lacking absence absent fail fails"
    " failed failure unable independent unaffected none unlikely"
)
_NEGATIONS = frozenset(_NEGATING.split())
_MORE = (
    "increase higher high more greater elevate enhance promote activate induce upregulate stimulate improve gain accelerate raise"
    " stronger strong longer larger positive positively benefit superior overexpression rise amplify support allow enable open start"
)
_LESS = (
    "decrease lower low less fewer reduce reduction diminish inhibit inhibition suppress block impair attenuate downregulate prevent"
    " worsen loss slow slower weaker weak shorter smaller negative negatively decline inferior harm limit deficiency abolish deny"
    " disable close stop reject"
)
_DIRECTION = {stem(word): 1 for word in _MORE.split()} | {stem(word): -1 for word in _LESS.split()}
# A penalty this strong was the best of three decades in cross-validation on 800 labelled sentences.
_STRENGTH = 30.0
_ENOUGH_SHARED = 0.5
_READ = 3


class Verdict(Enum):
    """What passages say of a sentence."""

    SUPPORT = "support"
    CONTRADICT = "contradict"
    NOT_ENOUGH = "not_enough"


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that may speak of the sentence in question, cut into sentences."""

    title: str
    sentences: Sequence[str]


class Weights:
    """How much a word tells, from how many of the passages at hand hold it."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._count: Counter[str] = Counter()
        self._passages = 0
        for passage in passages:
            self._passages += 1
            self._count.update(frozenset().union(*map(_stems, passage.sentences)))

    def of(self, words: Iterable[str]) -> float:
        """The sum of the words' inverse document frequencies, each above 0."""
        return sum(math.log((1 + self._passages) / (1 + self._count[word])) + 0.1 for word in words)


NAMES = (
    *(
        "shared",
        "shared_of_three",
        "shared_of_sentence",
        "shared_of_all",
        "shared_of_titles",
        "missing",
        "rarest_missing",
    ),
    *(
        "place",
        "sentences",
        "words",
        "negated",
        "number",
        "number_found",
        "number_missing",
        "direction",
        "directed",
        "same_word",
    ),
    *(f"{what}_{rank}" for rank in (1, 2) for what in ("negated", "negation_differs", "opposite", "agrees")),
)
"""What `signals` measures, in its order."""


def signals(sentence: str, passages: Sequence[Passage], weights: Weights) -> Floats:
    """What the passages' sentences have in common with a sentence, and where the closest of them turn it round; shape (len(NAMES),)."""
    said = _stems(sentence)
    total = weights.of(said) or 1.0
    read = [
        (weights.of(said & _stems(other)), -place / len(passage.sentences), other)
        for passage in passages
        for place, other in enumerate(passage.sentences)
    ]
    if not read:
        return np.zeros(len(NAMES))
    closest = sorted(read, key=lambda found: -found[0])[:_READ]
    best = closest[0][2]
    everything = frozenset().union(*(_stems(other) for _, _, other in read))
    titles = frozenset().union(*(_stems(passage.title) for passage in passages))
    own, near, anywhere = (
        _numbers(texts) for texts in ([sentence], [one[2] for one in closest], [one[2] for one in read])
    )
    direction, negated = _direction(sentence), _is_negated(sentence)
    found = [
        closest[0][0] / total,
        sum(one[0] for one in closest) / len(closest) / total,
        closest[0][0] / max(weights.of(_stems(best)), 1e-9),
        weights.of(said & everything) / total,
        weights.of(said & titles) / total,
        weights.of(said - everything),
        max((weights.of([word]) for word in said - everything), default=0.0),
        -closest[0][1],
        len(read) / 10,
        len(said) / 10,
        negated,
        bool(own),
        bool(own & near),
        bool(own) and not own & anywhere,
        direction,
        bool(said & _DIRECTION.keys()),
        bool(said & _stems(best) & _DIRECTION.keys()),
    ]
    for rank in range(2):
        other = closest[min(rank, len(closest) - 1)][2]
        turned = direction * _direction(other)
        found += [_is_negated(other), negated != _is_negated(other), turned < 0, turned > 0]
    return np.array(found, np.float64)


@dataclass(frozen=True, slots=True)
class Judge:
    """Two regressions over `signals`: whether there is enough, and if so whether it contradicts."""

    enough: Regression
    contradicts: Regression

    def judge(self, measured: Floats) -> list[Verdict]:
        """The most probable verdict of each row of signals, shape (n, len(NAMES))."""
        enough, contradicts = self.enough.probability(measured), self.contradicts.probability(measured)
        chances = np.stack([enough * (1 - contradicts), enough * contradicts, 1 - enough], axis=1)
        return [_ORDER[place] for place in chances.argmax(axis=1).tolist()]


_ORDER = (Verdict.SUPPORT, Verdict.CONTRADICT, Verdict.NOT_ENOUGH)


def learn(measured: Floats, verdicts: Sequence[Verdict]) -> Judge:
    """Fit on labelled sentences; raises `ValueError` unless each verdict occurs."""
    if set(verdicts) != set(Verdict):
        raise ValueError("a judge can be learned only from sentences of which each verdict is given once at least")
    enough = np.array([verdict is not Verdict.NOT_ENOUGH for verdict in verdicts])
    against = np.array([float(verdict is Verdict.CONTRADICT) for verdict in verdicts])
    return Judge(fit(measured, enough.astype(float), _STRENGTH), fit(measured[enough], against[enough], _STRENGTH))


def by_rules(measured: Floats) -> list[Verdict]:
    """Verdicts without labels: enough where half of what a sentence says stands in one other; against where that one turns it round."""
    shared, differs, opposite = (
        measured[:, NAMES.index(name)] for name in ("shared", "negation_differs_1", "opposite_1")
    )
    turned = (differs > 0) != (opposite > 0)
    return [
        Verdict.NOT_ENOUGH if here < _ENOUGH_SHARED else Verdict.CONTRADICT if against else Verdict.SUPPORT
        for here, against in zip(shared.tolist(), turned.tolist(), strict=True)
    ]


@lru_cache(maxsize=50_000)
def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold()))


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return stem(word)


@lru_cache(maxsize=50_000)
def _stems(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in _words(text) if word not in STOP_WORDS)


def _numbers(texts: Iterable[str]) -> set[str]:
    return {number for text in texts for number in _NUMBER.findall(text)}


def _is_negated(text: str) -> bool:
    return any(word in _NEGATIONS for word in _words(text))


def _direction(text: str) -> int:
    total = sum(_DIRECTION.get(_stem(word), 0) for word in _words(text))
    return (total > 0) - (total < 0)
