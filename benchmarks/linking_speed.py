"""How fast linking is, stage by stage: ``python benchmarks/linking_speed.py CORPUS.jsonl[.gz]...``

Each line of a corpus is ``{"_id" or "id", "title", "text"}``. Prints megabytes of text a second of
processor time (linking is single-threaded; other work on the machine does not count), to compare with the 0.1 to
0.2 MB/s at which the local model embeds.
"""

import argparse
import gzip
import json
import time
from pathlib import Path

from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.linking.linker import Linker, merged
from destiny_assets.domain.linking.records import LinkableChunk, LinkableDocument
from destiny_assets.domain.linking.traces import read_document

CHUNK_CHARACTERS = 600


def read(paths: list[Path]) -> list[LinkableDocument]:
    """The documents of the files, as plain text."""
    documents = []
    for path in paths:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                identity = str(record.get("_id") or record["id"])
                parsed = ParsedDocument(record.get("title", ""), record["text"], "text/plain", "benchmark")
                documents.append(LinkableDocument(identity, f"{identity}.txt", parsed))
    return documents


def main() -> None:
    """Link the corpora named on the command line and print the speed of each stage."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("corpus", nargs="+", type=Path)
    documents = read(arguments.parse_args().corpus)
    megabytes = sum(len(document.parsed.text) for document in documents) / 1e6
    chunks = [
        [
            LinkableChunk(f"{document.id}@{start}", document.parsed.text[start : start + CHUNK_CHARACTERS], start)
            for start in range(0, len(document.parsed.text), CHUNK_CHARACTERS)
        ]
        for document in documents
    ]
    clock = [time.process_time()]
    traces = [read_document(document) for document in documents]
    clock.append(time.process_time())
    linker = Linker(traces)
    clock.append(time.process_time())
    references = merged(row for trace, own in zip(traces, chunks, strict=True) for row in linker.references(trace, own))
    clock.append(time.process_time())
    mentions = [row for trace, own in zip(traces, chunks, strict=True) for row in linker.mentions(trace, own)]
    clock.append(time.process_time())
    for stage, begin, end in zip(("read", "grow", "refer", "mention"), clock, clock[1:], strict=False):
        print(f"{stage:8} {end - begin:7.2f} s {megabytes / (end - begin):8.2f} MB/s")
    print(f"{'total':8} {clock[-1] - clock[0]:7.2f} s {megabytes / (clock[-1] - clock[0]):8.2f} MB/s")
    print(
        f"{len(documents)} documents, {megabytes:.1f} MB, {sum(map(len, chunks))} chunks: {len(linker.entities)} entities, "
        f"{len(mentions)} mentions, {len(references)} references"
    )


if __name__ == "__main__":
    main()
