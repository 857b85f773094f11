"""The ledger's connection pool and schema; the tables' own reads and writes are in the modules beside this one."""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Cursor
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from destiny_assets.adapters.postgres.api_keys import ApiKeys
from destiny_assets.adapters.postgres.audit import AuditLog
from destiny_assets.adapters.postgres.beliefs import Beliefs
from destiny_assets.adapters.postgres.benchmarks import Benchmarks
from destiny_assets.adapters.postgres.browsing import Browsing
from destiny_assets.adapters.postgres.calibrations import Calibrations
from destiny_assets.adapters.postgres.chunks import Chunks
from destiny_assets.adapters.postgres.claim_answers import ClaimAnswers
from destiny_assets.adapters.postgres.claim_reading import ClaimReading
from destiny_assets.adapters.postgres.claims import Claims
from destiny_assets.adapters.postgres.contents import Contents
from destiny_assets.adapters.postgres.decisions import Decisions
from destiny_assets.adapters.postgres.documents import Documents
from destiny_assets.adapters.postgres.duplicates import Duplicates
from destiny_assets.adapters.postgres.generations import Generations
from destiny_assets.adapters.postgres.grounds import Grounds
from destiny_assets.adapters.postgres.ingest_requests import IngestRequests
from destiny_assets.adapters.postgres.kept_answers import KeptAnswers
from destiny_assets.adapters.postgres.lexical import LexicalIndex
from destiny_assets.adapters.postgres.links import Links
from destiny_assets.adapters.postgres.merges import Merges
from destiny_assets.adapters.postgres.projections import Projections
from destiny_assets.adapters.postgres.projects import Projects
from destiny_assets.adapters.postgres.pushed import PushedDocuments
from destiny_assets.adapters.postgres.reading import Reading
from destiny_assets.adapters.postgres.selection import Selection
from destiny_assets.adapters.postgres.snapshots import Snapshots
from destiny_assets.adapters.postgres.traces import Traces
from destiny_assets.adapters.postgres.trust import TrustScores
from destiny_assets.adapters.postgres.vacuum import Vacuum
from destiny_assets.adapters.postgres.vocabulary import Vocabulary
from destiny_assets.adapters.postgres.web import WebResponses
from destiny_assets.errors import ConfigurationError, StoreUnavailableError
from destiny_assets.settings import without_secrets
from destiny_assets.telemetry import calling

SCHEMA = "destiny"
_MIGRATION_LOCK = 7_203_611
_MIGRATIONS = Path(__file__).parent.parent / "migrations"
# Tables grow from nothing within one run. A plan made once for an empty table and kept took 50 s where a fresh one takes 0.5.
# Streams are read to their end, so what matters is when the last row comes, not the first.
_PLANNING = "-c plan_cache_mode=force_custom_plan -c jit=off -c cursor_tuple_fraction=1.0"
_RECONNECT_S = 4.0
# Classes of SQLSTATE in which the server did answer: its disk is full, its memory is, a limit of its own is passed, or its files fail it.
_OUT_OF = ("53", "54", "58")


def newest_revision() -> str:
    """The revision that `PostgresLedger.migrate` brings a schema to: files of revisions begin with theirs."""
    return max(path.stem.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("0*.py"))


