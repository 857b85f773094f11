"""Models whose cosines lie elsewhere: the same order of the same texts ranks the same."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from destiny_assets.ports import EmbeddingUsage, TextKind, Vectors
from tests.fakes.embedder import HashingEmbedder
from tests.stages.growing import Growth, Layers, growing

_LIFT = 0.6
QUESTIONS = (
    "How do letters wait for a courier?",
    "price of a stamp abroad",
    "Where is a broken bicycle repaired?",
    "wet letters",
)


class LiftedEmbedder:
    """The vectors of another embedder and one number that all texts share, so that unlike texts have a cosine of 0.6."""

    pinned = True

    def __init__(self) -> None:
        self._plain = HashingEmbedder()
        self.model_id, self.dimension = f"{self._plain.model_id}, lifted", self._plain.dimension + 1

    @property
    def usage(self) -> EmbeddingUsage:
        return self._plain.usage

    def embed(self, texts: Sequence[str], kind: TextKind = "document") -> Vectors:
        plain = self._plain.embed(texts, kind) * math.sqrt(1 - _LIFT)
        return np.hstack([plain, np.full((len(texts), 1), math.sqrt(_LIFT), np.float32)]).astype(np.float32)


@pytest.fixture(scope="module")
def growth(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    with growing(layers, tmp_path_factory.mktemp("documents")) as growth:
        yield growth


def test_a_model_that_finds_all_texts_alike_ranks_as_one_that_does_not(growth: Growth) -> None:
    def found() -> list[list[tuple[str, float]]]:
        asked = [growth.service().search(growth.project, question, recipe="hybrid") for question in QUESTIONS]
        return [[(hit.chunk_id, hit.score) for hit in answer.hits] for answer in asked]

    assert growth.run().unrelated_cosine < 0.2
    before = found()
    growth.embedder = LiftedEmbedder()
    assert growth.run().unrelated_cosine == pytest.approx(_LIFT, abs=0.1)
    for plain, lifted in zip(before, found(), strict=True):
        assert [chunk for chunk, _ in lifted] == [chunk for chunk, _ in plain]
        assert [score for _, score in lifted] == pytest.approx([score for _, score in plain], abs=1e-3)


def test_what_is_known_of_a_model_is_not_asked_again(growth: Growth) -> None:
    known = growth.run()
    asked = growth.embedder.usage.calls
    again = growth.run()
    assert (again.unrelated_cosine, growth.embedder.usage.calls) == (known.unrelated_cosine, asked)
