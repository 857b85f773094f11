"""How often an extractive answer is refused: where the answering documents are held out of the corpus, and where they are there.

    python benchmarks/refusals.py --tune FOLDER[:SPLIT]... --check FOLDER[:SPLIT]... [--questions 400] [--cache FOLDER]

Folders are labelled ones as `destiny evaluate retrieval` takes them. Each question is put three times to the passages that `hybrid`
finds: with all documents there, without those (or, where stretches are judged, the chunks) that answer it, and to another folder's
corpus. Weights are fitted on the tuning halves of the tuned folders (a folder that is only tuned on counts whole), figures are those
of the other questions. Everything runs in memory by the functions of `domain`; `--cache` keeps vectors between runs. Prints JSON: the
fitted weights for `destiny_assets/domain/support.py`, then for each folder the shares refused at their threshold (without `--tune`, at that of the
weights in the code), and the curve.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from destiny_assets.adapters.embedders.bert.embedder import LocalBert
from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.domain.answers import sentences
from destiny_assets.domain.chunking import split
from destiny_assets.domain.logistic import fit
from destiny_assets.domain.retrieval import HYBRID, RECIPES, fuse
from destiny_assets.domain.sparse import encode_documents, encode_query
from destiny_assets.domain.support import WITH_COSINE, WORDS_ONLY, Signs, SupportModel, signs, sought
from destiny_assets.serving.asking import EVIDENCE_PASSAGES
from destiny_assets.stages.suites import with_tuning_half, write_out

Floats = npt.NDArray[np.float64]
_WRONG = (0.01, 0.02, 0.05, 0.1)


class Vectors:
    """MiniLM's vectors by text, kept in a file where there is one."""

    def __init__(self, cache: Path | None) -> None:
        self._file = cache / "vectors.npz" if cache else None
        self._model = LocalBert()
        self.tokenizer = self._model.tokenizer
        self._known: dict[bytes, npt.NDArray[np.float16]] = {}
        if self._file and self._file.exists():
            with np.load(self._file) as kept:
                self._known = dict(zip((key.tobytes() for key in kept["keys"]), kept["vectors"], strict=True))

    def of(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """One unit vector a text."""
        keys = [sha256(text.encode("utf-8", "replace")).digest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if new:
            self._known.update(zip(new, self._model.embed(list(new.values())).astype(np.float16), strict=True))
        return np.array([self._known[key] for key in keys], np.float32).reshape(len(texts), -1)

    def keep(self) -> None:
        """Write them to the file, where there is one."""
        if self._file and self._known:
            keys = np.frombuffer(b"".join(self._known), np.uint8).reshape(-1, 32)
            np.savez(self._file, keys=keys, vectors=np.array(list(self._known.values())))


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as `ask` sees it: where it stands, its sentences, and the terms of it (with title and headings) and of each of them."""

    uri: str
    source: str
    start: int
    end: int
    terms: frozenset[int]
    sentences: tuple[str, ...]


class Corpus:
    """A labelled folder, cut, embedded and weighed."""

    def __init__(self, named: str, vectors: Vectors) -> None:
        path, _, chosen = named.partition(":")
        self.name = named.rstrip("/").rpartition("/")[2]
        self._vectors = vectors
        self.passages: list[Passage] = []
        embedded: list[str] = []
        with tempfile.TemporaryDirectory(prefix="destiny-refusals-") as folder:
            self.suite = with_tuning_half(write_out(Path(path), Path(folder), split=chosen or "test").suite)
            for file in sorted(Path(folder).rglob("*.md")):
                document = DocumentReader().parse(file.read_bytes(), uri=file.name)
                for chunk in split(document, vectors.tokenizer.token_starts([document.text])[0]):
                    told = "\n".join((document.title, *chunk.heading_path, chunk.text))
                    said = tuple(sentence.text for sentence in sentences(0, chunk.text))
                    self.passages.append(
                        Passage(file.name, file.parent.name, chunk.start, chunk.end, terms_of(told), said)
                    )
                    embedded.append(chunk.embed_text)
        self._dense = vectors.of(embedded)
        vectors.keep()
        self._sparse = encode_documents(embedded)
        self.having = Counter(int(term) for one in self._sparse for term in one.indices)
        self._with_term: dict[int, list[tuple[int, float]]] = {}
        for at, one in enumerate(self._sparse):
            for term, weight in zip(one.indices.tolist(), one.values.tolist(), strict=True):
                self._with_term.setdefault(term, []).append((at, weight))

    def answering(self, query: str) -> set[int]:
        """The chunks that answer a question: those of the judged documents, or those that touch a judged stretch."""
        found: set[int] = set()
        for item, grade in self.suite.grades[query].items():
            uri, mark, places = item.rpartition("#char=")
            start, end = map(int, places.split(",")) if mark else (0, 1 << 60)
            found |= {
                at
                for at, one in enumerate(self.passages)
                if grade > 0 and one.uri == (uri if mark else item) and one.start < end and start < one.end
                if self.suite.sources.get(query, one.source) == one.source
            }
        return found

    def signs(self, question: str, source: str | None, without: set[int]) -> Signs:
        """The signs of the passages that a question finds, in the corpus `without` some chunks."""
        size = len(self.passages) - len(without)
        having = self.having - Counter(int(term) for at in without for term in self._sparse[at].indices)
        asked = self._vectors.of([question])[0]
        here = [at for at, one in enumerate(self.passages) if at not in without and source in (None, one.source)]
        cosine = dict(zip(map(str, here), (self._dense[here] @ asked).tolist(), strict=True))
        looked_for = sought(question, size, having)
        allowed, bm25 = set(here), Counter[str]()
        for term in encode_query(question).indices.tolist():
            for at, weight in self._with_term.get(term, []):
                if at in allowed:
                    bm25[str(at)] += looked_for.rarity[term] * weight
        recipe = RECIPES[HYBRID]
        near = {id_ for id_, _ in sorted(cosine.items(), key=lambda item: -item[1])[: recipe.candidates]}
        near |= {id_ for id_, _ in bm25.most_common(recipe.candidates)}
        ranking = fuse({id_: cosine[id_] for id_ in near}, {id_: bm25[id_] for id_ in near}, recipe.dense_weight)
        found = [self.passages[int(id_)] for id_, _ in ranking[:EVIDENCE_PASSAGES]]
        said = [sentence for one in found for sentence in one.sentences]
        cosines = (self._vectors.of(said) @ asked).tolist() if said else []
        return signs(looked_for, [one.terms for one in found], [terms_of(sentence) for sentence in said], cosines)


def terms_of(text: str) -> frozenset[int]:
    """The terms that a text is found by."""
    return frozenset(encode_query(text).indices.tolist())


def rows(all_signs: Iterable[Signs], *, cosine: bool) -> Floats:
    """A row of features for each."""
    return np.array([one.features if cosine else one.features[:-1] for one in all_signs], np.float64)


def fitted(answerable: Sequence[Signs], not_: Sequence[Signs], *, cosine: bool) -> SupportModel:
    """A logistic regression in which both kinds weigh alike, and the threshold with 5 % wrong refusals; rounded as in the code."""
    there, gone = rows(answerable, cosine=cosine), rows(not_, cosine=cosine)
    every = np.concatenate([there, gone])
    target = np.concatenate([np.ones(len(there)), np.zeros(len(gone))])
    found = fit(every, target, 1.0)
    weights = found.weights[1:] / found.scale
    threshold = float(np.quantile(found.probability(there), 0.05))
    constant = float(found.weights[0] - weights @ found.mean)
    return SupportModel(round(constant, 3), tuple(round(float(x), 3) for x in weights), round(threshold, 3))


def curve(answerable: Sequence[float], near: Sequence[float], far: Sequence[float]) -> list[dict[str, float]]:
    """The shares refused where so many answerable questions are."""
    return [
        {
            "wrongly": wrong,
            "held_out": round(float(np.mean(np.array(near) < cut)), 3),
            "foreign": round(float(np.mean(np.array(far) < cut)), 3),
        }
        for wrong in _WRONG
        for cut in [np.quantile(answerable, wrong)]
    ]


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tune", nargs="+", default=[], metavar="FOLDER")
    parser.add_argument("--check", nargs="+", required=True, metavar="FOLDER")
    parser.add_argument(
        "--questions", type=int, default=400, help="at most so many of each folder, by the hash of their ids"
    )
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    vectors = Vectors(options.cache)
    names = list(dict.fromkeys([*options.tune, *options.check]))
    corpora = {name: Corpus(name, vectors) for name in names}
    tuned: tuple[list[Signs], list[Signs]] = ([], [])
    checked: dict[str, tuple[list[Signs], list[Signs], list[Signs]]] = {}
    for number, (name, corpus) in enumerate(corpora.items()):
        suite = corpus.suite
        foreign = corpora[names[(number + 1) % len(names)]].suite
        strangers = iter(sorted(foreign.queries.values(), key=lambda text: sha256(text.encode()).digest()))
        chosen = sorted(suite.queries, key=lambda query: sha256(query.encode()).digest())[: options.questions]
        for query in chosen:
            if not (answering := corpus.answering(query)):
                continue
            text, source = suite.queries[query], suite.sources.get(query)
            there, gone = corpus.signs(text, source, set()), corpus.signs(text, source, answering)
            if name in options.tune and (name not in options.check or query in suite.tuning):
                tuned[0].append(there)
                tuned[1].append(gone)
            else:
                kept = checked.setdefault(corpus.name, ([], [], []))
                kept[0].append(there)
                kept[1].append(gone)
                if (stranger := next(strangers, None)) is not None:
                    kept[2].append(corpus.signs(stranger, source, set()))
        vectors.keep()
    found: dict[str, Any] = {"fitted": {}, "checked": {}}
    for kind, cosine in (("with_cosine", True), ("words_only", False)):
        model = WITH_COSINE if cosine else WORDS_ONLY
        if tuned[0]:
            model = fitted(*tuned, cosine=cosine)
            found["fitted"][kind] = asdict(model)
        found["checked"][kind] = {}
        for name, kinds in checked.items():
            there, gone, strange = ([model.support(one) for one in some] for some in kinds)
            found["checked"][kind][name] = {
                "questions": len(there),
                "wrongly": round(float(np.mean(np.array(there) < model.threshold)), 3),
                "held_out": round(float(np.mean(np.array(gone) < model.threshold)), 3),
                "foreign": round(float(np.mean(np.array(strange) < model.threshold)), 3),
                "curve": curve(there, gone, strange),
            }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
