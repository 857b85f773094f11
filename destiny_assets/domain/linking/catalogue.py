"""Which document a uri, an identifier or a file name means, over the whole corpus. Text is never read here."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from destiny_assets.domain.linking.citations import as_identifier, is_public_series
from destiny_assets.domain.linking.records import Citation, Identifier

_Name = TypeVar("_Name")

_ENDINGS = ("", ".md", ".rst", ".txt", ".html", ".adoc", "/index.md", "/index.rst", "/README.md", "/readme.md")
_FOLDER_NAMES = frozenset({"index.md", "index.rst", "readme.md"})
_SLUG = re.compile(r"(?P<series>[A-Za-z]{2,10})[-_]?0*(?P<number>\d{1,6})")


class Named(Protocol):
    """What a catalogue holds of a document."""

    @property
    def document(self) -> str:
        """Its id."""
        ...

    @property
    def uri(self) -> str:
        """Its place in its source."""
        ...

    @property
    def identifiers(self) -> Sequence[Identifier]:
        """Its own identifiers."""
        ...


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The documents of a corpus by every name that points to one; each value is sorted, and holds several when a name
    is shared.

    Those documents whose `name_keys` meet the `citation_keys` of a citation decide what it resolves to, and no others: a
    catalogue of them alone, with the `series` of the whole corpus, resolves it as the whole one does.
    """

    uri_of: Mapping[str, str]
    by_uri: Mapping[str, tuple[str, ...]]
    by_file_name: Mapping[str, tuple[str, ...]]
    by_identifier: Mapping[Identifier, tuple[str, ...]]
    series: frozenset[str]

    @staticmethod
    def of(documents: Iterable[Named], series: Set[str] | None = None) -> "Catalogue":
        """The catalogue of these documents in any order; `series` of the corpus where they are only a part of it."""
        uri_of: dict[str, str] = {}
        by_uri: dict[str, set[str]] = defaultdict(set)
        by_file_name: dict[str, set[str]] = defaultdict(set)
        by_identifier: dict[Identifier, set[str]] = defaultdict(set)
        for named in documents:
            uri_of[named.document] = named.uri
            by_uri[_path(named.uri)].add(named.document)
            by_file_name[posixpath.basename(_path(named.uri)).lower()].add(named.document)
            for identifier in named.identifiers:
                by_identifier[identifier].add(named.document)
        return Catalogue(
            uri_of=uri_of,
            by_uri=_sorted(by_uri),
            by_file_name=_sorted(by_file_name),
            by_identifier=_sorted(by_identifier),
            series=frozenset(identifier.series for identifier in by_identifier if series is None) | (series or set()),
        )

    def counts(self, citation: Citation) -> bool:
        """Whether a citation is one: an identifier of a known series, a link, or a file name (which must resolve
        besides).
        """
        return citation.identifier is None or self.knows(citation.identifier)

    def knows(self, identifier: Identifier) -> bool:
        """Whether the identifier's series means something here: the corpus has documents of it, or everyone knows it."""
        return identifier.series in self.series or is_public_series(identifier.series)

    def resolve(self, citation: Citation, *, referrer: str) -> str | None:
        """The document meant by a citation in the document `referrer`; None when the corpus lacks it or the choice is a
        guess.
        """
        if citation.identifier is not None:
            return self._nearest(self.by_identifier.get(citation.identifier, ()), referrer)
        return self._resolve_uri(citation.target, referrer)

    def _resolve_uri(self, target: str, referrer: str) -> str | None:
        place = _split(target)
        if place is None:
            return None
        scheme, path = place
        if not path:
            return None if scheme else referrer
        if scheme:
            return self._resolve_address(path, referrer)
        for candidate in _places(path, self.uri_of.get(referrer, "")):
            found = self._by_path(candidate)
            if found:
                return self._nearest(found, referrer)
        name = posixpath.basename(path).lower()
        return self._nearest(self.by_file_name.get(name, ()), referrer) if "." in name else None

    def _resolve_address(self, path: str, referrer: str) -> str | None:
        """A web address: its path, or the end of it, is a document's place; or its last part spells an identifier."""
        for candidate in _tails(path):
            found = self._by_path(candidate)
            if found:
                return self._nearest(found, referrer)
        identifier = _slug_identifier(path)
        return self._nearest(self.by_identifier.get(identifier, ()), referrer) if identifier else None

    def _by_path(self, path: str) -> tuple[str, ...]:
        for candidate in _spellings(path):
            found = self.by_uri.get(candidate)
            if found:
                return found
        return ()

    def _nearest(self, documents: tuple[str, ...], referrer: str) -> str | None:
        """The one whose folder shares the most leading parts with the referrer's; None on a tie."""
        if len(documents) <= 1:
            return documents[0] if documents else None
        here = _path(self.uri_of.get(referrer, "")).split("/")[:-1]
        shared = sorted(
            ((_shared(here, _path(self.uri_of[other]).split("/")[:-1]), other) for other in documents), reverse=True
        )
        return None if shared[0][0] == shared[1][0] else shared[0][1]


