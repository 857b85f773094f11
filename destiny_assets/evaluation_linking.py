"""Two labelled tables through record linkage: precision, recall and F1 of the pairs held back, blocking, speed, plain baselines."""

from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from destiny_assets.adapters.labelled_files import Rows, Skipped, read_rows
from destiny_assets.domain.identity import decision, linkage
from destiny_assets.domain.identity.linkage import Links, Pairs
from destiny_assets.domain.identity.records import Table, known
from destiny_assets.domain.identity.scores import Counts, f1_samples
from destiny_assets.domain.identity.sparse_rows import Floats, Ints
from destiny_assets.errors import ConfigurationError

Flags = npt.NDArray[np.bool_]

_TRUE = frozenset({"1", "1.0", "true", "yes", "y", "t", "match", "same"})
_FALSE = frozenset({"0", "0.0", "false", "no", "n", "f", "nonmatch", "non-match", "different"})
_TUNED_ON = frozenset({"train", "training", "valid", "validation", "val", "dev", "development"})
_NAMED = {"label": ("label", "match", "gold", "is_match"), "split": ("split", "fold", "set")}
_SHOWN = 20
# The first feature of an aligned column, of text and of numbers.
_FIRST = (".words", ".near")


@dataclass(frozen=True, slots=True)
class Gold:
    """Labelled pairs by place in the tables; `tuned` are those that may be looked at, the others are scored.

    `complete`: pairs that are not listed are no matches, as where only matches are listed.
    """

    left: Ints
    right: Ints
    match: Flags
    tuned: Flags
    complete: bool


def evaluate_linking(folder: Path, *, seed: int = 0, draws: int = 5) -> dict[str, Any]:
    """Link `folder`'s tables and score the pairs of its test split (all pairs where none is split off); means over `draws` seeds.

    Raises `NotFoundError` and `ConfigurationError` when the folder does not hold what is needed.
    """
    began = perf_counter()
    skipped: list[Skipped] = []
    left, right, gold = read_folder(folder, skipped)
    read = perf_counter() - began
    pairs = linkage.compare(left, right, (gold.left, gold.right))
    places = np.searchsorted(pairs.left * len(right) + pairs.right, gold.left * len(right) + gold.right)
    match = gold.match[gold.tuned]
    learned = bool(match.any() and not match.all())
    seeds = [seed + number for number in range(draws if learned else 1)]
    if learned:
        links = [linkage.decide_by_labels(pairs, places[gold.tuned], match, number) for number in seeds]
    else:
        links = [linkage.decide_unlabelled(pairs, linkage.exclusive_by_content(left, right))]
    fit, decide = (float(np.mean([found.seconds[what] for found in links])) for what in ("fit", "decide"))
    counts = [_counts(pairs, found, gold, places) for found in links]
    worked = pairs.seconds["block"] + pairs.seconds["compare"] + decide
    return {
        "dataset": folder.name,
        "model": linkage.MODEL,
        "decided_by": "labels of the other splits" if learned else "no labels",
        "scored": "all links" if gold.complete else "listed pairs",
        "records": {"left": len(left), "right": len(right)},
        "labelled": {"tuned_on": int(gold.tuned.sum()), "scored": int((~gold.tuned).sum())},
        "columns": [name.rpartition(".")[0] for name in pairs.names if "~" in name and name.endswith(_FIRST)],
        "seeds": seeds,
        **_means(counts),
        "f1_interval_95": np.quantile(
            np.concatenate([f1_samples(found, number) for found, number in zip(counts, seeds, strict=True)]),
            [0.025, 0.975],
        ).tolist(),
        "f1_of_seeds": [found.f1 for found in counts],
        "by_type": {
            "match": _means(counts),
            "no_match": _means([_negatives(pairs, found, gold, places) for found in links]),
        },
        "baselines": _baselines(left, right, gold, pairs, places),
        "blocking": _blocking(pairs, gold, places, len(left) * len(right)),
        "candidate_pairs_per_s": len(pairs.left) / worked,
        "compared_pairs_per_s": len(pairs.left) / pairs.seconds["compare"],
        "seconds": {"read": read, **pairs.seconds, "fit": fit, "decide": decide},
        "skipped": {"rows": len(skipped), "first": [asdict(row) for row in skipped[:_SHOWN]]},
    }


def read_folder(folder: Path, skipped: list[Skipped]) -> tuple[Table, Table, Gold]:
    """The tables and the labelled pairs of a folder; what cannot be used is added to `skipped` with its reason."""
    listed = read_rows(folder, "pairs")
    names = [column.casefold() for column in listed.columns]
    label, split = (next((names.index(name) for name in _NAMED[what] if name in names), None) for what in _NAMED)
    sides = [place for place in range(len(names)) if place not in (label, split)]
    if len(sides) < 2:
        raise ConfigurationError(f"{folder / listed.file}: its header must name left_id, right_id[, label][, split]")
    one, other = (
        names.index(name) if name in names else sides[place] for place, name in enumerate(("left_id", "right_id"))
    )
    tables = [
        _table(folder, name, {row[at].strip() for row in listed.rows}, skipped)
        for name, at in (("left", one), ("right", other))
    ]
    skipped.extend(listed.skipped)
    return *tables, _gold(folder, listed, tables, (one, other, label, split), skipped)  # type: ignore[return-value]


