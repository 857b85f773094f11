"""What can be asked of a server: a function for each operation, which describes the request. The clients send it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from destiny_assets.sdk import records as r
from destiny_assets.sdk.calls import Call, Filters, at, get, many, one, raw, write

_EVERYTHING = Filters()


def me() -> Call[r.Me]:
    """Whom the key stands for, and what it opens."""
    return get("/v1/me", one(r.Me))


def projects(*, limit: int = 50, cursor: str | None = None) -> Call[r.Page[r.Project]]:
    """The projects the key may read."""
    return get("/v1/projects", many(r.Project), limit=limit, cursor=cursor)


def project(name: str) -> Call[r.Project]:
    """One project."""
    return get(at(name), one(r.Project))


def create_project(name: str) -> Call[bool]:
    """Create a project; False when it was there."""
    return write("POST", "/v1/projects", lambda said: bool(said["created"]), json={"project": name})


def remove_project(name: str) -> Call[dict[str, int]]:
    """Delete a project from all layers, for good; what was there, by layer."""
    return write("DELETE", at(name), lambda said: dict(said["removed"]))


def search(
    project: str,
    q: str,
    *,
    k: int = 10,
    recipe: str = "hybrid",
    mode: str = "all",
    min_trust: float = 0.0,
    diversity: float = 0.0,
    surrounding: int = 0,
    filters: Filters = _EVERYTHING,
    as_of: datetime | None = None,
    generation: int | None = None,
) -> Call[r.SearchResult]:
    """The `k` passages that answer best."""
    return get(
        at(project, "search"),
        one(r.SearchResult),
        q=q,
        k=k,
        recipe=recipe,
        mode=mode,
        min_trust=min_trust,
        diversity=diversity,
        surrounding=surrounding,
        as_of=as_of,
        generation=generation,
        **filters.parameters(),
    )


def context(
    project: str,
    q: str,
    *,
    tokens: int = 4_000,
    recipe: str = "best",
    mode: str = "balanced",
    filters: Filters = _EVERYTHING,
    as_of: datetime | None = None,
    generation: int | None = None,
) -> Call[r.ContextPack]:
    """What is worth reading for a question, within a budget of tokens."""
    return get(
        at(project, "context"),
        one(r.ContextPack),
        q=q,
        tokens=tokens,
        recipe=recipe,
        mode=mode,
        as_of=as_of,
        generation=generation,
        **filters.parameters(),
    )


def ask(project: str, question: str, *, as_of: datetime | None = None, generation: int | None = None) -> Call[r.Answer]:
    """An answer with citations. It changes nothing, so it may be sent again."""
    said: dict[str, Any] = {"question": question}
    if as_of is not None:
        said["as_of"] = as_of.isoformat()
    if generation is not None:
        said["generation"] = generation
    return Call("POST", at(project, "ask"), one(r.Answer), json=said)


def ask_aloud(
    project: str, question: str, *, as_of: datetime | None = None, generation: int | None = None
) -> Call[r.Answer]:
    """The same answer while it is made: its pieces as texts, then the whole, which holds whatever the pieces were."""
    asked = ask(project, question, as_of=as_of, generation=generation)
    return replace(asked, path=at(project, "ask", "stream"), headers={"Accept": "text/event-stream"})


def push(
    project: str,
    uri: str,
    content: bytes | str,
    *,
    media_type: str | None = None,
    title: str = "",
    authors: list[str] | None = None,
    created: datetime | None = None,
    source: str = "pushed",
) -> Call[r.Pushed]:
    """Push a document; under the same uri it is replaced. Readers see it after the next ingest."""
    return write(
        "PUT",
        at(project, "documents"),
        one(r.Pushed),
        content=content.encode() if isinstance(content, str) else content,
        media_type=media_type or ("text/plain" if isinstance(content, str) else None),
        uri=uri,
        title=title or None,
        author=authors or [],
        created=created,
        source=source,
    )


def forget(project: str, uri: str) -> Call[r.Pushed]:
    """Take a pushed document out; it leaves with the next ingest."""
    return write("DELETE", at(project, "documents"), one(r.Pushed), uri=uri)


def documents(
    project: str,
    *,
    uri: str | None = None,
    source: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
    as_of: datetime | None = None,
    generation: int | None = None,
) -> Call[r.Page[r.Document]]:
    """Documents by uri."""
    return get(
        at(project, "documents"),
        many(r.Document),
        uri=uri,
        source=source,
        limit=limit,
        cursor=cursor,
        as_of=as_of,
        generation=generation,
    )


def document(project: str, id: str, *, generation: int | None = None) -> Call[r.Document]:  # noqa: A002
    """One document."""
    return get(at(project, "documents", id), one(r.Document), generation=generation)


def text(project: str, id: str, *, generation: int | None = None) -> Call[str]:  # noqa: A002
    """A document's text, into which all spans point."""
    return raw(at(project, "documents", id, "text"), lambda said: bytes(said).decode(), generation=generation)


