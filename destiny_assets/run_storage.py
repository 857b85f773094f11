"""Dagster's runs, events and schedules in PostgreSQL, over connections that are kept. Nothing about our own ledger lives here."""

from collections.abc import Mapping
from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

# Older ones are opened anew when next asked for: a server that was killed is not back within a second, so no run meets a connection that
# its restart broke. A busy second has dozens of events.
RECYCLE_S = 1
_MOST_CONNECTIONS = 20


class PooledPostgresStorage(DagsterPostgresStorage):
    """`DagsterPostgresStorage` as its web server uses it: elsewhere it opens a connection for each event, and an ingest has hundreds."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledPostgresStorage":
        """What Dagster calls with the configuration of `dagster.yaml`: a `postgres_url`."""
        storage = cls(postgres_url=config_value["postgres_url"], inst_data=inst_data)
        for part in (storage.event_log_storage, storage.run_storage, storage.schedule_storage):
            # One connection is kept; more are opened where threads ask at once, and closed again. No statement is timed out.
            part.optimize_for_webserver(statement_timeout=0, pool_recycle=RECYCLE_S, max_overflow=_MOST_CONNECTIONS)
        return storage
