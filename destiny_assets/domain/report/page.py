"""The whole page: head, heading, sections in order, foot. One string that needs no other file, script or network."""

from collections.abc import Callable, Mapping

from destiny_assets.domain.report import claims, sections
from destiny_assets.domain.report.markup import Html, joined, text
from destiny_assets.domain.report.style import CSS
from destiny_assets.domain.report.values import ProjectReport

_SECTIONS: Mapping[str, Callable[[ProjectReport], Html]] = {
    "layers": sections.layers,
    "growth": sections.growth,
    "statuses": sections.statuses,
    "trust": sections.trust,
    "calibration": claims.calibration,
    "witnesses": claims.witnesses,
    "contested": claims.contested,
    "staleness": claims.staleness,
    "benchmark": sections.benchmark,
    "questions": sections.questions,
    "timings": sections.timings,
    "entities": sections.entities,
    "supersessions": sections.supersessions,
    "quarantine": sections.quarantine,
}
_SAID = {
    "statuses": "Status",
    "benchmark": "Retrieval",
    "timings": "Pipeline",
    "supersessions": "Superseded",
}


def render_report(report: ProjectReport) -> str:
    """One self-contained HTML document in English. Every value is escaped: titles and uris come from strangers."""
    # Before the first publish there is nothing to see but what could not be read.
    shown = _SECTIONS if report.generation is not None else {"quarantine": sections.quarantine}
    links = joined(Html(f'<li><a href="#{name}">{_SAID.get(name, name.capitalize())}</a></li>') for name in shown)
    body = joined(section(report) for section in shown.values())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer">'
        f"<title>{text(report.project)} · Destiny</title><style>{CSS}</style></head><body>"
        f'<header><p class="over">Knowledge base</p><h1>{text(report.project)}</h1><p class="lede">{_lede(report)}</p>'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>{sections.tiles(report)}</header><main>{body}</main>'
        f"<footer><p>Written {report.written_at:%Y-%m-%d %H:%M} UTC from the ledger, by Destiny. "
        f"Health now: <code>destiny doctor {text(report.project)}</code></p></footer></body></html>\n"
    )


def _lede(report: ProjectReport) -> Html:
    if report.generation is None:
        return Html(
            f"Nothing is published yet. Publish a first generation with <code>destiny ingest {text(report.project)}</code>"
        )
    said = [Html(f"<b>Generation {report.generation}</b>")]
    if report.published_at:
        said.append(Html(f"published {report.published_at:%Y-%m-%d %H:%M} UTC"))
    agreeing = sum(layer.agrees for layer in report.layers)
    said.append(Html(f"{agreeing} of {len(report.layers)} layers agree"))
    if report.model:
        said.append(Html(f"embedded by {text(report.model.partition('@')[0])}"))
    return Html(" · ".join(said))
