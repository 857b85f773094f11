"""A run may be told how many tokens it embeds at most: it stops there, loses nothing, and the next one goes on."""

import pytest

from destiny_assets.domain.token_budget import TokenBudget, estimated_tokens
from destiny_assets.domain.unrelated import PASSAGES
from destiny_assets.errors import BudgetSpentError, ConfigurationError
from destiny_assets.settings import embedding_budget
from destiny_assets.stages.understand import embed_chunks
from tests.fakes.embedder import HashingEmbedder
from tests.stages.growing import Growth, Silence

_TOKENS = 150


class PinnedEmbedder(HashingEmbedder):
    """One that no run asks again whether it is still the same, so that every text it counts was one to embed."""

    pinned = True


def test_another_model_is_embedded_over_several_runs_and_no_text_twice(growth: Growth) -> None:
    ledger, project = growth.layers.ledger, growth.project
    before = growth.run()
    texts = len(growth.seen(before))
    growth.embedder = model = PinnedEmbedder("two")
    # What every new model is asked, once and outside of the budget.
    (twin := PinnedEmbedder("two")).embed(asked := [*PASSAGES, *PASSAGES.values()])
    tokens_asked = twin.usage.tokens
    stopped: list[tuple[str, int, int]] = []
    for _ in range(texts):
        number = growth.run(until="chunks").number
        try:
            embed_chunks(ledger, model, project, number, Silence(), most_tokens=_TOKENS)
            break
        except BudgetSpentError as error:
            stopped.append((str(error), model.usage.texts - len(asked), model.usage.tokens - tokens_asked))
        # Readers keep what they have.
        assert ledger.generations.current(project) == before
    assert len(stopped) > 1
    assert [done for _, done, _ in stopped] == sorted({done for _, done, _ in stopped if 0 < done < texts})
    assert all(tokens <= run * _TOKENS for run, (_, _, tokens) in enumerate(stopped, start=1))
    assert all(f" {texts - done} texts" in said and f"destiny ingest {project}" in said for said, done, _ in stopped)
    assert model.usage.texts - len(asked) == texts
    after = growth.run()
    assert (after.number, after.model_id) == (number, model.model_id)
    assert model.usage.texts - len(asked) == texts


def test_what_fits_is_counted_from_the_first_text_on() -> None:
    texts = ["a" * 30, "b" * 30, "c" * 3]
    one = estimated_tokens(texts[0])
    assert TokenBudget(None).admitted(texts) == 3
    assert [TokenBudget(limit).admitted(texts) for limit in (one - 1, one, 2 * one, 3 * one)] == [0, 1, 2, 3]
    budget = TokenBudget(2 * one)
    budget.note(texts[:1], 5)
    assert (budget.spent, budget.admitted(texts)) == (5, 1)
    budget.note(texts[:1], 0)
    assert (budget.spent, budget.admitted(texts)) == (5 + one, 0)


def test_the_budget_is_a_whole_number_of_tokens_or_none() -> None:
    assert embedding_budget({}) is None
    assert embedding_budget({"DESTINY_EMBEDDING_BUDGET": ""}) is None
    assert embedding_budget({"DESTINY_EMBEDDING_BUDGET": "2000000"}) == 2_000_000
    for wrong in ("0", "-5", "1e6", "many"):
        with pytest.raises(ConfigurationError, match="DESTINY_EMBEDDING_BUDGET"):
            embedding_budget({"DESTINY_EMBEDDING_BUDGET": wrong})
