"""One line of a decision log: a short text is made of it, in which everything it says can be found."""

import json
from urllib.parse import quote

from destiny_assets.adapters.parsers.encodings import DecodedText
from destiny_assets.domain.decisions import DECISION_LINE, Decision, line_fields, more_fields, read_line
from destiny_assets.domain.documents import Heading, Link, ParsedDocument, Relation
from destiny_assets.domain.grounds import statement_named
from destiny_assets.domain.linking.citations import as_identifier
from destiny_assets.domain.markup import bare_links
from destiny_assets.errors import UnreadableDocumentError

VERSION = "decision/2"


def parse_decision(decoded: DecodedText, uri: str) -> ParsedDocument:
    """The decision as title, rationale, options and what it stands on; raises `UnreadableDocumentError`."""
    try:
        entry = json.loads(decoded.text)
    except (ValueError, RecursionError) as error:
        raise UnreadableDocumentError("broken", f"{uri} is no JSON.") from error
    if not isinstance(entry, dict):
        raise UnreadableDocumentError("broken", f"{uri} is JSON, but no object.")
    decision = read_line(entry)
    text, links = _written(decision)
    return ParsedDocument(
        title=decision.title,
        text=text,
        media_type=DECISION_LINE,
        parser=VERSION,
        encoding=decoded.encoding,
        headings=(Heading(1, decision.title, 0),),
        links=tuple(sorted((*bare_links(text), *links), key=lambda link: (link.start, link.end))),
        authors=decision.agents,
        created_at=decision.decided_at,
        updated_at=decision.decided_at,
        status=decision.status,
        fields={**more_fields(entry), **line_fields(decision)},
    )


def _written(decision: Decision) -> tuple[str, list[Link]]:
    """The text, and a link at each id that it names."""
    by = f" by {', '.join(decision.agents)}" if decision.agents else ""
    on = f" on {decision.decided_at.date().isoformat()}" if decision.decided_at else ""
    parts = [decision.title]
    if decision.rationale:
        parts.append("\n".join(line for line in decision.rationale.splitlines() if line.strip()))
    if decision.options:
        parts.append(f"Options: {'; '.join(decision.options)}.")
    parts.append(f"{decision.status.capitalize()}{by}{on}. Decision {decision.key}.")
    if decision.tags:
        parts.append(f"Tags: {', '.join(decision.tags)}.")
    text, links = "\n\n".join(parts), []
    for label, targets, relation in (
        ("Supersedes", decision.supersedes, Relation.SUPERSEDES),
        ("Rests on", decision.rests_on, Relation.REQUIRES),
    ):
        for number, target in enumerate(targets):
            text += f"\n{label}: " if number == 0 else ", "
            if relation is not Relation.REQUIRES or statement_named(target) is None:
                links.append(Link(_target(target), target, len(text), len(text) + len(target), relation))
            text += target
    return text, links


def _target(written: str) -> str:
    """What the linker looks for: an identifier or an address as written, another id as it stands in its log's uris."""
    if as_identifier(written) or "://" in written or "/" in written:
        return written
    return quote(written, safe=" ")
