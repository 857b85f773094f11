"""A project with contested claims and three measured generations, for tests of what is shown over generations and in the pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from destiny_assets.adapters.postgres.benchmarks import QueryResult
from destiny_assets.adapters.postgres.projects import Source
from tests.serving.api.conftest import STAMPS
from tests.stages.growing import Growth, Layers, growing

TABLE = (
    "object,attribute,source,value\n"
    "harbour,depth,a,9 fathoms\nharbour,depth,b,9 fathoms\nharbour,depth,c,7 fathoms\n"
    "ferry,colour,a,red\nferry,colour,b,blue\nmole,length,a,200 ells\n"
)
QUESTIONS = {
    "q1": "What does a stamp cost abroad?",
    "q2": "Who oils the chain of a bicycle?",
    "q3": "When is nothing delivered?",
}
HOLIDAYS = "handbook/holidays.md"


def results(*found: str) -> list[QueryResult]:
    """Answers of which only those of `found` are right."""
    return [
        QueryResult(
            id_,
            text,
            [HOLIDAYS, STAMPS] if id_ in found else [STAMPS],
            {"recall@10": float(id_ in found), "p50_ms": 2.0},
        )
        for id_, text in QUESTIONS.items()
    ]


@contextmanager
def growing_port(layers: Layers, folder: Path) -> Iterator[Growth]:
    """Three published generations; from the second on the third question is answered wrongly."""
    with growing(layers, folder / "documents") as growth:
        (folder / "said.csv").write_text(TABLE, "utf-8")
        layers.ledger.projects.add_source(growth.project, Source("said", "claims", str(folder / "said.csv")))
        for number, right in enumerate((("q1", "q3"), ("q1",), ("q1",)), 1):
            growth.write("notes/rain.txt", f"Wet letters are dried {number} times.\n")
            growth.run()
            layers.ledger.benchmarks.store(
                *(growth.project, number),
                run_id=f"run-{number}",
                suite="golden",
                recipe="lexical",
                metrics={"recall@10": len(right) / 3, "p50_ms": 2.0},
                results=results(*right),
            )
        yield growth
