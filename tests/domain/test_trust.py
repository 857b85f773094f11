"""Trust as a sum of terms: it adds up, it explains itself, and each thing known moves it the right way."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.documents import Status
from destiny_assets.domain.trust import Trust, TrustInput, chunk_trust, document_trust

NEWEST = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN = TrustInput("wiki", 0.6, None, None, None)
DATES = st.none() | st.integers(0, 40_000).map(lambda days: NEWEST - timedelta(days=days))
KNOWN = st.builds(
    TrustInput,
    source=st.just("wiki"),
    prior=st.floats(0.01, 0.99),
    status=st.none() | st.sampled_from(Status),
    dated=DATES,
    newest_year=st.none() | st.just(NEWEST.year),
    superseded_by=st.sampled_from([(), ("PEP 649",), ("A", "B")]),
    corroborating=st.integers(0, 1000),
    inbound=st.integers(0, 100_000),
)


def logit(trust: Trust) -> float:
    return math.log(trust.score / (1 - trust.score))


def test_with_nothing_known_but_its_source_a_document_has_the_sources_prior() -> None:
    trust = document_trust(PLAIN)
    assert trust.score == pytest.approx(0.6)
    assert [term.name for term in trust.terms] == ["source"]


def test_an_even_prior_says_nothing_and_leaves_no_term() -> None:
    assert document_trust(replace(PLAIN, prior=0.5)) == Trust(0.5, ())


@given(KNOWN)
def test_the_terms_sum_to_the_logit_of_a_score_inside_0_and_1(known: TrustInput) -> None:
    trust = document_trust(known)
    assert 0 < trust.score < 1
    assert logit(trust) == pytest.approx(math.fsum(term.log_odds for term in trust.terms), abs=1e-9)
    assert all(term.why and term.log_odds != 0 for term in trust.terms)
    assert [set(row) for row in trust.as_rows()] == [{"name", "log_odds", "why"}] * len(trust.terms)


@given(KNOWN)
def test_being_superseded_never_helps_and_is_said(known: TrustInput) -> None:
    replaced = document_trust(replace(known, superseded_by=("PEP 649",)))
    assert replaced.score <= document_trust(replace(known, superseded_by=())).score
    assert "superseded by PEP 649" in {term.why for term in replaced.terms}


@given(KNOWN, st.floats(0.01, 0.99))
def test_a_better_source_is_trusted_more(known: TrustInput, prior: float) -> None:
    low, high = sorted((known.prior, prior))
    assert document_trust(replace(known, prior=low)).score <= document_trust(replace(known, prior=high)).score


@given(KNOWN, st.integers(0, 1000))
def test_more_corroboration_is_never_less_trust(known: TrustInput, more: int) -> None:
    low, high = sorted((known.corroborating, more))
    scores = [document_trust(replace(known, corroborating=count)).score for count in (low, high)]
    assert scores == sorted(scores)
    plain = document_trust(replace(known, corroborating=0))
    assert [chunk_trust(plain, count).score for count in (low, high)] == pytest.approx(scores)


@given(KNOWN, st.integers(0, 100_000))
def test_more_references_are_never_less_trust_and_never_more_than_one_unit(known: TrustInput, more: int) -> None:
    low, high = sorted((known.inbound, more))
    trusts = [document_trust(replace(known, inbound=count)) for count in (low, high)]
    assert trusts[0].score <= trusts[1].score
    assert all(term.log_odds <= 1.0 for trust in trusts for term in trust.terms if term.name == "references")


@given(st.integers(0, 40_000), st.integers(0, 40_000))
def test_older_is_never_trusted_more_and_age_alone_costs_at_most_seven_tenths(one: int, other: int) -> None:
    ages = sorted((one, other))
    trusts = [
        document_trust(replace(PLAIN, dated=NEWEST - timedelta(days=days), newest_year=NEWEST.year)) for days in ages
    ]
    assert trusts[0].score >= trusts[1].score
    assert logit(document_trust(PLAIN)) - logit(trusts[1]) <= 0.7 + 1e-9


def test_half_of_the_cost_of_age_is_spent_after_eight_years() -> None:
    dated = NEWEST - timedelta(days=8 * 365.2425)
    (freshness,) = (
        t for t in document_trust(replace(PLAIN, dated=dated, newest_year=NEWEST.year)).terms if t.name == "freshness"
    )
    assert freshness.log_odds == pytest.approx(-0.35)
    assert freshness.why.startswith("8.0 years older")


def test_statuses_are_ordered_as_a_reader_would() -> None:
    scores = [
        document_trust(replace(PLAIN, status=status)).score
        for status in (Status.REJECTED, Status.WITHDRAWN, Status.DEFERRED, Status.DRAFT, Status.ACCEPTED, Status.FINAL)
    ]
    assert scores == sorted(set(scores))
    assert set(Status) == {*Status} - {s for s in Status if document_trust(replace(PLAIN, status=s)).score == 0.6}


def test_a_chunk_has_its_documents_trust_unless_other_sources_hold_the_same_passage() -> None:
    document = document_trust(replace(PLAIN, status=Status.FINAL, corroborating=1))
    assert chunk_trust(document, 0) is document
    chunk = chunk_trust(document, 3)
    assert [term.name for term in chunk.terms].count("corroboration") == 1
    assert "3 other sources" in chunk.terms[-1].why


@pytest.mark.parametrize("prior", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_certainty_in_advance_is_refused(prior: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        document_trust(replace(PLAIN, prior=prior))
