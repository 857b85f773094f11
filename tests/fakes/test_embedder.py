"""The fake embedder keeps the promises of the port, so that what is tested with it holds for the real ones."""

import pytest

from destiny_assets.ports import Embedder
from tests.conformance import test_embedder as conformance
from tests.fakes.embedder import HashingEmbedder


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return HashingEmbedder()


class TestHashingEmbedder(conformance.TestEmbedder):
    """The suite of the port; only meaning is beyond a fake, so there it is judged by shared words."""

    def test_similar_sentences_are_closer_than_unlike_ones(self, embedder: Embedder) -> None:
        one, same, other = embedder.embed(
            ["The queue drops old jobs.", "Old jobs leave the queue.", "Paris lies on a river."]
        )
        assert one @ same > one @ other + 0.3


def test_models_of_different_names_give_different_vectors() -> None:
    one, two = HashingEmbedder("one"), HashingEmbedder("two")
    assert one.model_id != two.model_id
    assert abs(float(one.embed(["some words"])[0] @ two.embed(["some words"])[0])) < 0.9