def _table(folder: Path, name: str, asked: set[str], skipped: list[Skipped]) -> Table:
    found = read_rows(folder, name)
    skipped.extend(found.skipped)
    columns = list(zip(*found.rows, strict=True))
    if not columns:
        raise ConfigurationError(f"{folder / found.file} holds no record; give at least one row below the header")
    named = next((place for place, column in enumerate(found.columns) if column.casefold() == "id"), 0)
    # The ids are in the column that the pairs speak of, whatever it is called.
    ids = max(
        range(len(columns)), key=lambda place: (len(asked.intersection(map(str.strip, columns[place]))), place == named)
    )
    seen: set[str] = set()
    kept = []
    for place, row in enumerate(found.rows):
        identity = row[ids].strip()
        if identity in seen:
            skipped.append(
                Skipped(found.file, found.lines[place], f"the id {identity!r} is already taken by an earlier row")
            )
            continue
        seen.add(identity)
        kept.append(row)
    values = {
        column: [known(row[place]) for row in kept]
        for place, column in enumerate(_unique(found.columns))
        if place != ids
    }
    return Table([row[ids].strip() for row in kept], values)


def _unique(columns: tuple[str, ...]) -> list[str]:
    return [name if columns.index(name) == place else f"{name} {place + 1}" for place, name in enumerate(columns)]


def _gold(
    folder: Path,
    listed: Rows,
    tables: list[Table],
    columns: tuple[int, int, int | None, int | None],
    skipped: list[Skipped],
) -> Gold:
    one, other, label, split = columns
    place = [{identity: number for number, identity in enumerate(table.ids)} for table in tables]
    found: dict[tuple[int, int], tuple[bool, bool]] = {}
    for row, line in zip(listed.rows, listed.lines, strict=True):
        sides = [places.get(_written(row[at].strip(), places)) for places, at in zip(place, (one, other), strict=True)]
        said = "1" if label is None else row[label].strip().casefold()
        if sides[0] is None or sides[1] is None:
            skipped.append(Skipped(listed.file, line, "no record has this id"))
        elif said not in _TRUE | _FALSE:
            skipped.append(Skipped(listed.file, line, f"the label {said!r} is neither 1 nor 0"))
        else:
            seen = split is not None and row[split].strip().casefold() in _TUNED_ON
            label_said, before = said in _TRUE, found.get((sides[0], sides[1]))
            if before is not None and before[0] != label_said:
                skipped.append(Skipped(listed.file, line, "an earlier row gives this pair the other label"))
                # What is scored is scored by the label given there.
                label_said = before[0] if seen or not before[1] else label_said
            # A pair that is listed twice is never tuned on when it is to be scored too.
            found[sides[0], sides[1]] = (label_said, seen and (before is None or before[1]))
    keys = sorted(found)
    match = np.array([found[key][0] for key in keys], np.bool_)
    tuned = np.array([found[key][1] for key in keys], np.bool_)
    if not keys or not match[~tuned].any():
        raise ConfigurationError(
            f"{folder / listed.file}: no pair that would be scored is a match of two records of the tables"
        )
    places = np.array(keys, np.int64)
    return Gold(places[:, 0], places[:, 1], match, tuned, complete=bool(match.all()))


def _written(identity: str, places: dict[str, int]) -> str:
    """The id as the table writes it: tools that take ids for numbers add ``.0``."""
    return identity if identity in places else identity.removesuffix(".0")


def _counts(pairs: Pairs, links: Links, gold: Gold, places: Ints) -> Counts:
    scored = ~gold.tuned
    right = int((links.stands[places] & gold.match & scored).sum())
    missed = int((gold.match & scored).sum()) - right
    if not gold.complete:
        return Counts(right, int((links.stands[places] & ~gold.match & scored).sum()), missed)
    others = np.ones(len(pairs.left), np.bool_)
    others[places] = False
    return Counts(right, int((links.stands & others).sum()), missed)


def _negatives(pairs: Pairs, links: Links, gold: Gold, places: Ints) -> Counts:
    """The same of the pairs that are no matches: found means not linked."""
    found = _counts(pairs, links, gold, places)
    scored = ~gold.tuned
    total = len(pairs.left) - int(gold.match.sum()) if gold.complete else int((~gold.match & scored).sum())
    return Counts(total - found.wrong, found.missed, found.wrong)


def _means(counts: list[Counts]) -> dict[str, float]:
    figures = [found.figures() for found in counts]
    return {name: float(np.mean([one[name] for one in figures])) for name in figures[0]}


def _baselines(left: Table, right: Table, gold: Gold, pairs: Pairs, places: Ints) -> dict[str, dict[str, float]]:
    """Equal keys; and the Jaccard index of words, from the threshold that is best on the labels that may be looked at, else 0.5."""
    sides = (pairs.left, pairs.right)
    jaccard = linkage.word_jaccard(left, right, sides)
    match, threshold = gold.match[gold.tuned], 0.5
    if match.any() and not match.all():
        threshold = decision.best_threshold(jaccard[places[gold.tuned]], match)[0]

    def figures(score: Floats, stands: Flags) -> dict[str, float]:
        return _counts(pairs, Links(score, stands, {}), gold, places).figures()

    equal = linkage.key_equal(left, right, sides)
    return {
        "equal_key": figures(equal.astype(float), equal),
        "word_jaccard": {**figures(jaccard, jaccard >= threshold), "threshold": threshold},
    }


def _blocking(pairs: Pairs, gold: Gold, places: Ints, possible: int) -> dict[str, float]:
    return {
        "candidates": int(pairs.blocked.sum()),
        "possible": possible,
        "recall": float(pairs.blocked[places][gold.match].mean()),
        "recall_scored": float(pairs.blocked[places][gold.match & ~gold.tuned].mean()),
    }
