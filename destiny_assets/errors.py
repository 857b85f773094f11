"""The errors Destiny raises on purpose; each says what happened, to what, and what to do next.

DestinyError
├── ConfigurationError          a setting is missing, unreadable or contradictory
├── NotFoundError               a project, source, generation or item that does not exist
├── ConflictError               the request contradicts what is already there (a second ingest, a changed model)
├── BudgetSpentError            a run may not hand more to a model; what it did is kept, and the next run goes on there
├── StoreUnavailableError       a layer does not answer
│   ├── DamagedOriginalError    the stored bytes of a document are not the ones that were stored
│   ├── StoreRefusalError       a layer answers, but does not do what was asked of it
│   └── LayerAwayError          a layer that readers can do without failed them or is being left alone
├── ServerError                 a local server could not be started or stopped
├── ModelError                  an embedding or language model failed or answered out of contract
│   ├── ModelIntegrityError     a model's file is not the one that was pinned
│   └── RefusedTextError        a model refuses a text for what it is; its document is quarantined, the rest goes on
└── UnreadableDocumentError     one document cannot be read; it is quarantined, the rest goes on

Messages never hold secrets: no URL with a password, no key.
"""

from typing import Literal, get_args

Reason = Literal[
    "empty",
    "huge",
    "encrypted",
    "broken",
    "unsupported",
    "no_text",
    "unreachable",
    "excluded",
    "duplicate",
    "refused",
    "defect",
]
REASONS: tuple[str, ...] = get_args(Reason)


class DestinyError(Exception):
    """Anything Destiny refuses or fails to do, in one sentence for a person."""


class ConfigurationError(DestinyError):
    """A setting is missing, unreadable or contradicts another."""


class NotFoundError(DestinyError):
    """The named project, source, generation or item does not exist."""


class ConflictError(DestinyError):
    """The request contradicts what is already there."""


class BudgetSpentError(DestinyError):
    """A run has used what it may of a model, and work is left; what was done is kept."""


class StoreUnavailableError(DestinyError):
    """A layer's store did not answer."""


class DamagedOriginalError(StoreUnavailableError):
    """The stored bytes of a document do not hash to their name."""


class StoreRefusalError(StoreUnavailableError):
    """A layer's store answered that it will not do what was asked, such as reading a collection that is gone."""


class LayerAwayError(StoreUnavailableError):
    """A layer failed a reader, or is left alone after it failed others; ``layer`` names it."""

    def __init__(self, layer: str, detail: str) -> None:
        super().__init__(detail)
        self.layer = layer


class ServerError(DestinyError):
    """A local server could not be started, reached or stopped."""


class ModelError(DestinyError):
    """An embedding or language model failed, or answered out of contract."""


class ModelIntegrityError(ModelError):
    """A model's file is not the one that was pinned; nothing is embedded with it."""


class RefusedTextError(ModelError):
    """A model refuses one or more of the texts it was given for what they are; asked again it would refuse them again."""


class UnreadableDocumentError(DestinyError):
    """One document cannot be read.

    ``reason`` is one of a closed set, so that the quarantine can be counted and filtered; the message holds the detail.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail
