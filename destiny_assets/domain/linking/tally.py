"""What the traces of documents add up to: counts of terms, of authors' words, of identifiers. Adding and taking away are exact,
so the tally of a corpus can be kept and moved by its changes instead of being counted anew.
"""

from collections import Counter
from dataclasses import dataclass, field

from destiny_assets.domain.linking.names import EntityKind, entity_key, folded
from destiny_assets.domain.linking.records import DocumentTraces

TermKey = tuple[EntityKind, str]


@dataclass(slots=True)
class TermCount:
    """One term over some documents: how often in which spelling, in how many documents, how often as an ordinary word."""

    surfaces: Counter[str] = field(default_factory=Counter)
    documents: int = 0
    ordinary: int = 0


@dataclass(slots=True)
class Tally:
    """Sums over documents. `names` counts documents by what they show besides terms: ``("series", "pep")`` for an identifier of
    their own in it, ``("author", "guido")`` for a word of an author's name, ``("own", "pep 8")``, ``("cited", "pep 8")``.
    """

    documents: int = 0
    terms: dict[TermKey, TermCount] = field(default_factory=dict)
    names: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, traces: DocumentTraces, sign: int = 1) -> None:
        """Count one document; with ``sign = -1`` take it away again."""
        self.documents += sign
        here: set[TermKey] = set()
        for candidate in traces.candidates:
            place = candidate.kind, entity_key(candidate.kind, candidate.name)
            term = self.terms.setdefault(place, TermCount())
            term.surfaces[candidate.name] += sign * candidate.count
            term.ordinary += sign * candidate.ordinary
            if place not in here:
                term.documents += sign
                here.add(place)
        shown = {("series", identifier.series) for identifier in traces.identifiers}
        shown |= {("own", f"{identifier.series} {identifier.number}") for identifier in traces.identifiers}
        shown |= {("author", word) for name in traces.authors for word in folded(name).split()}
        for citation in traces.citations:
            if citation.identifier:
                shown.add(("cited", f"{citation.identifier.series} {citation.identifier.number}"))
        for name in shown:
            self.names[name] += sign
