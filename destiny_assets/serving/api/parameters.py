"""The parameters that several routes share, each with its bounds and what it means."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query

from destiny_assets.domain.filters import Filters, Mode
from destiny_assets.serving.api.problems import RefusedError
from destiny_assets.serving.api.reading import Moment, Storable

ProjectName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="A project's name.")]
ItemId = Annotated[UUID, Path(description="An id, as a list or a search shows it.")]
Question = Annotated[
    str, Storable, Query(min_length=1, max_length=10_000, description="What to look for, in plain words.")
]
Recipe = Annotated[
    str,
    Query(
        pattern=r"^[a-z]{1,20}$",
        description="How to search: best, hybrid, graph, conversation, trusted, dense or lexical.",
    ),
]
HeldBackBy = Annotated[
    Mode,
    Query(
        description="What is withheld: all (nothing), balanced (superseded, hardly trusted), strict (all that is doubtful)."
    ),
]
Word = Annotated[str, Storable, Query(min_length=1, max_length=500)]
_Words = Annotated[list[Word], Query(max_length=50)]


async def _filters(
    source: Annotated[_Words, Query(description="Only these sources.")] = [],  # noqa: B006 - FastAPI copies it
    kind: Annotated[_Words, Query(description="Only sources of these kinds.")] = [],  # noqa: B006
    author: Annotated[_Words, Query(description="Only documents by these authors.")] = [],  # noqa: B006
    status: Annotated[_Words, Query(description="Only documents of these statuses.")] = [],  # noqa: B006
    tag: Annotated[_Words, Query(description="Only documents with these tags.")] = [],  # noqa: B006
    where: Annotated[_Words, Query(description="Only documents whose header says so, as name=value.")] = [],  # noqa: B006
    since: Annotated[Moment | None, Query(description="Only documents dated at or after this time.")] = None,
    until: Annotated[Moment | None, Query(description="Only documents dated before this time.")] = None,
) -> Filters:
    pairs = [text.partition("=") for text in where]
    if any(not (name and equals) for name, equals, _ in pairs):
        raise RefusedError("bad-request", "`where` has the form name=value.")
    return Filters(source, kind, author, status, tag, [(name, value) for name, _, value in pairs], since, until)


TheFilters = Annotated[Filters, Depends(_filters)]
