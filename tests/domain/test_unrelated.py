import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.retrieval import fuse
from destiny_assets.domain.unrelated import PASSAGES, above_unrelated, unrelated_cosine
from tests.fakes.embedder import HashingEmbedder


def test_only_other_questions_passages_count() -> None:
    questions = np.eye(12, dtype=np.float32)
    assert unrelated_cosine(questions, questions) == 0.0
    tilted = (questions + 0.2) / np.linalg.norm(questions + 0.2, axis=1, keepdims=True)
    assert unrelated_cosine(tilted, tilted) == pytest.approx(float(tilted[0] @ tilted[1]))


def test_a_model_to_which_all_is_one_leaves_room_above() -> None:
    same = np.full((12, 4), 0.5, np.float32)
    assert unrelated_cosine(same, same) == pytest.approx(0.9)


def test_passages_that_share_no_word_with_a_question_have_little_in_common_by_words() -> None:
    embedder = HashingEmbedder()
    assert unrelated_cosine(embedder.embed(list(PASSAGES)), embedder.embed(list(PASSAGES.values()))) < 0.2


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.floats(-0.2, 1.0), min_size=1, max_size=9),
    st.floats(0.0, 0.9),
)
def test_lifting_every_cosine_of_a_model_changes_no_ranking(cosines: dict[str, float], lift: float) -> None:
    words = dict.fromkeys(sorted(cosines)[:3], 4.0)
    lifted = {name: lift + (1 - lift) * cosine for name, cosine in cosines.items()}
    plain = fuse({name: above_unrelated(one, 0.05) for name, one in cosines.items()}, words, 0.65, 100)
    above = lift + (1 - lift) * 0.05
    scores = dict(fuse({name: above_unrelated(one, above) for name, one in lifted.items()}, words, 0.65, 100))
    assert [scores[name] for name, _ in plain] == pytest.approx([score for _, score in plain], abs=1e-6)
