"""Charts as inline SVG: numbers in, markup out. Colours and type come from the page's style sheet.

Every chart is an image with a title and a sentence that says what it shows; the numbers themselves are in a table beside it
or in the sentence.
"""

import math
from collections.abc import Mapping, Sequence

from destiny_assets.domain.report.markup import Html, joined, number, text
from destiny_assets.domain.report.values import Reliability

# Drawn 360 wide, so that type set at 10 is 10 pixels on a phone.
_WIDTH, _HEIGHT = 360.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 38.0, 12.0, 12.0, 26.0
SERIES = 3
# Room for the name of an axis.
_NAMED = 16.0


def histogram(title: str, bins: Sequence[int], mean: float) -> Html:
    """Bars for counts in equal bins of [0, 1], with a line at `mean`."""
    top = _ceiling(max(bins, default=0))
    step = (_WIDTH - _LEFT - _RIGHT) / len(bins)
    bars = joined(
        Html(
            f'<rect class="bar" x="{_LEFT + n * step + 1.5:.1f}" y="{_y(count, top):.1f}" width="{step - 3:.1f}" '
            f'height="{_y(0, top) - _y(count, top):.1f}" rx="2"/>'
            + (
                f'<text class="on" x="{_LEFT + (n + 0.5) * step:.1f}" y="{_y(count, top) - 3:.1f}">{number(count)}</text>'
                if count
                else ""
            )
        )
        for n, count in enumerate(bins)
    )
    marks = joined(
        Html(f'<text class="x" x="{_LEFT + n * step:.1f}" y="{_HEIGHT - 12:.0f}">{n / len(bins):g}</text>')
        for n in range(0, len(bins) + 1, 2)
    )
    at = _LEFT + mean * (_WIDTH - _LEFT - _RIGHT)
    line = Html(f'<line class="mean" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP - 6}" y2="{_HEIGHT - _BOTTOM}"/>')
    filled = [f"{count} from {n / len(bins):g} to {(n + 1) / len(bins):g}" for n, count in enumerate(bins) if count]
    return _svg(title, f"Mean {mean:.2f}. " + "; ".join(filled) + ".", joined((_grid(0, top), bars, marks, line)))


def lines(
    title: str, labels: Sequence[str], series: Mapping[str, Sequence[float | None]], *, highest: float | None = None
) -> Html:
    """One line a series (at most three) over the same labels; None leaves a gap. From 0 to `highest`, or to fit."""
    known = [value for values in series.values() for value in values if value is not None]
    top = highest or _ceiling(max(known, default=0))
    step = (_WIDTH - _LEFT - _RIGHT - 16) / max(1, len(labels) - 1)
    xs = [_LEFT + 8 + n * step if len(labels) > 1 else _WIDTH / 2 for n in range(len(labels))]
    drawn = []
    for order, values in enumerate(series.values()):
        points = [(xs[n], _y(value, top)) for n, value in enumerate(values) if value is not None]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        if len(series) == 1 and len(points) > 1:
            floor = _HEIGHT - _BOTTOM
            drawn.append(
                Html(f'<polygon class="area" points="{points[0][0]:.1f},{floor} {path} {points[-1][0]:.1f},{floor}"/>')
            )
        drawn.append(Html(f'<polyline class="line s{order % SERIES}" points="{path}"/>'))
        drawn += [Html(f'<circle class="dot s{order % SERIES}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>') for x, y in points]
    every = max(1, math.ceil(len(labels) / 8))
    marks = joined(
        Html(f'<text class="x" x="{xs[n]:.1f}" y="{_HEIGHT - 10:.0f}">{text(label)}</text>')
        for n, label in enumerate(labels)
        if n % every == 0
    )
    said = "; ".join(
        f"{name} "
        + ", ".join(f"{value:g} at {label}" for label, value in zip(labels, values, strict=True) if value is not None)
        for name, values in series.items()
    )
    return _svg(title, f"{said}.", joined((_grid(0, top), *drawn, marks)))


def reliability(title: str, series: Mapping[str, Sequence[Reliability]]) -> Html:
    """What was believed against what was right (at most three series), with 95 % intervals; on the dashed line both are equal.

    A dot's area grows with how many slots it stands for.
    """
    height = _WIDTH - _LEFT - _RIGHT + _TOP + _BOTTOM + _NAMED
    side = _WIDTH - _LEFT - _RIGHT
    most = max((part.slots for parts in series.values() for part in parts), default=1)

    def at(believed: float, right: float) -> tuple[float, float]:
        return _LEFT + believed * side, _TOP + (1 - right) * side

    marks = []
    for level in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = at(level, level)
        marks.append(
            Html(
                f'<line class="grid" x1="{_LEFT}" x2="{_LEFT + side}" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text class="y" x="{_LEFT - 6}" y="{y + 3.5:.1f}">{level:g}</text>'
                f'<text class="x" x="{x:.1f}" y="{height - _NAMED - 10:.0f}">{level:g}</text>'
            )
        )
    marks.append(Html(f'<text class="x" x="{_LEFT + side / 2:.1f}" y="{height - 6:.0f}">believed</text>'))
    marks.append(Html(f'<text x="{_LEFT + 4:.1f}" y="{_TOP + 12:.1f}">right</text>'))
    (x1, y1), (x2, y2) = at(0, 0), at(1, 1)
    marks.append(Html(f'<line class="ideal" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'))
    # The first series is what the page is about: it is drawn last, over the others.
    for order, parts in reversed(list(enumerate(series.values()))):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(part.believed, part.right) for part in parts))
        marks.append(Html(f'<polyline class="line thin s{order % SERIES}" points="{path}"/>'))
        for part in parts:
            (x, y), (_, low), (_, high) = (at(part.believed, value) for value in (part.right, part.low, part.high))
            size = 3 + 5 * math.sqrt(part.slots / most)
            marks.append(
                Html(
                    f'<line class="whisker s{order % SERIES}" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
                    f'<circle class="dot s{order % SERIES}" cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>'
                )
            )
    said = "; ".join(
        f"{name} "
        + ", ".join(f"{part.right:.2f} right of {part.slots} believed at {part.believed:.2f}" for part in parts)
        for name, parts in series.items()
    )
    return _svg(title, f"{said}.", joined(marks), height=height)


def key(names: Sequence[str]) -> Html:
    """Which line is which."""
    entries = joined(Html(f'<li class="s{n % SERIES}">{text(name)}</li>') for n, name in enumerate(names))
    return Html(f'<ul class="key">{entries}</ul>')


def _svg(title: str, said: str, inside: Html, height: float = _HEIGHT) -> Html:
    return Html(
        f'<svg role="img" viewBox="0 0 {_WIDTH:.0f} {height:.0f}" aria-label="{text(f"{title}. {said}")}">'
        f"<title>{text(title)}</title>{inside}</svg>"
    )


def _grid(bottom: float, top: float) -> Html:
    levels = [bottom + (top - bottom) * part / 4 for part in range(5)]
    return joined(
        Html(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_y(level, top):.1f}" y2="{_y(level, top):.1f}"/>'
            f'<text class="y" x="{_LEFT - 6}" y="{_y(level, top) + 3.5:.1f}">{_short(level)}</text>'
        )
        for level in levels
    )


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top


def _ceiling(value: float) -> float:
    """The next number whose quarters are easy to read: 4, 8, 12, 20, 40, … times a power of ten."""
    if value <= 4:
        return 4.0
    power: int = 10 ** math.floor(math.log10(value / 4))
    return next(4 * step * power for step in (1, 2, 3, 5, 10) if 4 * step * power >= value)


def _short(value: float) -> str:
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
