"""Who reads claims out of documents: patterns, which cost nothing, and beside them a language model where one is configured.

What a pattern or an answer states is decided in `domain.claims`; here passages are asked about once, within a budget.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from more_itertools import unique_everseen

from destiny_assets.domain.chunks import text_sha256
from destiny_assets.domain.claims.extraction import RULES, is_prose, statements, told_statements
from destiny_assets.domain.claims.told import MODEL_RULE, VERSION, Dropped, Passage, Told
from destiny_assets.domain.token_budget import TokenBudget
from destiny_assets.errors import ModelError, RefusedTextError
from destiny_assets.ports import ClaimModel, Extraction, ReadableDocument

# Calls at a time: an endpoint answers several as fast as one, and what a killed run loses is a wave.
_WAVE = 4
# A model that fails this many passages in a row is away: the others wait for the next run.
_FAILURES = 3
_HARMLESS = "The letter was delivered on Monday."


class KeptAnswers(Protocol):
    """Answers of earlier runs."""

    def known(self, digests: Sequence[bytes]) -> Mapping[bytes, Sequence[Told]]:
        """The answers there are to these passages."""
        ...

    def keep(self, answers: Mapping[bytes, Sequence[Told]]) -> None:
        """Keep answers."""
        ...


class PatternExtractor:
    """The default: header fields, tables, lines of name and value, the plainest sentences. It reads no passage, but the whole."""

    name = RULES

    def extract(self, documents: Sequence[ReadableDocument]) -> list[Extraction]:
        """What each document states; what its text provokes in the rules is raised."""
        return [Extraction(statements(one.source, one.uri, one.parsed)) for one in documents]


@dataclass(slots=True)
class ModelReadings:
    """What a run asked of a model: `passages` it had to know of, `kept` of them answered by earlier runs; claims found and dropped."""

    passages: int = 0
    kept: int = 0
    calls: int = 0
    tokens: int = 0
    found: int = 0
    dropped: Counter[Dropped] = field(default_factory=Counter)
    refused: int = 0
    unread: int = 0
    why_unread: str = ""


class ModelExtractor:
    """A language model that is shown passage by passage; an answer is kept, so that a passage that stays costs one call for ever.

    For one run: `readings` counts what it did. Once the budget is spent or the model is away, it asks no more.
    """

    def __init__(self, model: ClaimModel, answers: KeptAnswers, most_tokens: int | None = None) -> None:
        self._model = model
        self._answers = answers
        self._budget = TokenBudget(most_tokens, beside=model.most_tokens)
        self._failed = 0
        self._stopped = False
        self._sound = False
        self.readings = ModelReadings()

    @property
    def name(self) -> str:
        """The rule that its claims say they were found by: model and version of its instructions."""
        return f"{MODEL_RULE}{self._model.model_id}"

    @property
    def code(self) -> str:
        """What a document was read by: the model, and the rules that its answers are held to."""
        return f"{self.name} {VERSION}"

    def extract(self, documents: Sequence[ReadableDocument]) -> list[Extraction]:
        """What each document states in its passages, each claim at the words that say so."""
        wanted = [passage for one in documents if is_prose(one.parsed) for passage in one.passages]
        passages = list(unique_everseen(wanted, key=lambda passage: passage.digest))
        told = dict(self._answers.known([passage.digest for passage in passages]))
        self.readings.passages += len(passages)
        self.readings.kept += len(told)
        refused: dict[bytes, str] = {}
        waiting = [passage for passage in passages if passage.digest not in told]
        while waiting and not self._stopped:
            wave = waiting[:_WAVE]
            wave = wave[: self._budget.admitted([_text(passage) for passage in wave])]
            if not wave:
                self._stopped = True
                self.readings.why_unread = (
                    f"a run may take {self._budget.limit:,} tokens (DESTINY_CLAIM_MODEL_BUDGET); the next one goes on"
                )
                break
            # One that fails is not asked again in this run: the client has tried three times.
            waiting = waiting[len(wave) :]
            answered = self._ask(wave, refused)
            self._answers.keep(answered)
            told |= answered
        self.readings.refused += len(refused)
        self.readings.unread += sum(
            passage.digest not in told and passage.digest not in refused for passage in passages
        )
        return [self._extraction(one, told, refused) for one in documents]

    def _extraction(
        self, document: ReadableDocument, told: Mapping[bytes, Sequence[Told]], refused: Mapping[bytes, str]
    ) -> Extraction:
        if not is_prose(document.parsed):
            return Extraction([])
        read = [(passage, told[passage.digest]) for passage in document.passages if passage.digest in told]
        found, dropped = told_statements(document.source, document.uri, document.parsed, read, self.name)
        self.readings.found += len(found)
        self.readings.dropped += dropped
        why = [refused[passage.digest] for passage in document.passages if passage.digest in refused]
        return Extraction(found, why, len(document.passages) - len(read) - len(why))

    def _ask(self, wave: Sequence[Passage], refused: dict[bytes, str]) -> dict[bytes, Sequence[Told]]:
        """The answers that come; passages that are refused go to `refused`, others that failed are still waiting."""
        answered: dict[bytes, Sequence[Told]] = {}
        with ThreadPoolExecutor(len(wave)) as callers:
            calls = [callers.submit(self._model.told, passage) for passage in wave]
        for passage, call in zip(wave, calls, strict=True):
            self.readings.calls += 1
            try:
                answered[passage.digest], tokens = call.result()
            except RefusedTextError as error:
                self._budget.note([_text(passage)], 0)
                if self._is_sound():
                    refused[passage.digest] = str(error)
                continue
            except ModelError as error:
                self._failed += 1
                self._stopped = self._stopped or self._failed >= _FAILURES
                self.readings.why_unread = str(error)
                continue
            self._failed, self._sound = 0, True
            self._budget.note([_text(passage)], tokens)
            self.readings.tokens += tokens
        return answered

    def _is_sound(self) -> bool:
        """Whether the model reads anything at all: one that refuses a plain sentence too is at fault itself, and no passage is."""
        if not self._sound and not self._stopped:
            harmless = Passage(bytes.fromhex(text_sha256(_HARMLESS)), "", _HARMLESS, 0)
            self.readings.calls += 1
            try:
                _, tokens = self._model.told(harmless)
                self._sound = True
                self.readings.tokens += tokens
            except ModelError as error:
                self._stopped = True
                self.readings.why_unread = f"it fails on a plain sentence too: {error}"
        return self._sound


def _text(passage: Passage) -> str:
    return f"{passage.context}{passage.text}"
