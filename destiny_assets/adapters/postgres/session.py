"""What the table modules need of the ledger: transactions and streams. Here so that they need not import it."""

from contextlib import AbstractContextManager
from typing import Protocol

from psycopg import Cursor, ServerCursor
from psycopg.rows import DictRow


class Session(Protocol):
    """Transactions on the ledger's pool."""

    def transaction(self) -> AbstractContextManager[Cursor[DictRow]]:
        """One transaction."""
        ...

    def stream(self, name: str) -> AbstractContextManager[ServerCursor[DictRow]]:
        """A server-side cursor."""
        ...
