"""Near-duplicates: which chunk repeats an older one, and which document an older one, kept up with what changed.

Texts are compared whole: what many documents share (a licence, a header) counts in proportion to its words, and a chunk that is
nothing else is marked as the repeat it is. The result is that of `domain.near_duplicates.duplicates` over all living texts, the
oldest first; a new text is the youngest, so it never becomes the original of one that was there.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from more_itertools import chunked

from destiny_assets.adapters.postgres.duplicates import KINDS, Aged, Kind
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.near_duplicates import BUCKET, Buckets, band_keys, earliest, likely


def mark_duplicates(ledger: PostgresLedger, project: str, generation: int) -> None:
    """Bring the marks of chunks and documents to what the living texts say.

    All are compared when more than a quarter of them is new (of a million chunks that takes 0.5 GB), else the new ones, and those
    whose candidates changed.
    """
    for kind in KINDS:
        ledger.duplicates.index_bands(project, kind, generation)
        touched = ledger.duplicates.touched(project, kind, generation)
        living, born = ledger.duplicates.counts(project, kind, generation)
        if 4 * born > living:
            ledger.duplicates.store(
                project, kind, generation, touched - set(_compare_all(ledger, project, kind, generation)), {}
            )
        else:
            _compare(ledger, project, kind, generation, touched | _crowded_out(ledger, project, kind, generation))


def _compare_all(ledger: PostgresLedger, project: str, kind: Kind, generation: int) -> list[str]:
    """Compare every text with its candidates; the ids of all."""
    ids: list[str] = []
    marks: list[npt.NDArray[np.int64]] = []
    keys: list[npt.NDArray[np.uint32]] = []
    for names, own, signatures in ledger.duplicates.oldest_first(project, kind):
        ids += names
        marks.append(own)
        keys.append(band_keys(signatures))
    if not ids:
        return ids
    buckets = Buckets(np.concatenate(marks), np.concatenate(keys))
    del marks, keys
    for places in chunked(range(len(ids)), kind.batch):
        originals = {ids[at]: ids[first] for at in places if (first := buckets.copy_of(at)) is not None}
        older = {at: buckets.candidates(at) for at in places if ids[at] not in originals}
        asked = {ids[other] for some in older.values() for other in some.tolist()}
        asked |= {ids[at] for at, some in older.items() if len(some)}
        signed = {text.id: text.signature for text in ledger.duplicates.aged(project, kind, asked)}
        waiting = {
            ids[at]: _likely(signed[ids[at]], [ids[other] for other in some.tolist()], signed)
            for at, some in older.items()
            if len(some)
        }
        originals |= {
            repeat.id: repeat.original
            for repeat in earliest(waiting, lambda some: ledger.duplicates.texts(project, kind, some))
        }
        ledger.duplicates.store(project, kind, generation, [ids[at] for at in places], originals)
    return ids


def _compare(ledger: PostgresLedger, project: str, kind: Kind, generation: int, touched: set[str]) -> None:
    """Compare some texts with what shares a bucket with them."""
    for batch in chunked(sorted(touched), kind.batch):
        texts = ledger.duplicates.aged(project, kind, batch)
        originals = ledger.duplicates.copies(project, kind, [text.id for text in texts])
        rest = [text for text in texts if text.id not in originals]
        waiting: dict[str, list[str]] = {}
        if rest:
            keys = band_keys(np.stack([text.signature for text in rest]))
            members = _members(ledger, project, kind, keys.ravel())
            for text, own in zip(rest, keys.tolist(), strict=True):
                older: dict[str, Aged] = {}
                for bucket in enumerate(own):
                    fitting = [other for other in members.get(bucket, ()) if other.age < text.age]
                    older |= {other.id: other for other in fitting[:BUCKET]}
                ordered = sorted(older.values(), key=lambda other: other.age)
                signed = {other.id: other.signature for other in ordered}
                waiting[text.id] = _likely(text.signature, [other.id for other in ordered], signed)
        originals |= {
            repeat.id: repeat.original
            for repeat in earliest(waiting, lambda some: ledger.duplicates.texts(project, kind, some))
        }
        ledger.duplicates.store(project, kind, generation, batch, originals)


def _crowded_out(ledger: PostgresLedger, project: str, kind: Kind, generation: int) -> set[str]:
    """Texts of buckets too full for all to be compared, in which something died: another may be among the oldest now."""
    concerned: set[str] = set()
    for signatures in ledger.duplicates.retired(project, kind, generation):
        for members in _members(ledger, project, kind, band_keys(signatures).ravel()).values():
            if len(members) >= BUCKET:
                concerned |= {text.id for text in members}
    return concerned


def _members(
    ledger: PostgresLedger, project: str, kind: Kind, keys: npt.NDArray[np.uint32]
) -> dict[tuple[int, int], list[Aged]]:
    """The living texts in each bucket (band and key), from the oldest, of equal ones the oldest."""
    hits = ledger.duplicates.by_band(project, kind, keys)
    texts = ledger.duplicates.aged(project, kind, {id_ for some in hits.values() for id_ in some}, distinct=True)
    if not texts:
        return {}
    buckets: dict[tuple[int, int], list[Aged]] = defaultdict(list)
    for text, own in zip(texts, band_keys(np.stack([text.signature for text in texts])).tolist(), strict=True):
        for band, key in enumerate(own):
            if key in hits:
                buckets[band, key].append(text)
    return buckets


def _likely(own: npt.NDArray[np.uint64], ids: Sequence[str], signed: dict[str, npt.NDArray[np.uint64]]) -> list[str]:
    if not ids:
        return []
    kept = likely(own, np.stack([signed[id_] for id_ in ids]))
    return [id_ for id_, keep in zip(ids, kept.tolist(), strict=True) if keep]