class PostgresLedger:
    """The system of record. Thread-safe; hand it around and close it once."""

    def __init__(self, url: str, *, pool_size: int = 8, wait_s: float = 10, autocommit: bool = False) -> None:
        """Open a pool on ``postgresql://user:password@host:port/database``; raises `StoreUnavailableError`.

        `wait_s` is how long a caller waits for a connection while the server is away or all of them are in use. With `autocommit` each
        statement is a transaction.
        """
        self._url = url
        self._pool: ConnectionPool[psycopg.Connection[DictRow]] = ConnectionPool(
            make_conninfo(
                url, options=f"-c search_path={SCHEMA} -c timezone=UTC {_PLANNING}", application_name="destiny"
            ),
            connection_class=psycopg.Connection[DictRow],
            kwargs={"row_factory": dict_row, "autocommit": autocommit},
            min_size=1,
            max_size=pool_size,
            open=True,
            timeout=wait_s,
            check=self._require_open,
            # After this long the pool stops trying by itself, ever more seldom, and tries when somebody asks.
            reconnect_timeout=_RECONNECT_S,
        )
        self.projects = Projects(self)
        self.generations = Generations(self)
        self.pushed = PushedDocuments(self)
        self.web = WebResponses(self)
        self.documents = Documents(self)
        self.chunks = Chunks(self)
        self.duplicates = Duplicates(self)
        self.links = Links(self)
        self.traces = Traces(self)
        self.vocabulary = Vocabulary(self)
        self.merges = Merges(self)
        self.decisions = Decisions(self)
        self.grounds = Grounds(self)
        self.claims = Claims(self)
        self.claim_answers = ClaimAnswers(self)
        self.beliefs = Beliefs(self)
        self.calibrations = Calibrations(self)
        self.claim_reading = ClaimReading(self)
        self.trust = TrustScores(self)
        self.benchmarks = Benchmarks(self)
        self.projections = Projections(self)
        self.contents = Contents(self)
        self.reading = Reading(self)
        self.vacuum = Vacuum(self)
        self.snapshots = Snapshots(self)
        self.selection = Selection(self)
        self.lexical = LexicalIndex(self)
        self.browsing = Browsing(self)
        self.api_keys = ApiKeys(self)
        self.audit = AuditLog(self)
        self.kept_answers = KeptAnswers(self)
        self.ingest_requests = IngestRequests(self)

    @contextmanager
    def transaction(self) -> Iterator[Cursor[DictRow]]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        try:
            with (
                calling("ledger", "transaction"),
                self._pool.connection() as connection,
                connection.cursor() as cursor,
            ):
                yield cursor
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise self._away(error) from error

    @contextmanager
    def stream(self, name: str) -> Iterator[psycopg.ServerCursor[DictRow]]:
        """A server-side cursor for results larger than memory; rows arrive in batches of 5,000."""
        try:
            with (
                calling("ledger", "stream"),
                self._pool.connection() as connection,
                connection.transaction(),
                connection.cursor(name=name) as cursor,
            ):
                cursor.itersize = 5_000
                yield cursor
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise self._away(error) from error

    def migrate(self, revision: str = "head") -> None:
        """Bring the schema to a revision, the newest unless told; harmless when it is there, safe when several processes do it at once.

        Raises `ConfigurationError` for a revision that this Destiny does not know.
        """
        # Every run and command asks, and Alembic alone takes 0.6 s to import.
        if self._revision() == (newest_revision() if revision == "head" else revision):
            return
        from alembic import command
        from alembic.config import Config
        from alembic.util.exc import CommandError
        from sqlalchemy import create_engine, text
        from sqlalchemy.pool import NullPool

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.set_main_option("path_separator", "os")
        engine = create_engine(self._url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool)
        try:
            with engine.begin() as connection:
                connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                connection.execute(text(f"create schema if not exists {SCHEMA}"))
                config.attributes["connection"] = connection
                command.upgrade(config, revision)
        except CommandError as error:
            if revision == "head":
                raise
            raise ConfigurationError(
                f"The ledger's revision {revision} is newer than this Destiny. Install the version that made it, or a newer one."
            ) from error
        finally:
            engine.dispose()

    def _revision(self) -> str | None:
        """The schema's revision; None where there is no schema yet."""
        try:
            # Not one of the pool's: that waits for a server which may come back, and a command should say at once that it is away.
            with psycopg.connect(self._url) as connection:
                known = connection.execute("select to_regclass('destiny.alembic_version')").fetchone()
                if known is None or known[0] is None:
                    return None
                row = connection.execute("select version_num from destiny.alembic_version").fetchone()
        except psycopg.OperationalError as error:
            raise self._away(error) from error
        return row[0] if row else None

    def _away(self, error: Exception) -> StoreUnavailableError:
        ledger = f"The ledger at {without_secrets(self._url)}"
        if isinstance(error, psycopg.OperationalError) and error.sqlstate and error.sqlstate[:2] in _OUT_OF:
            return StoreUnavailableError(f"{ledger} can't go on: {error.diag.message_primary}.")
        return StoreUnavailableError(
            f"{ledger} does not answer ({type(error).__name__}). Check it with: destiny status"
        )

    def _require_open(self, connection: psycopg.Connection[DictRow]) -> None:
        """Raise unless the server has kept this idle connection: a closed one can be read from. No round trip, since every read pays it."""
        idle = select.poll()
        idle.register(connection.fileno(), select.POLLIN)
        if idle.poll(0):
            # A server that was restarted has left none of them; found one by one, each would cost a wait.
            connection.close()
            self._pool.drain()
            raise psycopg.OperationalError("the server closed the connection")

    def ping(self) -> None:
        """Raises `StoreUnavailableError` unless the server answers."""
        with self.transaction() as cursor:
            cursor.execute("select 1")

    def close(self) -> None:
        """Give every connection back."""
        self._pool.close()

    def __enter__(self) -> "PostgresLedger":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
