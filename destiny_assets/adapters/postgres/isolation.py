"""Reading as somebody to whom PostgreSQL itself shows one project: a role without the tables, and the project set whenever a connection is taken.

So a query that forgot its project, or was talked into another's, finds nothing. Writing and what spans projects is done as the owner.
"""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import quote, unquote, urlsplit

import psycopg
from psycopg import Cursor, ServerCursor, sql
from psycopg.rows import DictRow

from destiny_assets.adapters.postgres.ledger import SCHEMA, PostgresLedger
from destiny_assets.errors import ConfigurationError

_READ: ContextVar[str] = ContextVar("project", default="")
_PREPARE_LOCK = 7_203_613
_SHOW_ONE = "select set_config('destiny.project', %s, false)"


def read_project(project: str) -> None:
    """From here on this request (or task, or thread) reads this project and no other."""
    _READ.set(project)


class IsolatedLedger(PostgresLedger):
    """The ledger as the reading role sees it: the rows of the project that `read_project` named; without one, none."""

    def __init__(self, url: str, *, pool_size: int = 8, wait_s: float = 10) -> None:
        """A pool on the URL of a reading role. Statements commit by themselves: nothing is written, and each saves two round trips."""
        super().__init__(url, pool_size=pool_size, wait_s=wait_s, autocommit=True)

    @contextmanager
    def transaction(self) -> Iterator[Cursor[DictRow]]:
        """Statements that see one project, each the state of its own moment."""
        with super().transaction() as cursor:
            # For the whole session, since there is no transaction; whoever has the connection next names a project before all else.
            cursor.execute(_SHOW_ONE, (_READ.get(),))
            yield cursor

    @contextmanager
    def stream(self, name: str) -> Iterator[ServerCursor[DictRow]]:
        """A server-side cursor that sees one project."""
        with super().stream(name) as cursor:
            cursor.connection.execute(_SHOW_ONE, (_READ.get(),))
            yield cursor


def reading_url(owner_url: str, given: str | None = None) -> str:
    """The URL of the reading role, which may read every table and owns none.

    The role is made when it is not there, with a password that follows from the owner's, so that several servers agree without
    telling each other. `given` is the URL of a role that an administrator made. Raises `ConfigurationError` when the owner may make
    no role, or the role would see every project.
    """
    parts = urlsplit(owner_url)
    role = unquote(urlsplit(given).username or "") if given else f"{parts.path.strip('/') or 'destiny'}_reader"
    # The owner's password is as good as everything in the ledger; what follows from it opens less.
    password = hmac.new(unquote(parts.password or "").encode(), role.encode(), hashlib.sha256).hexdigest()
    name = sql.Identifier(role)
    with psycopg.connect(owner_url, application_name="destiny") as connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (_PREPARE_LOCK,))
        if not given:
            if not parts.password:
                raise ConfigurationError(
                    _MAKE_IT.format(role=role, why="DESTINY_POSTGRES_URL has no password to derive one from")
                )
            try:
                if not cursor.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone():
                    cursor.execute(sql.SQL("create role {}").format(name))
                cursor.execute(
                    sql.SQL("alter role {} login nosuperuser nobypassrls nocreatedb nocreaterole password {}").format(
                        name, sql.Literal(password)
                    )
                )
            except psycopg.errors.InsufficientPrivilege as error:
                raise ConfigurationError(
                    _MAKE_IT.format(role=role, why="DESTINY_POSTGRES_URL may make no role")
                ) from error
        found = cursor.execute(
            """select r.rolsuper or r.rolbypassrls or exists (
                   select from pg_class c where c.relnamespace = to_regnamespace(%s) and pg_has_role(r.oid, c.relowner, 'usage'))
               from pg_roles r where r.rolname = %s""",
            (SCHEMA, role),
        ).fetchone()
        if found is None or found[0]:
            raise ConfigurationError(
                _MAKE_IT.format(role=role, why=f"the role {role!r} is unknown, or sees every project whatever it asks")
            )
        schema = sql.Identifier(SCHEMA)
        cursor.execute(sql.SQL("grant usage on schema {} to {}").format(schema, name))
        cursor.execute(sql.SQL("grant select on all tables in schema {} to {}").format(schema, name))
        # They have no column `project` to be kept apart by, or are nobody's to read through the API.
        for table in ("api_key", "page_session", "kept_answer", "audit_event"):
            cursor.execute(sql.SQL("revoke all on {}.{} from {}").format(schema, sql.Identifier(table), name))
    if given:
        return given
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(role)}:{password}@{host}").geturl()


_MAKE_IT = (
    "The API reads as a role of its own, and {why}. As an administrator: create role {role} login password '…', and set "
    "DESTINY_POSTGRES_READER_URL to its URL."
)
