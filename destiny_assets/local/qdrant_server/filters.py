"""Qdrant's filters, from the client's models to the engine's. What the engine cannot say exactly is a 501 or a 400."""

# The engine's type aliases exist only in its stub.
from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any, assert_never

import numpy as np
import qdrant_edge as edge
from qdrant_client.http.models import models as m

from destiny_assets.local.qdrant_server.protocol import bad_request, point_id, reject_set, unsupported

_CLAUSES = ("match", "range", "geo_bounding_box", "geo_radius", "geo_polygon", "values_count", "is_empty", "is_null")


def translate(condition: m.Filter) -> edge.Filter:
    """One filter, nested to any depth."""
    return edge.Filter(
        must=_clause(condition.must),
        should=_clause(condition.should),
        must_not=_clause(condition.must_not),
        min_should=_min_should(condition.min_should),
    )


def translate_optional(condition: m.Filter | None) -> edge.Filter | None:
    """`translate`, with no filter for no filter."""
    return None if condition is None else translate(condition)


def all_of(filters: Iterable[edge.Filter]) -> edge.Filter | None:
    """The conjunction of `filters`; None when there are none."""
    wanted = list(filters)
    if len(wanted) > 1:
        return edge.Filter(must=list(wanted))
    return wanted[0] if wanted else None


def only_ids(ids: Iterable[edge.PointId]) -> edge.Filter:
    """Points with one of `ids`."""
    return edge.Filter(must=[edge.HasIdCondition(set(ids))])


def without_ids(ids: Iterable[edge.PointId]) -> edge.Filter:
    """Points with none of `ids`."""
    return edge.Filter(must_not=[edge.HasIdCondition(set(ids))])


def _clause(conditions: list[m.Condition] | m.Condition | None) -> list[edge.ConditionType] | None:
    if conditions is None:
        return None
    if not isinstance(conditions, list):
        conditions = [conditions]
    # An empty clause constrains nothing, in every Qdrant.
    return [_condition(each) for each in conditions] or None


def _min_should(wanted: m.MinShould | None) -> edge.MinShould | None:
    if wanted is None:
        return None
    if wanted.min_count < 1:
        raise bad_request(f"min_count value {wanted.min_count} is invalid. Must be 1 or larger.")
    return edge.MinShould(conditions=[_condition(each) for each in wanted.conditions], min_count=wanted.min_count)


def _condition(condition: m.Condition) -> edge.ConditionType:
    match condition:
        case m.FieldCondition():
            return _field(condition)
        case m.IsEmptyCondition():
            return edge.IsEmptyCondition(condition.is_empty.key)
        case m.IsNullCondition():
            return edge.IsNullCondition(condition.is_null.key)
        case m.HasIdCondition():
            return edge.HasIdCondition({point_id(each) for each in condition.has_id})
        case m.HasVectorCondition():
            return edge.HasVectorCondition(condition.has_vector)
        case m.NestedCondition():
            return edge.NestedCondition(condition.nested.key, translate(condition.nested.filter))
        case m.Filter():
            return translate(condition)
        case m.SliceCondition():
            raise unsupported("filter condition slice")
        case _:
            assert_never(condition)


def _field(condition: m.FieldCondition) -> edge.FieldCondition:
    reject_set(condition, "geo_bounding_box", "geo_radius", "geo_polygon", where="filter condition ")
    given = [name for name in _CLAUSES if getattr(condition, name) is not None]
    if len(given) != 1:
        raise bad_request(f"the condition on `{condition.key}` needs exactly one of {', '.join(_CLAUSES)}")
    count = condition.values_count
    return edge.FieldCondition(
        condition.key,
        match=None if condition.match is None else _match(condition.match),
        range=None if condition.range is None else _range(condition.range),
        values_count=None
        if count is None
        else edge.ValuesCount(lt=count.lt, gt=count.gt, lte=count.lte, gte=count.gte),
        is_empty=condition.is_empty,
        is_null=condition.is_null,
    )


def _match(match: m.Match) -> edge.MatchType:
    match match:
        case m.MatchValue():
            # The engine reads Python's True as the number 1, which no boolean equals; numpy's is no number.
            value: Any = np.bool_(match.value) if isinstance(match.value, bool) else match.value
            return edge.MatchValue(value)
        case m.MatchAny():
            return edge.MatchAny(match.any)
        case m.MatchExcept():
            return edge.MatchExcept(match.except_)
        case m.MatchText():
            return edge.MatchText(match.text)
        case m.MatchTextAny():
            return edge.MatchTextAny(match.text_any)
        case m.MatchPhrase():
            return edge.MatchPhrase(match.phrase)
        case m.MatchPrefix():
            return edge.MatchPrefix(match.prefix)
        case m.MatchSubstring():
            return edge.MatchSubstring(match.substring)
        case _:
            assert_never(match)


def _range(bounds: m.RangeInterface) -> edge.RangeType:
    if isinstance(bounds, m.Range):
        return edge.RangeFloat(gte=bounds.gte, gt=bounds.gt, lte=bounds.lte, lt=bounds.lt)
    return edge.RangeDateTime(
        gte=_moment(bounds.gte), gt=_moment(bounds.gt), lte=_moment(bounds.lte), lt=_moment(bounds.lt)
    )


def _moment(value: datetime | date | None) -> str | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        value = datetime.combine(value, time.min)
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
