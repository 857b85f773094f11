"""What can be asked of how knowledge came about and how it is judged: a function for each operation, as in `endpoints`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from destiny_assets.sdk import claim_records as c
from destiny_assets.sdk import oversight_records as o
from destiny_assets.sdk import records as r
from destiny_assets.sdk.calls import Call, at, get, many, one, raw, write


def claims(
    project: str,
    *,
    subject: str | None = None,
    predicate: str | None = None,
    contested: bool = False,
    limit: int = 50,
    cursor: str | None = None,
    as_of: datetime | None = None,
    generation: int | None = None,
) -> Call[r.Page[c.Claim]]:
    """What is claimed, slot by slot, the most probable first; `subject` is any part of one, `predicate` a whole one."""
    return get(
        at(project, "claims"),
        many(c.Claim),
        subject=subject,
        predicate=predicate,
        contested=str(contested).lower(),
        limit=limit,
        cursor=cursor,
        as_of=as_of,
        generation=generation,
    )


def explain_claim(
    project: str,
    id: str,  # noqa: A002
    *,
    as_of: datetime | None = None,
    generation: int | None = None,
) -> Call[c.ClaimExplanation]:
    """Why a claim is believed as it is, and what would change that."""
    return get(at(project, "claims", id), one(c.ClaimExplanation), as_of=as_of, generation=generation)


def labels(project: str, *, limit: int = 50, cursor: str | None = None) -> Call[r.Page[c.Label]]:
    """What people said of claims, newest first."""
    return get(at(project, "labels"), many(c.Label), limit=limit, cursor=cursor)


def label(project: str, verdicts: Mapping[str, bool]) -> Call[c.Labelled]:
    """Say of claims, by id, whether they are true; the next ingest counts it."""
    said = [{"claim": claim, "verdict": verdict} for claim, verdict in verdicts.items()]
    return write("POST", at(project, "labels"), one(c.Labelled), json={"labels": said})


def take_label_back(project: str, claim: str) -> Call[c.Labelled]:
    """Take back what was said of a claim; the next ingest counts it."""
    return write("DELETE", at(project, "labels", claim), one(c.Labelled))


def suggest_labels(project: str, *, limit: int = 10, generation: int | None = None) -> Call[c.Suggestions]:
    """Where a label would teach most."""
    return get(at(project, "labels", "suggestions"), one(c.Suggestions), limit=limit, generation=generation)


def calibration(project: str, *, generation: int | None = None) -> Call[c.TrustMeasured]:
    """How well probabilities of claims hold against people's labels, and what the model made of truth suites."""
    return get(at(project, "calibration"), one(c.TrustMeasured), generation=generation)


def entity(project: str, id: str, *, mentions: int = 20, generation: int | None = None) -> Call[o.EntityPage]:  # noqa: A002
    """One entity, with the first passages that name it."""
    return get(at(project, "entities", id), one(o.EntityPage), mentions=mentions, generation=generation)


def choices(
    project: str, *, most: int = 200, as_of: datetime | None = None, generation: int | None = None
) -> Call[o.Choices]:
    """What a search can be narrowed to."""
    return get(at(project, "choices"), one(o.Choices), most=most, as_of=as_of, generation=generation)


def report(project: str) -> Call[o.Report]:
    """A project at a glance: growth, layers, trust, retrieval, quarantine."""
    return get(at(project, "report"), one(o.Report))


def runs(project: str, *, limit: int = 10) -> Call[r.Page[o.Run]]:
    """The newest runs, with what came of them."""
    return get(at(project, "runs"), many(o.Run), limit=limit)


def changes(
    project: str, generation: int, *, since: int, limit: int = 50, cursor: str | None = None
) -> Call[o.Changes]:
    """The documents that were added, changed or removed from generation `since` to `generation`."""
    place = at(project, "generations", str(generation), "changes")
    return get(place, one(o.Changes), since=since, limit=limit, cursor=cursor)


def benchmarks(
    project: str, *, suite: str | None = None, recipe: str | None = None, limit: int = 50, cursor: str | None = None
) -> Call[r.Page[o.BenchmarkRun]]:
    """What each recipe reached on each suite of golden questions, newest first."""
    return get(at(project, "benchmarks"), many(o.BenchmarkRun), suite=suite, recipe=recipe, limit=limit, cursor=cursor)


def benchmark_curves(project: str, *, metric: str = "ndcg@10") -> Call[o.Curves]:
    """How a metric moved over the newest published generations."""
    return get(at(project, "benchmarks", "curves"), one(o.Curves), metric=metric)


def compare_benchmarks(
    project: str, *, suite: str, recipe: str, before: int, after: int, metric: str = "ndcg@10"
) -> Call[o.Comparison]:
    """Which golden questions one generation answers otherwise than another, the deepest fall first."""
    place = at(project, "benchmarks", "comparison")
    return get(place, one(o.Comparison), suite=suite, recipe=recipe, before=before, after=after, metric=metric)


def sources(project: str) -> Call[r.Page[o.Source]]:
    """The sources of a project."""
    return get(at(project, "sources"), many(o.Source))


def add_source(
    project: str,
    kind: str,
    uri: str,
    *,
    name: str | None = None,
    options: Mapping[str, str] | None = None,
    prior: float = 0.6,
) -> Call[o.Attached]:
    """Attach a source; what `uri` and `options` mean depends on `kind`."""
    said: dict[str, Any] = {"kind": kind, "uri": uri, "options": dict(options or {}), "prior": prior}
    return write(
        "POST", at(project, "sources"), one(o.Attached), json=said | ({"name": name} if name is not None else {})
    )


def remove_source(project: str, name: str) -> Call[dict[str, int]]:
    """Detach a source; its documents leave with the next ingest."""
    return write("DELETE", at(project, "sources", name), lambda said: dict(said["removed"]))


def ingests(project: str, *, limit: int = 20) -> Call[r.Page[r.Ingest]]:
    """The newest ingests that were asked for through the API."""
    return get(at(project, "ingests"), many(r.Ingest), limit=limit)


def audit(*, project: str | None = None, limit: int = 50, cursor: str | None = None) -> Call[r.Page[o.AuditEvent]]:
    """What was done by whom, newest first, for administrators."""
    return get("/v1/audit", many(o.AuditEvent), project=project, limit=limit, cursor=cursor)


def readiness() -> Call[o.Readiness]:
    """Which layers answer; a server that is not ready refuses it (503)."""
    return get("/v1/readiness", one(o.Readiness))


def metrics() -> Call[str]:
    """Requests, calls of layers and circuits in Prometheus' text format, for a key that may read every project."""
    return raw("/metrics", lambda said: bytes(said).decode())
