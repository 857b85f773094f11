"""The pieces pages are made of: escaped text, tables, sections. Nothing of a report's content is decided here.

`Html` is text that is safe to stand in a page; everything else becomes `Html` through `text` alone, which escapes it.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NewType

Html = NewType("Html", str)


def text(value: object) -> Html:
    """Anything as text of a page or of a quoted attribute."""
    return Html(escape(str(value), quote=True))


def joined(pieces: Iterable[Html]) -> Html:
    """The pieces one after another."""
    return Html("".join(pieces))


def number(value: float | None, digits: int = 0) -> Html:
    """A number with thin thousands separators; a dash for none."""
    return Html("—" if value is None else f"{value:,.{digits}f}".replace(",", "\u202f"))


def section(name: str, title: str, body: Html, *, note: str = "", wide: bool = False) -> Html:
    """A card with a heading that can be linked to."""
    said = f'<p class="note">{text(note)}</p>' if note else ""
    return Html(
        f'<section id="{text(name)}" aria-labelledby="{text(name)}-title"{" class=wide" if wide else ""}>'
        f'<h2 id="{text(name)}-title">{text(title)}</h2>{said}{body}</section>'
    )


def nothing(said: str) -> Html:
    """What stands where there is nothing to show."""
    return Html(f'<p class="nothing">{text(said)}</p>')


def meter(share: float, label: Html) -> Html:
    """A number over a bar of `share` (0 to 1) of its cell."""
    return Html(
        f'<span class="meter"><span class="value">{label}</span>'
        f'<span class="track" aria-hidden="true"><i style="width:{max(0.0, min(1.0, share)) * 100:.1f}%"></i></span></span>'
    )


def table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[Html]],
    *,
    numeric: Iterable[int] = (),
    stacked: bool = False,
) -> Html:
    """A table whose first column names its rows; `numeric` are columns set to the right.

    Where it is `stacked`, a phone shows each row as a block, its cells behind the names of their columns.
    """
    right = frozenset(numeric)
    # A table whose rows are blocks is none to a screen reader unless it says so.
    is_table, is_row, is_head, is_cell = (
        f' role="{role}"' if stacked else "" for role in ("table", "row", "rowheader", "cell")
    )

    def align(column: int) -> str:
        return ' class="n"' if column in right else ""

    heads = joined(Html(f'<th scope="col"{align(n)}>{text(name)}</th>') for n, name in enumerate(head))
    body = joined(
        Html(
            f'<tr{is_row}><th scope="row"{is_head}>{row[0]}</th>'
            + "".join(
                f'<td{is_cell} data-head="{text(head[n])}"{align(n)}>{cell}</td>'
                for n, cell in enumerate(row[1:], start=1)
            )
            + "</tr>"
        )
        for row in rows
    )
    css = " class=stack" if stacked else ""
    return Html(
        f"<table{is_table}{css}><caption>{text(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )
