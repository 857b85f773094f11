"""ArcadeDB from the wheel `arcadedb-embedded`, with its Bolt plugin: how it is launched and asked.

The wheel's own Java runs the wheel's own jars directly. Its Python module would host the same server inside a Python
process and add that process's memory.
"""

import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from destiny_assets.local import processes
from destiny_assets.local.servers import HOST, Launch, Place, wheel_folder
from destiny_assets.local.state import write_private

DATABASE = "destiny"
USER = "root"
_MEGABYTE = 1 << 20
_LEAST_HEAP_MB, _MOST_HEAP_MB = 384, 2048
# Other protocols and an endpoint for agents; each jar found is one more listener or plugin.
_UNUSED_JARS = (
    "arcadedb-console",
    "arcadedb-graphql",
    "arcadedb-mcp",
    "arcadedb-postgresw",
    "arcadedb-python",
    "arcadedb-redisw",
)


@dataclass(frozen=True, slots=True)
class ArcadeDBServer:
    """The graph's server."""

    name: str = "arcadedb"
    title: str = "ArcadeDB"
    wheels: Mapping[str, str] = field(default_factory=lambda: {"arcadedb_embedded": "arcadedb-embedded"})
    variable: str = "DESTINY_NEO4J_URL"
    scheme: str = "bolt"
    stop_signal: signal.Signals = signal.SIGTERM

    def prepare(self, place: Place) -> Launch:
        """Write the password file that the first start reads, and choose the memory."""
        wheel = wheel_folder("arcadedb_embedded")
        password_file = place.folder / "password"
        write_private(password_file, place.secret)
        settings = {
            "server.rootPath": place.folder,
            "server.rootPasswordPath": password_file,
            "server.logsDirectory": place.log.parent,
            # Turns off the web tool and reading local files from queries.
            "server.mode": "production",
            "server.defaultDatabases": f"{DATABASE}[]",
            "server.plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
            # It cannot be turned off; on a port of the system's choice it disturbs nobody.
            "server.httpIncomingHost": HOST,
            "server.httpIncomingPort": 0,
            "bolt.host": HOST,
            "bolt.port": place.port,
            "bolt.defaultDatabase": DATABASE,
            # A transaction is acknowledged when its log is on disk.
            "txWalFlush": 1,
        }
        # Java reads the names of files in the locale's encoding; macOS has no C.UTF-8, and always reads them in UTF-8.
        environment = {"CLASSPATH": _class_path(wheel / "jars"), "LC_ALL": "C.UTF-8"}
        command = (
            str(wheel / "jre/bin/java"),
            *("-Xms64m", f"-Xmx{_heap_mb()}m", "-XX:+UseSerialGC", "-XX:+UseCompactObjectHeaders", "-XX:-UsePerfData"),
            # Better gone and restarted than answering some requests.
            *("-XX:+ExitOnOutOfMemoryError", f"-XX:ErrorFile={place.log.parent / 'arcadedb-crash.log'}"),
            *("-Djava.awt.headless=true", "-Duser.timezone=UTC", "-Dfile.encoding=UTF-8"),
            "--enable-native-access=ALL-UNNAMED",
            *(f"-Darcadedb.{name}={value}" for name, value in settings.items()),
            "com.arcadedb.server.ArcadeDBServer",
        )
        return Launch(command, directory=place.folder, environment=environment)

    def trouble(self, place: Place) -> str | None:
        """Why it does not answer ``RETURN 1`` over Bolt, or None."""
        try:
            socket.create_connection((HOST, place.port), timeout=3).close()
        except OSError as error:
            return f"connection to {HOST} port {place.port} failed: {error.strerror or error}"
        import neo4j
        from neo4j.exceptions import Neo4jError

        try:
            with (
                neo4j.GraphDatabase.driver(
                    place.address(self.scheme),
                    auth=(USER, place.secret),
                    connection_timeout=3,
                    connection_acquisition_timeout=3,
                ) as driver,
                driver.session(database=DATABASE) as session,
            ):
                session.run("RETURN 1").consume()
        except (neo4j.exceptions.DriverError, Neo4jError, OSError) as error:
            return str(error).strip().partition("\n")[0]
        return None

    def url(self, place: Place) -> str:
        """``bolt://root:password@127.0.0.1:port``; the database is the server's default."""
        return f"bolt://{USER}:{place.secret}@{HOST}:{place.port}"


def _heap_mb() -> int:
    """An eighth of the machine's memory, within bounds: Java takes what it is given, and the laptop has other work."""
    return min(max(processes.memory_bytes() // 8 // _MEGABYTE, _LEAST_HEAP_MB), _MOST_HEAP_MB)


def _class_path(jars: Path) -> str:
    return ":".join(str(jar) for jar in sorted(jars.glob("*.jar")) if not jar.name.startswith(_UNUSED_JARS))
