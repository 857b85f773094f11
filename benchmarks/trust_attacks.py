"""What attackers take from the model of trust: ``python benchmarks/trust_attacks.py FOLDER... [--labels 0 50] [--seeds 5]``.

A folder is one for ``destiny evaluate trust``. Attackers speak of every slot whose truth is known to the benchmark, and of nothing
else. Prints precision without and with each attack, for majority vote and for Destiny, means over seeds of the labels' drawing.
"""

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from destiny_assets.domain.truth.claims import Claims, arrange
from destiny_assets.domain.truth.kinds import Kind
from destiny_assets.stages.trust_suites import Truth, draw, open_suite, read_claims, read_truths

SIZES = (1, 5, 10, 50)
Attack = Callable[["Scene", int], list[tuple[int, str]]]


class Scene:
    """Honest claims, their truths, which of these will be labels, and a wrong value for each slot."""

    def __init__(self, claims: Claims, truths: list[Truth], labels: int, seed: int) -> None:
        self.claims, self.truths = claims, truths
        order = np.random.default_rng(seed).permutation(len(truths))
        self.labelled = {truths[index].slot for index in order[:labels].tolist()}
        self.random = np.random.default_rng(seed + 1)
        self.votes = Counter(claims.value.tolist())
        self.owner = claims.sources[Counter(claims.source.tolist()).most_common(1)[0][0]]

    def invented(self, slot: int) -> str:
        """A value that nobody honest claims."""
        kind = self.claims.kinds[self.claims.slots[slot][1]]
        return {Kind.NUMBER: str(7_000_001 + slot), Kind.NAMES: "Zzyzxov, Quentin"}.get(kind, f"invented {slot}")

    def said(self, slot: int, truth: Truth) -> list[int]:
        """The wrong values of a slot, the most claimed first."""
        start, end = np.searchsorted(self.claims.value_slot, [slot, slot + 1])
        wrong = [value for value in range(int(start), int(end)) if value != truth.value]
        return sorted(wrong, key=lambda value: -self.votes[value])

    def error(self, truth: Truth) -> str:
        """The most claimed wrong value of a slot, or an invented one where there is none."""
        wrong = self.said(truth.slot, truth)
        return self.claims.value_text[wrong[0]] if wrong else self.invented(truth.slot)


def invent(scene: Scene, _: int) -> list[tuple[int, str]]:
    """Every attacker says the same invented value on every slot that is scored."""
    return [(truth.slot, scene.invented(truth.slot)) for truth in scene.truths]


def invent_half(scene: Scene, _: int) -> list[tuple[int, str]]:
    """The same, each attacker on another random half of the slots, so that no two say the same."""
    return [(slot, value) for slot, value in invent(scene, 0) if scene.random.random() < 0.5]


def side_with_error(scene: Scene, _: int) -> list[tuple[int, str]]:
    """Every attacker backs the strongest honest error."""
    return [(truth.slot, scene.error(truth)) for truth in scene.truths]


def earn_first(scene: Scene, _: int) -> list[tuple[int, str]]:
    """Right on the slots that are labelled, an invented value on the others."""
    return [
        (
            truth.slot,
            scene.claims.value_text[truth.value] if truth.slot in scene.labelled and truth.value is not None else value,
        )
        for truth, (_slot, value) in zip(scene.truths, invent(scene, 0), strict=True)
    ]


def copy_largest(scene: Scene, _: int) -> list[tuple[int, str]]:
    """Copies of the source with the most claims, on all of its slots."""
    claims, number = scene.claims, scene.claims.sources.index(scene.owner)
    rows = np.flatnonzero(claims.source == number)
    return [(int(claims.slot[row]), claims.value_text[claims.value[row]]) for row in rows]


def stale_flood(scene: Scene, _: int) -> list[tuple[int, str]]:
    """Repeats the value that was claimed first wherever it was wrong, and so pushes no value of its own."""
    first = [(truth, int(np.searchsorted(scene.claims.value_slot, truth.slot))) for truth in scene.truths]
    return [(truth.slot, scene.claims.value_text[value]) for truth, value in first if value != truth.value]


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack for attack in (invent, invent_half, side_with_error, earn_first, copy_largest, stale_flood)
}


def main() -> None:
    """Attack the folders named on the command line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", nargs="+", type=Path)
    arguments.add_argument("--labels", nargs="+", type=int, default=[0, 50])
    arguments.add_argument("--seeds", type=int, default=5)
    arguments.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    arguments.add_argument("--attacks", nargs="+", choices=list(ATTACKS), default=list(ATTACKS))
    options = arguments.parse_args()
    print(f"{'folder':20} {'labels':>6} {'attack':16} {'N':>3} {'majority':>8} {'destiny':>8}")
    for folder in options.folder:
        suite = open_suite(folder)
        columns = read_claims(suite)
        honest = arrange(*columns)
        truths = read_truths(suite, honest)
        for labels in options.labels:
            cases: list[tuple[str, Attack | None, int]] = [("none", None, 0)]
            cases += [(name, ATTACKS[name], size) for name in options.attacks for size in options.sizes]
            for name, attack, size in cases:
                found = []
                for seed in range(options.seeds if labels else 1):
                    scene = Scene(honest, truths, labels, seed)
                    forged = [
                        (*honest.slots[slot], f"attacker {number}", value)
                        for number in range(size)
                        for slot, value in (attack(scene, number) if attack else [])
                    ]
                    claims = arrange(*(own + [row[at] for row in forged] for at, own in enumerate(columns)))
                    outcome = draw(claims, read_truths(suite, claims), labels, seed)
                    found.append([outcome.right[method].mean() for method in ("majority", "destiny")])
                vote, ours = np.mean(found, axis=0)
                print(f"{folder.name:20} {labels:6} {name:16} {size:3} {vote:8.3f} {ours:8.3f}", flush=True)


if __name__ == "__main__":
    main()
