"""Quarantine: what one document provokes is set aside with its reason, and every other document goes on.

The one mechanism of all stages. Which errors a document can provoke is decided here and nowhere else (`attempted`); a store or a
model that fails is no document's fault and stops the run.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from traceback import extract_tb
from typing import TypeVar

from destiny_assets.adapters.postgres.documents import StoredDocument
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.projects import Quarantined
from destiny_assets.errors import Reason, UnreadableDocumentError

_Result = TypeVar("_Result")

# What odd input provokes in code that is right for all other input. TypeError, AttributeError and NameError are not among them:
# they say that the code is wrong, so they stop the run, and the note on them names the document.
_PROVOKED = (RecursionError, ArithmeticError, LookupError, ValueError)
_DETAIL_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one document cannot be processed."""

    reason: Reason
    detail: str


def attempted(what: str, work: Callable[[], _Result]) -> _Result | Refusal:
    """What `work` gives for the document named `what`, or why the document does not let it.

    Declared errors (`UnreadableDocumentError`) keep their reason; what input can provoke in code without a declaration is reason
    ``defect``, with the place in the code. Anything else is raised, with a note that names the document.
    """
    try:
        return work()
    except UnreadableDocumentError as error:
        return Refusal(error.reason, error.detail)
    except _PROVOKED as error:
        return Refusal("defect", _told(error)[:_DETAIL_CHARACTERS])
    except Exception as error:
        error.add_note(f"This happened at {what}.")
        raise


def set_aside(
    ledger: PostgresLedger,
    project: str,
    generation: int,
    stage: str,
    code: str,
    refused: Sequence[tuple[StoredDocument, Refusal]],
) -> None:
    """Undo what `generation` did to these documents, so that readers keep their last good version, and list why.

    In this order: killed between the two, the next run meets the documents again.
    """
    if not refused:
        return
    ledger.documents.withdraw(project, generation, [document.document_id for document, _ in refused])
    record(ledger, project, stage, code, refused)


def record(
    ledger: PostgresLedger, project: str, stage: str, code: str, refused: Sequence[tuple[StoredDocument, Refusal]]
) -> None:
    """List documents under a stage; `code` is what has to change before the same bytes are worth another try."""
    ledger.projects.quarantine(
        project,
        [
            Quarantined(d.source, d.uri, stage, refusal.reason, refusal.detail, d.fingerprint, code)
            for d, refusal in refused
        ],
    )


def release(ledger: PostgresLedger, project: str, stage: str, processed: Collection[StoredDocument]) -> None:
    """Forget earlier failures of documents that a stage has now processed."""
    by_source: dict[str, list[str]] = {}
    for document in processed:
        by_source.setdefault(document.source, []).append(document.uri)
    for source, uris in by_source.items():
        ledger.projects.release(project, source, uris, stage)


def _told(error: Exception) -> str:
    """Type, message and place of an error; never the document's text, which a message of ours would hold only on purpose."""
    place = extract_tb(error.__traceback__)[-1]
    words = str(error).partition("\n")[0] or "no message"
    return f"{type(error).__name__} in {PurePath(place.filename).name}:{place.lineno} ({place.name}): {words}"
