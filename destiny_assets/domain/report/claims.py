"""The parts of the report that are of claims: how well probabilities hold, who is believed, what is contested, what has grown old."""

from destiny_assets.domain.report.charts import key, lines, reliability
from destiny_assets.domain.report.markup import Html, joined, meter, nothing, number, section, table, text
from destiny_assets.domain.report.values import Calibration, ProjectReport
from destiny_assets.domain.truth.reliability import UNPROVEN

_SAID = {"destiny": "Destiny", "majority": "Majority vote"}


def calibration(report: ProjectReport) -> Html:
    """The reliability diagram with its figures, beside majority vote, and the calibration error over generations."""
    now = [one for one in report.calibration if one.generation == report.calibration[0].generation]
    if not now:
        return section(
            "calibration",
            "Calibration of claims",
            nothing(f"No label was judged yet. What to label first: destiny trust suggest {report.project}"),
            wide=True,
        )
    names = [_SAID[one.method] for one in now]
    diagram = reliability("What was believed against what was right", {_SAID[one.method]: one.bins for one in now})
    pieces = [Html(f'<div class="diagram">{diagram}{key(names)}</div>')]
    figures = [
        (
            text(_SAID[one.method]),
            number(one.precision, 3),
            number(one.brier, 3),
            number(one.ece, 3),
            Html(f"{one.ece_low:.3f} to {one.ece_high:.3f}"),
        )
        for one in now
    ]
    beside = [
        table(
            f"{now[0].judged} labelled slots, generation {now[0].generation}",
            ("Method", "Right", "Brier", "ECE", "95 %"),
            figures,
            numeric=[1, 2, 3, 4],
        )
    ]
    history = _history(report.calibration)
    if history:
        beside.append(history)
    return section(
        "calibration",
        "Calibration of claims",
        Html(f'<div class="pair">{joined(pieces)}<div>{joined(beside)}</div></div>'),
        note="Each label was judged by a model that never saw it. A dot on the dashed line is as often right as was believed; above it "
        "the model is too modest, below too sure. Dots grow with the slots they stand for, whiskers are 95 % intervals.",
        wide=True,
    )


def witnesses(report: ProjectReport) -> Html:
    """Who speaks most, and how far their word is believed."""
    if not report.witnesses:
        return section("witnesses", "Witnesses", nothing("Nobody claims anything yet."))
    rows = [
        (
            text(one.witness),
            meter(one.reliability, number(one.reliability, 2)),
            number(one.claims),
            number(one.believed),
            number(one.contested),
        )
        for one in report.witnesses
    ]
    return section(
        "witnesses",
        "Witnesses",
        table(
            "Those who claim most, and how far their word is believed",
            ("Witness", "Reliability", "Claims", "Believed", "Contested"),
            rows,
            numeric=[2, 3, 4],
            stacked=True,
        ),
        note="Reliability is the chance that a witness states the one right value of many, as learned where others speak of the same; "
        f"{number(UNPROVEN[0], 2)} stands for those whom nobody has borne out yet.",
    )


def contested(report: ProjectReport) -> Html:
    """Where claims contradict each other, the least sure first."""
    if not report.contested:
        return section("contested", "Contested", nothing("No claims contradict each other."))
    rows = [
        (
            Html(f'{text(one.subject)} <span class="soft">{text(one.predicate)}</span>'),
            text(one.believed),
            meter(one.probability, number(one.probability, 2)),
            number(one.values),
        )
        for one in report.contested
    ]
    return section(
        "contested",
        "Contested",
        table(
            "Questions on which what is written disagrees, the least sure first",
            ("Question", "Believed", "Probability", "Values"),
            rows,
            numeric=[3],
            stacked=True,
        ),
    )


def staleness(report: ProjectReport) -> Html:
    """How long ago what is believed was said, by predicate."""
    if not report.staleness:
        return section("staleness", "Age of what is believed", nothing("Nothing is believed yet."), wide=True)
    rows = [
        (
            text(one.predicate),
            number(one.slots),
            number(one.dated),
            number(one.median_days),
            number(one.oldest_days),
        )
        for one in report.staleness
    ]
    return section(
        "staleness",
        "Age of what is believed",
        table(
            "Days from when what is believed was last said to the newest dated claim of the project",
            ("Attribute", "Slots", "Dated", "Median days", "Oldest"),
            rows,
            numeric=[1, 2, 3, 4],
        ),
        wide=True,
    )


def _history(measured: tuple[Calibration, ...]) -> Html | None:
    """The calibration error of each method over the generations it was measured in; None for one generation."""
    generations = sorted({one.generation for one in measured})
    if len(generations) < 2:
        return None
    known = {(one.method, one.generation): one.ece for one in measured}
    series = {said: [known.get((method, number)) for number in generations] for method, said in _SAID.items()}
    most = max(known.values())
    highest = next(step for step in (0.04, 0.1, 0.2, 0.4, 1.0) if most <= step)
    chart = lines("Calibration error by generation", [str(number) for number in generations], series, highest=highest)
    return Html(f"<div><h3>Calibration error by generation</h3>{chart}{key(list(series))}</div>")