def original(project: str, id: str, *, generation: int | None = None) -> Call[bytes]:  # noqa: A002
    """The bytes a document was read from."""
    return raw(at(project, "documents", id, "original"), bytes, generation=generation)


def explain_trust(
    project: str, item: str, *, as_of: datetime | None = None, generation: int | None = None
) -> Call[r.TrustExplanation]:
    """The terms that the trust of a chunk (by id) or document (by uri) is the sum of."""
    return get(at(project, "trust"), one(r.TrustExplanation), item=item, as_of=as_of, generation=generation)


def entities(
    project: str,
    *,
    q: str | None = None,
    kind: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
    generation: int | None = None,
) -> Call[r.Page[r.Entity]]:
    """Entities by name."""
    return get(
        at(project, "entities"), many(r.Entity), q=q, kind=kind, limit=limit, cursor=cursor, generation=generation
    )


def neighbourhood(
    project: str,
    id: str,  # noqa: A002
    *,
    limit: int = 50,
    generation: int | None = None,
) -> Call[r.Neighbourhood]:
    """What is one edge away from a document, chunk, entity or decision."""
    return get(at(project, "graph", id), one(r.Neighbourhood), limit=limit, generation=generation)


def decisions(
    project: str,
    *,
    q: str | None = None,
    agent: str | None = None,
    min_importance: float = 0.0,
    everything: bool = False,
    limit: int = 50,
    cursor: str | None = None,
    as_of: datetime | None = None,
    generation: int | None = None,
) -> Call[r.Page[r.Decision]]:
    """What was decided, newest first; with `everything` also what no longer holds."""
    return get(
        at(project, "decisions"),
        many(r.Decision),
        q=q,
        agent=agent,
        min_importance=min_importance,
        everything=str(everything).lower(),
        limit=limit,
        cursor=cursor,
        as_of=as_of,
        generation=generation,
    )


def decision_history(project: str, id: str, *, generation: int | None = None) -> Call[r.DecisionHistory]:  # noqa: A002
    """A decision, what it replaced and what replaced it."""
    return get(at(project, "decisions", id), one(r.DecisionHistory), generation=generation)


def generations(project: str, *, limit: int = 50, cursor: str | None = None) -> Call[r.Page[r.Generation]]:
    """Generations, newest first."""
    return get(at(project, "generations"), many(r.Generation), limit=limit, cursor=cursor)


def rollback(project: str, generation: int) -> Call[r.Generation]:
    """Point readers at another published generation."""
    return write("POST", at(project, "rollback"), one(r.Generation), json={"generation": generation})


def start_ingest(project: str, *, accept_worse: str | None = None) -> Call[r.Ingest]:
    """Bring a project up to date; follow it with `ingest`."""
    return write("POST", at(project, "ingests"), one(r.Ingest), json={"accept_worse": accept_worse})


def ingest(project: str, id: str) -> Call[r.Ingest]:  # noqa: A002
    """How far an ingest is."""
    return get(at(project, "ingests", id), one(r.Ingest))


def follow(project: str, id: str) -> Call[r.Ingest]:  # noqa: A002
    """The same whenever something moved, until it has ended."""
    return replace(
        ingest(project, id), path=at(project, "ingests", id, "events"), headers={"Accept": "text/event-stream"}
    )


def doctor(project: str) -> Call[dict[str, Any]]:
    """The health of every layer, as the server's JSON."""
    return get(at(project, "doctor"), lambda said: dict(said))
