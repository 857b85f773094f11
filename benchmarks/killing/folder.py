"""A folder of documents that changes as people change them, by a seeded hand. Knows nothing of Destiny but its file formats."""

import os
import random
from collections.abc import Callable
from itertools import count
from pathlib import Path

_WORDS = [
    "letter",
    "courier",
    "stamp",
    "harbour",
    "queue",
    "stream",
    "archive",
    "ledger",
    "bicycle",
    "workshop",
    "holiday",
    "winter",
    "delivery",
    "complaint",
    "address",
    "parcel",
    "office",
    "clerk",
    "counter",
    "signature",
    "weather",
    "island",
    "ferry",
    "lantern",
    "register",
    "ink",
    "paper",
    "wagon",
    "route",
    "schedule",
]
_STATUSES = ("Accepted", "Proposed", "Draft", "Rejected", "Superseded")
_SMALLEST, _LARGEST = 10, 40


class ChangingFolder:
    """Between 10 and 40 documents; `change` adds, edits, renames, deletes and brings back some of them."""

    def __init__(self, root: Path, seed: int, size: int) -> None:
        self._root = root
        self._chance = random.Random(seed)
        self._number = count(1)
        self._tick = count(1)
        self._deleted: list[tuple[str, str]] = []
        root.mkdir(parents=True, exist_ok=True)
        for _ in range(size):
            self._add()

    def names(self) -> list[str]:
        """The documents there are, in order."""
        return sorted(str(path.relative_to(self._root)) for path in self._root.rglob("*") if path.is_file())

    def change(self) -> list[str]:
        """One to five changes; what they were."""
        kinds: dict[str, Callable[[], None]] = {
            "add": self._add,
            "edit": self._edit,
            "spacing": self._space,
            "title": self._retitle,
            "rename": self._rename,
            "delete": self._delete,
            "bring back": self._bring_back,
        }
        done = []
        for _ in range(self._chance.randint(1, 5)):
            number = len(self.names())
            allowed = [
                kind
                for kind in kinds
                if not (kind == "delete" and number <= _SMALLEST)
                and not (kind in ("add", "bring back") and number >= _LARGEST)
                and not (kind == "bring back" and not self._deleted)
            ]
            done.append(self._chance.choice(allowed))
            kinds[done[-1]]()
        return done

    def _write(self, name: str, text: str) -> None:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        # A time of its own: two changes within one tick of the file system's clock would look like none.
        moment = 1_700_000_000_000_000_000 + next(self._tick) * 1_000_000_000
        os.utime(path, ns=(moment, moment))

    def _read(self, name: str) -> str:
        return (self._root / name).read_text("utf-8")

    def _pick(self) -> str:
        return self._chance.choice(self.names())

    def _sentence(self) -> str:
        words = self._chance.choices(_WORDS, k=self._chance.randint(6, 16))
        return " ".join(words).capitalize() + f", number {self._chance.randint(1, 10_000)}."

    def _paragraph(self) -> str:
        return " ".join(self._sentence() for _ in range(self._chance.randint(1, 6)))

    def _add(self) -> None:
        number = next(self._number)
        topic = self._chance.choice(_WORDS)
        name = f"{self._chance.choice(['adr', 'notes', 'handbook'])}/{number:03}-{topic}.md"
        there = self.names()
        link = f"\n\nThis record supersedes [{there[0]}](../{self._chance.choice(there)}).\n" if there else "\n"
        sections = "\n\n".join(
            f"## {word.capitalize()}\n\n{self._paragraph()}" for word in self._chance.sample(_WORDS, 3)
        )
        self._write(
            name,
            f"# Record {number}: {topic}\n\n## Status\n\n{self._chance.choice(_STATUSES)}\n\n{sections}{link}",
        )

    def _edit(self) -> None:
        name = self._pick()
        lines = self._read(name).split("\n\n")
        lines[self._chance.randrange(1, len(lines))] = self._paragraph()
        self._write(name, "\n\n".join(lines))

    def _space(self) -> None:
        name = self._pick()
        self._write(name, self._read(name).replace("\n\n", "\n\n\n", 1 + self._chance.randrange(3)))

    def _retitle(self) -> None:
        name = self._pick()
        _, _, rest = self._read(name).partition("\n")
        self._write(name, f"# Record about {self._chance.choice(_WORDS)} {next(self._number)}\n{rest}")

    def _rename(self) -> None:
        name = self._pick()
        moved = f"moved/{next(self._number):03}-{Path(name).name}"
        (self._root / moved).parent.mkdir(exist_ok=True)
        (self._root / name).rename(self._root / moved)

    def _delete(self) -> None:
        name = self._pick()
        self._deleted.append((name, self._read(name)))
        (self._root / name).unlink()

    def _bring_back(self) -> None:
        self._write(*self._deleted.pop(self._chance.randrange(len(self._deleted))))
