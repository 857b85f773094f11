"""What counts as rare is decided by what was published: runs that are under way or were given up have no part in it."""

from pathlib import Path

from destiny_assets.serving.word_counts import WordCounts
from tests.stages.growing import Layers, growing

QUESTION = "letters on the stove"


def test_an_unpublished_run_makes_no_word_more_common_for_readers(layers: Layers, tmp_path: Path) -> None:
    with growing(layers, tmp_path / "documents") as growth:
        first = growth.run()

        def sought(generation: int) -> tuple[int, dict[int, float]]:
            found = WordCounts(layers.ledger).sought(growth.project, generation, QUESTION)
            return found.size, dict(found.rarity)

        before = sought(first.number)
        for number in range(40):
            growth.write(f"notes/stove-{number}.txt", f"Note {number}: letters lie on the stove.\n")
        building = growth.run(until="trust")
        assert sought(first.number) == before
        size, rarity = sought(building.number)
        assert size == before[0] + 40
        assert all(rarity[term] < worth for term, worth in before[1].items())
        second = growth.run()
        assert sought(second.number) == (size, rarity)
