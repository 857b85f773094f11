"""The API of the session's servers, over real HTTP on loopback, and keys to it."""

import os
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from destiny_assets.adapters.oidc import OidcTokens
from destiny_assets.adapters.oidc_sign_in import OidcSignIn
from destiny_assets.adapters.postgres.isolation import IsolatedLedger, reading_url
from destiny_assets.adapters.tracing import Tracing
from destiny_assets.domain.access import grants_of
from destiny_assets.domain.api_keys import ID_BYTES, SECRET_BYTES, key_print, write_key
from destiny_assets.removal import remove_everywhere
from destiny_assets.serving.api.app import create_app
from destiny_assets.serving.api.authentication import Authenticator
from destiny_assets.serving.api.doors import Doors, OpenLayers
from destiny_assets.serving.api.ingests import Ingests
from destiny_assets.serving.circuits import Circuits
from destiny_assets.serving.dagster.process import PATH, DagsterProcess
from destiny_assets.serving.library import Library
from destiny_assets.serving.metrics import Metrics
from destiny_assets.serving.pushing import Pushing
from destiny_assets.serving.service import KnowledgeService
from destiny_assets.settings import load_settings
from destiny_assets.telemetry import listening
from tests.fakes.embedder import HashingEmbedder
from tests.stages.growing import Layers

DAGSTER_UI = (sys.executable, "-m", "destiny_assets.dagster_ui")
DESTINY = (sys.executable, "-c", "from destiny_assets.cli.app import main; main()")


@dataclass(frozen=True)
class Opened:
    """A server that answers at `url`."""

    url: str
    doors: Doors
    layers: Layers

    def key(self, *grants: str, rate: float = 10_000.0, days: int = 1, name: str = "a test") -> str:
        """A new key that opens this."""
        return new_key(self.layers, *grants, rate=rate, days=days, name=name)

    def client(self, *grants: str, rate: float = 10_000.0) -> httpx.Client:
        """A client with a key of its own."""
        return self.client_with(self.key(*grants, rate=rate))

    def client_with(self, credential: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {credential}"}, timeout=60)


def new_key(layers: Layers, *grants: str, rate: float = 10_000.0, days: int = 1, name: str = "a test") -> str:
    key = write_key(secrets.token_bytes(ID_BYTES), secrets.token_bytes(SECRET_BYTES))
    printed = key_print(key)
    assert printed is not None
    layers.ledger.api_keys.add(printed, name, grants_of(grants), rate=rate, days=days, by="tests")
    return key


@contextmanager
def doors_over(
    layers: Layers,
    home: Path,
    tokens: OidcTokens | None = None,
    tracing: Tracing | None = None,
    sign_in: OidcSignIn | None = None,
    **more: Any,
) -> Iterator[Doors]:
    """The doors as `destiny serve` makes them, but for the embedder, which loads no model; `more` is for the service."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DESTINY_", "DAGSTER_"))}
    environment = {**kept, "DESTINY_HOME": str(home)}
    ingests = Ingests(layers.ledger, DESTINY, environment)
    # Nobody who does not visit it starts it.
    dagster = DagsterProcess(DAGSTER_UI, environment, home / "dagster" / "ui.log")
    embedder, circuits = HashingEmbedder(), Circuits()
    metrics = Metrics(circuits)
    settings = replace(load_settings({"DESTINY_HOME": str(home)}), stores=layers.stores)
    reading = IsolatedLedger(reading_url(layers.stores.postgres_url), pool_size=8)
    try:
        with listening(metrics, *([tracing] if tracing else [])):
            yield Doors(
                service=KnowledgeService(reading, layers.vectors, lambda: embedder, circuits=circuits, **more),
                circuits=circuits,
                metrics=metrics,
                tracing=tracing,
                library=Library(reading, layers.originals, layers.graph, circuits),
                reading=reading,
                pushing=Pushing(layers.ledger, layers.originals),
                layers=OpenLayers(layers.ledger, layers.originals, layers.vectors, layers.graph),
                authenticator=Authenticator(layers.ledger.api_keys, tokens),
                ingests=ingests,
                remove_project=lambda project: remove_everywhere(settings, project),
                cache=home / "cache",
                dagster_url=PATH,
                dagster=dagster,
                sign_in=sign_in,
            )
    finally:
        circuits.close()
        dagster.close()
        ingests.close()
        reading.close()


@contextmanager
def opened_over(
    layers: Layers,
    home: Path,
    tokens: OidcTokens | None = None,
    tracing: Tracing | None = None,
    sign_in: OidcSignIn | None = None,
    **more: Any,
) -> Iterator[Opened]:
    """A server in a thread of this process."""
    with doors_over(layers, home, tokens, tracing, sign_in, **more) as doors:
        server = uvicorn.Server(
            uvicorn.Config(create_app(doors), port=0, log_config=None, access_log=False, ws="websockets-sansio")
        )
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                threading.Event().wait(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            yield Opened(f"http://127.0.0.1:{port}", doors, layers)
        finally:
            doors.closing.set()
            server.should_exit = True
            thread.join()
