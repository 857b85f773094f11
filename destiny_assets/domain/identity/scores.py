"""How right decisions about pairs are: precision, recall, F1, and an interval."""

from dataclasses import dataclass

import numpy as np

from destiny_assets.domain.identity.sparse_rows import Floats

_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Counts:
    """Pairs found rightly, found wrongly, and missed."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """The share of what was found that is right, 0 when nothing was found."""
        return self.right / (self.right + self.wrong) if self.right else 0.0

    @property
    def recall(self) -> float:
        """The share of what there is that was found, 0 when there is nothing."""
        return self.right / (self.right + self.missed) if self.right else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.right / (2 * self.right + self.wrong + self.missed) if self.right else 0.0

    def figures(self) -> dict[str, float]:
        """The three by name, and the counts that they come from."""
        counts = {"found": self.right + self.wrong, "gold": self.right + self.missed, "right": self.right}
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1, **counts}


def f1_samples(counts: Counts, seed: int) -> Floats:
    """F1 of 2,000 bootstrap samples of the pairs that were found or are there (other pairs do not bear on F1)."""
    total = counts.right + counts.wrong + counts.missed
    if not total:
        return np.zeros(_RESAMPLES)
    shares = np.array([counts.right, counts.wrong, counts.missed]) / total
    right, wrong, missed = np.random.default_rng(seed).multinomial(total, shares, _RESAMPLES).T
    return np.asarray(2 * right / np.maximum(1, 2 * right + wrong + missed))
