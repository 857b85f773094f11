"""Readers who never pause: each read must be exactly one published generation, in all layers that it touches."""

import random
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Mapping

from benchmarks.killing.view import ALL, QUERIES, View, neighbourhood, shown
from destiny_assets.domain.retrieval import SELF_CONTAINED
from destiny_assets.errors import NotFoundError, StoreUnavailableError
from destiny_assets.serving.service import KnowledgeService
from tests.stages.growing import Growth


class Outage:
    """While a server is down on purpose, `StoreUnavailableError` is the right answer."""

    def __init__(self) -> None:
        self.active = False
        self.count = 0

    def begin(self) -> None:
        """A server is about to go."""
        self.count += 1
        self.active = True

    def end(self) -> None:
        """Every server answers again."""
        self.active = False


class Readers:
    """Threads that read one project until told to stop. `violations` is what no reader may ever see."""

    def __init__(self, growth: Growth, views: Mapping[int, View], outage: Outage, *, threads: int, seed: int) -> None:
        self._growth, self._views, self._outage = growth, views, outage
        self._stop = threading.Event()
        self.reads: Counter[str] = Counter()
        self.generations: Counter[int] = Counter()
        self.away = 0
        self.violations: list[str] = []
        self._guard = threading.Lock()
        self._threads = [
            threading.Thread(target=self._read, args=(random.Random(seed + number),), daemon=True)
            for number in range(threads)
        ]

    def __enter__(self) -> "Readers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _read(self, chance: random.Random) -> None:
        # A service of its own a thread and a while, as programs come and go.
        service = self._growth.service()
        kinds: dict[str, Callable[[KnowledgeService, random.Random], int]] = {
            "search": self._search,
            "past search": self._search_the_past,
            "neighbours": self._neighbours,
            "ledger rows": self._rows,
            "trust": self._trust,
            "all layers": self._all_layers,
        }
        while not self._stop.is_set():
            kind = chance.choice(list(kinds))
            outages, down = self._outage.count, self._outage.active
            try:
                seen = kinds[kind](service, chance)
            except StoreUnavailableError as error:
                if not (down or self._outage.active or self._outage.count != outages):
                    self._violation(f"{kind}: {error}")
                with self._guard:
                    self.away += 1
                self._stop.wait(0.05)
            except Exception:  # noqa: BLE001 - whatever a reader meets is a finding, and the next read goes on
                self._violation(f"{kind}: {traceback.format_exc(limit=-4)}")
                self._stop.wait(0.05)
            else:
                with self._guard:
                    self.reads[kind] += 1
                    self.generations[seen] += 1

    def _violation(self, text: str) -> None:
        with self._guard:
            self.violations.append(text)

    def _require(self, what: str, number: int, found: object, expected: object) -> None:
        if found == expected:
            return
        detail = ""
        if isinstance(found, frozenset) and isinstance(expected, frozenset):
            detail = (
                f" {len(found - expected)} not of it, {len(expected - found)} missing: {list(found ^ expected)[:1]}"
            )
        self._violation(f"{what} at generation {number} is not that generation:{detail}"[:800])

    def _search(self, service: KnowledgeService, chance: random.Random, number: int | None = None) -> int:
        recipe, query = chance.choice(list(SELF_CONTAINED)), chance.choice(QUERIES)
        result = service.search(self._growth.project, query, k=ALL, recipe=recipe, generation=number)
        view = self._views[result.generation]
        self._require(f"{recipe} search", view.number, frozenset(map(shown, result.hits)), view.hits[recipe, query])
        return view.number

    def _search_the_past(self, service: KnowledgeService, chance: random.Random) -> int:
        current = service.generation(self._growth.project).number
        return self._search(service, chance, chance.randint(1, current))

    def _neighbours(self, service: KnowledgeService, chance: random.Random) -> int:  # noqa: ARG002
        view = self._views[service.generation(self._growth.project).number]
        origins = sorted({id_ for other in list(self._views.values()) for _, id_ in other.nodes})
        found = neighbourhood(self._growth.layers, self._growth.project, view.number, origins)
        # Origins need not be visible themselves: those of this generation are compared.
        there = {id_ for _, id_ in view.nodes}
        self._require("the graph", view.number, frozenset(row for row in found if row[0] in there), view.neighbours)
        return view.number

    def _rows(self, service: KnowledgeService, chance: random.Random) -> int:  # noqa: ARG002
        view = self._views[service.generation(self._growth.project).number]
        ledger, project = self._growth.layers.ledger, self._growth.project
        anything = sorted({id_ for other in list(self._views.values()) for id_ in other.chunks})
        passages = ledger.reading.passages(project, view.number, anything)
        self._require("the ledger's rows", view.number, frozenset(passages), view.chunks)
        self._require("documents", view.number, frozenset(p.uri for p in passages.values()), view.uris)
        self._require("counts", view.number, ledger.reading.counts(project, view.number), view.counts)
        return view.number

    def _trust(self, service: KnowledgeService, chance: random.Random) -> int:
        project = self._growth.project
        item = chance.choice(sorted({id_ for other in list(self._views.values()) for id_ in other.items}))
        before = service.generation(project).number
        try:
            found = service.explain_trust(project, item)
        except NotFoundError:
            after = service.generation(project).number
            if all(item in self._views[number].items for number in range(before, after + 1)):
                self._violation(f"trust: {item} is of generations {before} to {after}, and was not found")
            return after
        self._require(f"trust of {item}", found.generation, found.p, self._views[found.generation].items.get(item))
        return found.generation

    def _all_layers(self, service: KnowledgeService, chance: random.Random) -> int:
        number = service.generation(self._growth.project).number
        self._search(service, chance, number)
        layers, project = self._growth.layers, self._growth.project
        view = self._views[number]
        self._require("the graph's ids", number, frozenset(layers.graph.ids(project, number)), view.nodes)
        self._require("the graph's count", number, sum(layers.graph.count(project, number).values()), len(view.nodes))
        if (collection := service.generation(project).collection) is not None:
            self._require("the vectors' count", number, layers.vectors.count(collection, number), len(view.chunks))
        return number