def name_keys(uri: str, identifiers: Iterable[Identifier]) -> frozenset[str]:
    """Coarse forms of every name that points to a document; citations are looked up by `citation_keys`."""
    path = _path(uri)
    return frozenset({_place_key(path), _place_key(posixpath.basename(path)), *map(_identifier_key, identifiers)})


def citation_keys(citation: Citation, uri: str) -> frozenset[str]:
    """The coarse forms of every name that a citation in the document at `uri` may point to, and of its series."""
    if citation.identifier is not None:
        return frozenset({_identifier_key(citation.identifier), series_key(citation.identifier.series)})
    place = _split(citation.target)
    if place is None or not place[1]:
        return frozenset()
    scheme, path = place
    if scheme:
        identifier = _slug_identifier(path)
        keys = {_identifier_key(identifier)} if identifier else set()
        return frozenset(keys | {_place_key(name) for tail in _tails(path) for name in _spellings(tail)})
    return frozenset(
        {_place_key(posixpath.basename(path))}
        | {_place_key(name) for candidate in _places(path, uri) for name in _spellings(candidate)}
    )


def series_key(series: str) -> str:
    """The key of every citation whose meaning changes when a series is first or no longer known."""
    return f"series {series}"


def _identifier_key(identifier: Identifier) -> str:
    return f"identifier {identifier.series} {identifier.number}"


def _place_key(path: str) -> str:
    """The last part of a path without its ending, in lower case; of a folder's own page the folder's."""
    folder, name = posixpath.split(path)
    if name.lower() in _FOLDER_NAMES:
        name = posixpath.basename(folder)
    return f"place {posixpath.splitext(name)[0].lower()}"


def _places(path: str, uri: str) -> tuple[str, str]:
    """Where a path in the document at `uri` may lead: from its folder, or from the root."""
    return _joined(posixpath.dirname(_path(uri)), path), _joined("", path)


def _tails(path: str) -> Iterator[str]:
    """The path of a web address and every end of it that has a folder, longest first."""
    parts = path.strip("/").split("/")
    for first in range(len(parts) - 1):
        yield "/".join(parts[first:])


def _slug_identifier(path: str) -> Identifier | None:
    slug = _SLUG.fullmatch(posixpath.splitext(path.strip("/").split("/")[-1])[0])
    return as_identifier(f"{slug['series']} {slug['number']}") if slug else None


def _spellings(path: str) -> tuple[str, ...]:
    """The uris that a path may stand for, the likeliest first."""
    stem = posixpath.splitext(path)[0]
    return (*(path + ending for ending in _ENDINGS), *(stem + ending for ending in _ENDINGS[1:]))


def _sorted(names: Mapping[_Name, set[str]]) -> dict[_Name, tuple[str, ...]]:
    return {name: tuple(sorted(documents)) for name, documents in names.items()}


def _path(uri: str) -> str:
    """The path of a uri, without scheme and host, so that files and pages compare alike."""
    place = _split(uri)
    return posixpath.normpath(place[1].lstrip("/")) if place and place[1] else uri


def _split(target: str) -> tuple[str, str] | None:
    """Scheme and path of a target; None for what is no address of a document (mail, malformed brackets)."""
    try:
        parts = urlsplit(target.strip())
    except ValueError:
        return None
    if parts.scheme in {"mailto", "tel", "javascript", "data"}:
        return None
    return ("" if parts.scheme == "file" else parts.scheme or ("//" if parts.netloc else "")), unquote(parts.path)


def _joined(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path)).lstrip("/")


def _shared(left: list[str], right: list[str]) -> int:
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count
