"""Labelled folders: which kind one is, and its questions and documents as this project stores them. Nothing is measured here.

Kinds: `retrieval` (BEIR layout), `multi-hop` (the same, where an answer needs several documents), `memory` (turns of conversations,
each question asked of one of them) and `chunking` (gold stretches of long texts).
"""

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, TextIO
from urllib.parse import quote

from destiny_assets.adapters.postgres.benchmarks import Suite
from destiny_assets.errors import ConfigurationError

Kind = Literal["retrieval", "multi-hop", "memory", "chunking"]

# So many questions must be left on each side before a suite is halved: what is chosen by fewer is chosen by chance.
_FEWEST_TUNING = 10


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled folder written out as documents: its suite, one source a folder below the target, and how many documents."""

    kind: Kind
    suite: Suite
    sources: tuple[str, ...]
    documents: int


def load_suite(folder: Path, *, split: str = "test") -> Suite:
    """A BEIR-layout folder: ``queries.jsonl[.gz]`` and ``qrels/SPLIT.tsv``; queries without a judgement are left out."""
    grades: dict[str, dict[str, int]] = {}
    with _opened(folder / "qrels", f"{split}.tsv") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            grades.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    records = {query: record["text"] for query, record in _queries(folder).items() if query in grades}
    if not records:
        raise ConfigurationError(
            f"{folder} has no judged question: no id of queries.jsonl occurs in qrels/{split}.tsv."
        )
    return Suite(folder.name, records, {query: grades[query] for query in records})


def with_tuning_half(suite: Suite) -> Suite:
    """The suite with half of its questions, by the hash of their ids, marked as those that `best` may be chosen by."""
    half = frozenset(query for query in suite.queries if sha256(query.encode()).digest()[0] % 2)
    if min(len(half), len(suite.queries) - len(half)) < _FEWEST_TUNING:
        return suite
    return Suite(suite.name, suite.queries, suite.grades, half, suite.sources)


def write_out(folder: Path, target: Path, *, split: str = "test") -> Labelled:
    """Write a folder's documents below `target`, one folder a source; raises `ConfigurationError` for what is no labelled folder."""
    if (folder / "corpora").is_dir():
        return _chunking(folder, target)
    suite = load_suite(folder, split=split)
    asked_of = {
        query: str(record["metadata"]["conversation"])
        for query, record in _queries(folder).items()
        if (record.get("metadata") or {}).get("conversation") is not None
    }
    if asked_of:
        return _memory(folder, target, suite, asked_of)
    (target / "corpus").mkdir()
    count = 0
    for record in corpus(folder):
        title, text = record.get("title") or "", record.get("text") or ""
        body = f"# {title}\n\n{text}\n" if title else f"{text}\n"
        (target / "corpus" / uri_of(str(record["_id"]))).write_text(body, "utf-8")
        count += 1
    grades = {query: {uri_of(item): grade for item, grade in judged.items()} for query, judged in suite.grades.items()}
    needs_several = all(sum(grade > 0 for grade in judged.values()) > 1 for judged in grades.values())
    kind: Kind = "multi-hop" if needs_several else "retrieval"
    return Labelled(kind, Suite(suite.name, suite.queries, grades), ("corpus",), count)


def corpus(folder: Path) -> Iterator[dict[str, Any]]:
    """The documents of a BEIR-layout folder: ``_id``, ``title``, ``text``."""
    with _opened(folder, "corpus.jsonl") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def uri_of(item: str) -> str:
    """The file a document of that id is written to."""
    return f"{quote(item, safe='')}.md"


def stretch(uri: str, start: int, end: int) -> str:
    """A stretch of a document, by characters, as RFC 5147 writes it."""
    return f"{uri}#char={start},{end}"


def _memory(folder: Path, target: Path, suite: Suite, asked_of: Mapping[str, str]) -> Labelled:
    """One source a conversation, one document a session in which each turn is a section, so that turns have neighbours."""
    place: dict[str, str] = {}
    lengths: dict[Path, int] = {}
    turns = [record for record in corpus(folder) if "conversation" in (record.get("metadata") or {})]
    sessions = groupby(turns, key=lambda turn: (str(turn["metadata"]["conversation"]), turn["metadata"].get("session")))
    documents = 0
    for (conversation, session), some in sessions:
        uri = f"session-{session or 1}.md"
        source = target / quote(conversation, safe="")
        source.mkdir(exist_ok=True)
        with (source / uri).open("a", encoding="utf-8", newline="") as file:
            # A session that is interrupted by another goes on where it ended.
            at = lengths.get(source / uri, 0)
            documents += at == 0
            for turn in some:
                said = turn["metadata"]
                head = f"# {said.get('date_time') or conversation}\n\n" if at == 0 else ""
                body = f"## {said.get('speaker') or 'Turn'}\n\n{turn['text']}\n\n"
                place[str(turn["_id"])] = stretch(uri, at + len(head), at + len(head) + len(body))
                file.write(head + body)
                at += len(head) + len(body)
            lengths[source / uri] = at
    grades = {
        query: {place[item]: grade for item, grade in judged.items() if item in place}
        for query, judged in suite.grades.items()
    }
    found = Suite(
        suite.name,
        suite.queries,
        grades,
        sources={query: quote(asked_of[query], safe="") for query in suite.queries if query in asked_of},
    )
    return Labelled("memory", found, tuple(sorted(path.name for path in target.iterdir())), documents)


def _chunking(folder: Path, target: Path) -> Labelled:
    (target / "corpus").mkdir()
    texts = sorted(path for path in (folder / "corpora").iterdir() if ".md" in path.suffixes)
    for path in texts:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        (target / "corpus" / path.name.removesuffix(".gz")).write_bytes(data)
    with _opened(folder, "questions.jsonl") as lines:
        records = [json.loads(line) for line in lines if line.strip()]
    grades = {
        str(record["id"]): {
            stretch(f"{record['corpus']}.md", span["start"], span["end"]): 1 for span in record["references"]
        }
        for record in records
    }
    suite = Suite(folder.name, {str(record["id"]): record["question"] for record in records}, grades)
    return Labelled("chunking", suite, ("corpus",), len(texts))


def _queries(folder: Path) -> dict[str, dict[str, Any]]:
    with _opened(folder, "queries.jsonl") as lines:
        records = [json.loads(line) for line in lines if line.strip()]
    return {str(record["_id"]): record for record in records}


@contextmanager
def _opened(folder: Path, name: str) -> Iterator[TextIO]:
    """A text file of the folder, plain or gzipped; raises `ConfigurationError` when neither is there."""
    if (plain := folder / name).is_file():
        with plain.open(encoding="utf-8", newline="") as lines:
            yield lines
    elif (packed := folder / f"{name}.gz").is_file():
        with gzip.open(packed, "rt", encoding="utf-8", newline="") as lines:
            yield lines
    else:
        raise ConfigurationError(
            f"{folder} holds neither {name} nor {name}.gz. A suite is a folder in BEIR layout; see docs/benchmarks.md."
        )
