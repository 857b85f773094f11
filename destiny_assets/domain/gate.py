"""The benchmark gate: whether a generation finds less than the one readers see. Per-question metrics in, a verdict out; no store here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from destiny_assets.domain.metrics import paired_bootstrap

GATED: Mapping[str, float] = {"ndcg@10": 0.02, "recall@100": 0.02}
"""The metrics that are gated, with how far the mean of each may fall where a project says nothing else."""

ACCEPT_WORSE = "destiny/accept_worse"
"""The tag of a run that publishes in spite of the gate; its value is the reason."""

# A question is called broken when its own metric fell by more than this.
_BROKEN = 0.1


@dataclass(frozen=True, slots=True)
class Fall:
    """One metric of one recipe on one suite, over the same questions before and now; a positive `drop` is a loss.

    `certainty` is the share of paired bootstrap samples in which it fell, in [0, 1]: it is told, and refuses nothing, since the same
    questions put to the same generation give the same figures. `broken` names the questions that fell most, worst first.
    """

    suite: str
    recipe: str
    metric: str
    before: float
    now: float
    tolerance: float
    certainty: float
    questions: int
    broken: tuple[str, ...]

    @property
    def drop(self) -> float:
        """How far the mean fell."""
        return self.before - self.now

    @property
    def refuses(self) -> bool:
        """Whether the fall is beyond its tolerance."""
        return self.drop > self.tolerance + 1e-9

    def __str__(self) -> str:
        """One sentence that names the questions."""
        shown = ", ".join(self.broken[:5]) + (f" and {len(self.broken) - 5} more" if len(self.broken) > 5 else "")
        return (
            f"{self.metric} of {self.recipe} on {self.suite} fell from {self.before:.3f} to {self.now:.3f} over {self.questions} "
            f"questions (tolerance {self.tolerance:g}, {self.certainty:.0%} sure of a fall); broken: {shown or 'none alone'}"
        )


def compare(
    suite: str,
    recipe: str,
    before: Mapping[str, Mapping[str, float]],
    now: Mapping[str, Mapping[str, float]],
    tolerances: Mapping[str, float],
) -> list[Fall]:
    """Each gated metric over the questions that both generations were asked; none where they share no question."""
    shared = sorted(before.keys() & now.keys())
    falls = []
    for metric, tolerance in tolerances.items():
        pairs = [(q, before[q][metric], now[q][metric]) for q in shared if metric in before[q] and metric in now[q]]
        if not pairs:
            continue
        lost = [old - new for _, old, new in pairs]
        broken = sorted(
            (item for item in pairs if item[1] - item[2] > _BROKEN), key=lambda item: (item[2] - item[1], item[0])
        )
        falls.append(
            Fall(
                suite=suite,
                recipe=recipe,
                metric=metric,
                before=sum(old for _, old, _ in pairs) / len(pairs),
                now=sum(new for _, _, new in pairs) / len(pairs),
                tolerance=tolerance,
                certainty=paired_bootstrap(lost).positive,
                questions=len(pairs),
                broken=tuple(question for question, _, _ in broken),
            )
        )
    return falls


def refusals(falls: Sequence[Fall]) -> list[Fall]:
    """The falls that refuse a generation, deepest first."""
    return sorted((fall for fall in falls if fall.refuses), key=lambda fall: -fall.drop)
