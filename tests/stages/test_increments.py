"""Linking, trust and near-duplicates of a changed corpus are those of the corpus seen for the first time, at the cost of the change."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.projects import Source
from destiny_assets.domain.documents import Heading, Link, ParsedDocument, Status
from destiny_assets.settings import Stores
from tests.stages.corpus import Corpus, corpus_in

TERMS = ("event loop", "Event-Loop", "message queue", "Message Queues", "build backend", "stable abi", "type checker")
NAMES = ("FooBar", "foobar", "BazQux", "`gather`", "setup.py", "MAX_SIZE", "Argument Clinic", "Ada Lovelace", "Guido")
CITED = ("ADR 1", "ADR 2", "ADR 12", "KEEP 3", "KEEP 4", "RFC 2119", "guide.md", "other/readme.md")
TITLES = (
    "Use of message queues",
    "Event loop policy",
    "The stable build backend",
    "FooBar",
    "Minutes of the weekly meeting",
)
AUTHORS = ("Ada Lovelace", "Guido van Rossum", "Event Loop", "Marc-André Lemburg", "Marc-Andre Lemburg")
PLACES = ("adr/0001-a.md", "adr/0002-b.md", "adr/12-c.md", "guide.md", "x/guide.md", "other/README.md", "keep-0003.txt")
FILLER = [" ".join(f"word{(7 * row + at) % 60}" for at in range(24)) + "." for row in range(8)]


def sentence(chance: random.Random) -> str:
    said = [chance.choice((*TERMS, *NAMES, *CITED, *(title.lower() for title in TITLES))) for _ in range(2)]
    return f"We say that {said[0]} needs {said[1]}, as {chance.choice(AUTHORS)} wrote."


def written(chance: random.Random) -> ParsedDocument:
    """A small document that repeats what others say."""
    heading = chance.choice((*TERMS, *TITLES))
    parts = [heading, sentence(chance), chance.choice(FILLER), sentence(chance)]
    text = "\n\n".join([*parts, chance.choice(FILLER) * chance.choice((1, 3))])
    links = []
    if chance.random() < 0.5:
        target = chance.choice(
            ("../adr/0001-a.md", "guide.md", "/x/guide", "https://host.example/adr/0002-b.html", "ADR 12")
        )
        start = text.index(parts[1])
        links.append(Link(target, "there", start, start + 6))
    fields = {}
    if chance.random() < 0.4:
        fields[chance.choice(("superseded-by", "supersedes", "requires"))] = chance.choice(("ADR 1", "ADR 2", "KEEP 3"))
    if chance.random() < 0.2:
        fields["rfc"] = "2119"
    return ParsedDocument(
        title=chance.choice(TITLES),
        text=text,
        media_type="text/plain",
        parser="test/1",
        headings=(Heading(1, heading, 0),),
        links=tuple(links),
        authors=tuple(chance.sample(AUTHORS, chance.choice((0, 1, 2)))),
        updated_at=chance.choice((None, datetime(chance.choice((2020, 2024)), 5, 1, tzinfo=UTC))),
        status=chance.choice((None, *Status)),
        fields=fields,
    )


def change(chance: random.Random, corpus: Corpus) -> None:
    """One document more, less, elsewhere or otherwise."""
    documents = corpus.documents
    free = [
        place
        for source in ("wiki", "mail")
        for uri in (*PLACES, *(f"n/{number}.md" for number in range(14)))
        if (place := (source, uri)) not in documents
    ]
    what = chance.random()
    known = sorted(documents)
    if what < 0.3 or len(known) < 3:
        documents[chance.choice(free)] = written(chance)
    elif what < 0.45:
        del documents[chance.choice(known)]
    elif what < 0.6:
        documents[chance.choice(free)] = documents.pop(chance.choice(known))
    elif what < 0.7:
        documents[chance.choice(free)] = documents[chance.choice(known)]
    elif what < 0.85:
        place = chance.choice(known)
        documents[place] = replace(documents[place], text=documents[place].text + "\n\n" + sentence(chance))
    else:
        documents[chance.choice(known)] = written(chance)


@pytest.fixture(scope="module")
def ledger(stores: Stores) -> Iterator[PostgresLedger]:
    with PostgresLedger(stores.postgres_url, pool_size=4) as opened:
        opened.migrate()
        yield opened


@pytest.fixture
def corpus(ledger: PostgresLedger) -> Iterator[Corpus]:
    with corpus_in(ledger) as made:
        yield made


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_whatever_changes_the_result_is_that_of_the_whole(ledger: PostgresLedger, seed: int) -> None:
    chance = random.Random(seed)
    with corpus_in(ledger) as corpus:
        wanted = chance.choice((6, 14, 20))
        while len(corpus.documents) < wanted:
            change(chance, corpus)
        corpus.run()
        for _ in range(5):
            for _ in range(chance.choice((1, 1, 2, 4))):
                change(chance, corpus)
            if chance.random() < 0.3:
                # Killed somewhere, and things changed meanwhile.
                corpus.run(until=chance.choice(("chunks", "links", "trust")))
                change(chance, corpus)
            number = corpus.run(publish=False)
            corpus.require_duplicates_as_from_scratch()
            corpus.require_links_as_from_scratch()
            corpus.require_trust_as_from_scratch(number)
            corpus.ledger.generations.publish(corpus.project, number, facts={}, reason="test")


class TestCost:
    """What a change costs: rows born, documents matched."""

    @pytest.fixture
    def settled(self, corpus: Corpus) -> Corpus:
        chance = random.Random(7)
        while len(corpus.documents) < 40:
            change(chance, corpus)
        corpus.documents["wiki", "plain.md"] = plain("A plain tale", "Nothing here that anyone else would say.")
        corpus.run()
        return corpus

    def test_an_edit_that_adds_nothing_to_the_vocabulary_touches_its_own_document(self, settled: Corpus) -> None:
        settled.documents["wiki", "plain.md"] = plain("A plain tale", "Nothing here that anyone else would utter.")
        number = settled.run()
        assert settled.reports["links"]["relinked"] == 1
        assert settled.reports["trust"]["written"] <= 4
        assert [settled.born(table, number) for table in ("entity", "mention", "reference")] == [0, 0, 0]

    def test_a_new_title_is_found_where_it_was_said_before(self, settled: Corpus) -> None:
        said = plain("Reading", "See the violet reading lamp for that.")
        settled.documents["wiki", "said.md"] = said
        settled.run()
        settled.documents["wiki", "lamp.md"] = plain("The violet reading lamp", "It is violet.")
        number = settled.run()
        assert settled.reports["links"]["relinked"] == 2
        assert settled.born("mention", number) >= 1
        settled.require_links_as_from_scratch()

    def test_a_renamed_document_costs_itself_and_those_who_cite_it(self, settled: Corpus) -> None:
        settled.documents["wiki", "cites.md"] = replace(
            plain("Citing", "As told there."), links=(Link("plain.md", "there", 8, 13),)
        )
        settled.run()
        settled.documents["wiki", "tale.md"] = settled.documents.pop(("wiki", "plain.md"))
        number = settled.run()
        # The old place, the new one, and the one document that cites the old.
        assert settled.reports["links"]["relinked"] == 3
        assert settled.born("reference", number) == 1
        assert settled.born("trust_score", number) <= 4
        settled.require_links_as_from_scratch()

    def test_a_new_document_leaves_the_freshness_of_others_until_a_new_year_begins(self, settled: Corpus) -> None:
        settled.documents["wiki", "late.md"] = replace(
            plain("Late", "Written late."), updated_at=datetime(2024, 12, 31, tzinfo=UTC)
        )
        number = settled.run()
        assert settled.born("trust_score", number) == 2
        settled.documents["wiki", "next.md"] = replace(
            plain("Next", "Written next."), updated_at=datetime(2025, 1, 1, tzinfo=UTC)
        )
        number = settled.run()
        assert settled.born("trust_score", number) > 20
        settled.require_trust_as_from_scratch(number)

    def test_another_prior_of_a_source_changes_the_scores_of_its_documents(self, settled: Corpus) -> None:
        settled.ledger.projects.add_source(settled.project, Source("wiki", "files", "/nowhere", prior=0.9))
        number = settled.run()
        scored = {row[0] for row in settled.rows("trust_score", "id::text")}
        wiki = {row[0] for row in settled.rows("document_version", "document_id::text")} & scored
        assert settled.born("trust_score", number) >= len(wiki) / 2
        settled.require_trust_as_from_scratch(number)


def plain(title: str, text: str) -> ParsedDocument:
    return ParsedDocument(title, text, "text/plain", "test/1")


def test_more_like_texts_than_a_bucket_compares_are_marked_as_if_all_were_new(corpus: Corpus) -> None:
    chance = random.Random(3)

    def variant() -> ParsedDocument:
        # Alike enough to share buckets, most pairs not enough to be duplicates.
        words = [f"w{at}" for at in range(60)]
        for at in chance.sample(range(60), 2):
            words[at] = f"x{chance.randrange(10**6)}"
        return plain("Template", " ".join(words))

    for number in range(90):
        corpus.documents["wiki", f"{number:03}.md"] = variant()
    corpus.run()
    corpus.require_duplicates_as_from_scratch()
    for _ in range(4):
        for place in chance.sample(sorted(corpus.documents), 3):
            del corpus.documents[place]
        corpus.documents["wiki", f"more-{chance.random()}.md"] = variant()
        corpus.run()
        corpus.require_duplicates_as_from_scratch()


def test_real_documents_added_edited_and_taken_away_one_by_one(corpus: Corpus) -> None:
    folder = Path(__file__).parents[2] / "samples" / "peps" / "documents"
    reader = DocumentReader()
    read = {path.name: reader.parse(path.read_bytes(), uri=path.name) for path in sorted(folder.glob("*.rst"))[:25]}
    names = sorted(read)
    corpus.documents = {("peps", name): read[name] for name in names[:-2]}
    corpus.run()
    steps: list[Callable[[], object]] = [
        lambda: corpus.documents.update({("peps", names[-2]): read[names[-2]], ("peps", names[-1]): read[names[-1]]}),
        lambda: corpus.documents.pop(("peps", names[0])),
        lambda: corpus.documents.update(
            {("peps", names[3]): replace(read[names[3]], text=read[names[3]].text + "\n\nSee PEP 1 and PEP 8 again.\n")}
        ),
    ]
    for step in steps:
        step()
        corpus.run()
        corpus.require_links_as_from_scratch()
        corpus.require_duplicates_as_from_scratch()
        assert corpus.reports["links"]["relinked"] > 0
