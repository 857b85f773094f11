"""``destiny serve``: the API and the web pages in this terminal, over the layers of this home."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from destiny_assets.cli.output import AsJson, print_json, say
from destiny_assets.errors import ConfigurationError, ServerError
from destiny_assets.settings import URL_VARIABLES, OidcSettings, Settings, home_folder, load_settings
from destiny_assets.telemetry import JsonLines

if TYPE_CHECKING:
    import uvicorn

    from destiny_assets.serving.api.doors import Doors
    from destiny_assets.serving.dagster.process import DagsterProcess

# Handlers run in at most 40 threads; most of what they wait for is PostgreSQL.
_CONNECTIONS, _OWNERS_CONNECTIONS = 16, 6
_GOODBYE_SECONDS = 15
# Without the ledger nothing can be answered: say so before the caller gives up.
_WAIT_S = 3.0
_MOST_MESSAGE_BYTES = 1_000_000
_DAGSTER_UI = (sys.executable, "-m", "destiny_assets.dagster_ui")
_DESTINY = (sys.executable, "-c", "from destiny_assets.cli.app import main; main()")


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(serve)


def serve(
    host: Annotated[
        str, typer.Option(help="The address to listen at; 0.0.0.0 is every one this machine has.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port; 0 takes any that is free.")] = 8321,
    as_json: AsJson = False,
) -> None:
    """Serve the REST API and the web pages until Ctrl-C; keys to both come from destiny key create."""
    import uvicorn

    from destiny_assets.serving.api.app import create_app

    if not all(os.environ.get(name) for name in URL_VARIABLES):
        from destiny_assets.local import supervisor

        supervisor.start(home_folder(), report=lambda line: print(line, file=sys.stderr))
    settings = load_settings()
    _log_to_standard_error()
    with _listening(host, port) as listener, open_doors(settings) as doors:
        config = uvicorn.Config(
            create_app(doors),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GOODBYE_SECONDS,
            limit_concurrency=1_000,
            ws="websockets-sansio",
            ws_max_size=_MOST_MESSAGE_BYTES,
        )
        shown, at = listener.getsockname()[:2]
        url = f"http://{f'[{shown}]' if ':' in shown else shown}:{at}"
        if as_json:
            print_json({"url": url, "pages": f"{url}/", "pid": os.getpid()})
        else:
            say(
                f"Pages: {url}/  API: {url}/v1  (Ctrl-C stops both.) Keys: destiny key create NAME --grant PROJECT=reader"
            )
        sys.stdout.flush()
        _run_to_its_end(config, listener, doors.closing.set)


@contextmanager
def open_doors(settings: Settings) -> "Iterator[Doors]":
    """What the API works with, over the layers of a home; everything is closed again, and ingests are stopped."""
    from destiny_assets.adapters.documents import open_document_store
    from destiny_assets.adapters.embedders.factory import open_embedder
    from destiny_assets.adapters.language_model import OpenAILanguageModel
    from destiny_assets.adapters.neo4j import connect
    from destiny_assets.adapters.oidc import OidcTokens
    from destiny_assets.adapters.oidc_sign_in import OidcSignIn
    from destiny_assets.adapters.postgres.isolation import IsolatedLedger, reading_url
    from destiny_assets.adapters.qdrant import QdrantVectorIndex
    from destiny_assets.adapters.reranker import open_reranker
    from destiny_assets.adapters.tracing import open_tracing
    from destiny_assets.cli.stores import open_ledger
    from destiny_assets.removal import remove_everywhere
    from destiny_assets.serving.api.authentication import Authenticator
    from destiny_assets.serving.api.doors import Doors, OpenLayers
    from destiny_assets.serving.api.ingests import Ingests
    from destiny_assets.serving.circuits import QUERY_SECONDS, Circuits
    from destiny_assets.serving.dagster.process import PATH
    from destiny_assets.serving.library import Library
    from destiny_assets.serving.metrics import Metrics
    from destiny_assets.serving.pushing import Pushing
    from destiny_assets.serving.service import KnowledgeService
    from destiny_assets.telemetry import listening

    embedding, language, oidc = settings.embedding, settings.language_model, OidcSettings.from_environment(os.environ)
    model = OpenAILanguageModel(language.model, url=language.url, api_key=language.api_key) if language else None
    originals = open_document_store(settings.stores.documents_url)
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(settings, pool_size=_OWNERS_CONNECTIONS, wait_s=_WAIT_S))
        url = reading_url(settings.stores.postgres_url, os.environ.get("DESTINY_POSTGRES_READER_URL"))
        reading = stack.enter_context(IsolatedLedger(url, pool_size=_CONNECTIONS, wait_s=_WAIT_S))
        vectors = stack.enter_context(QdrantVectorIndex(settings.stores.qdrant_url))
        asked = stack.enter_context(QdrantVectorIndex(settings.stores.qdrant_url, timeout_s=QUERY_SECONDS))
        circuits = Circuits()
        stack.callback(circuits.close)
        metrics, tracing = Metrics(circuits), open_tracing(os.environ)
        if tracing is not None:
            stack.callback(tracing.close)
        stack.enter_context(listening(metrics, *([tracing] if tracing else [])))
        graph = stack.enter_context(connect(settings.stores.neo4j_url))
        ingests = Ingests(ledger, _DESTINY, {**os.environ, "DESTINY_HOME": str(settings.home)})
        stack.callback(ingests.close)
        elsewhere = os.environ.get("DESTINY_DAGSTER_URL", "").rstrip("/")
        dagster = None if elsewhere else _dagster(settings)
        if dagster is not None:
            stack.callback(dagster.close)
        yield Doors(
            service=KnowledgeService(
                reading,
                asked,
                lambda: open_embedder(embedding.model, url=embedding.url, api_key=embedding.api_key, reader_waits=True),
                model,
                reranker=stack.enter_context(open_reranker(settings.reranker)),
                circuits=circuits,
            ),
            circuits=circuits,
            metrics=metrics,
            tracing=tracing,
            library=Library(reading, originals, graph, circuits),
            reading=reading,
            pushing=Pushing(ledger, originals),
            layers=OpenLayers(ledger, originals, vectors, graph),
            authenticator=Authenticator(ledger.api_keys, OidcTokens(oidc) if oidc else None),
            ingests=ingests,
            remove_project=lambda project: remove_everywhere(settings, project),
            cache=settings.cache,
            dagster_url=elsewhere or (PATH if dagster else ""),
            dagster=dagster,
            sign_in=OidcSignIn(oidc, oidc.client_id) if oidc and oidc.client_id else None,
        )


def _dagster(settings: Settings) -> "DagsterProcess | None":
    """The process of the Dagster UI, started by its first visitor; None where the parts that it is made of are not installed."""
    from importlib.util import find_spec

    from destiny_assets.serving.dagster.process import DagsterProcess

    checkout = Path(__file__).parents[2]
    # Jobs, sensors and the workspace are read from the checkout or image.
    if find_spec("dagster_webserver") is None or not (checkout / "workspace.yaml").is_file():
        return None
    environment = {**os.environ, "DESTINY_HOME": str(settings.home)}
    return DagsterProcess(_DAGSTER_UI, environment, settings.home / "dagster" / "ui.log")


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2_048)
    except socket.gaierror as error:
        raise ConfigurationError(f"--host {host!r} is no address of this machine.") from error
    except OSError as error:
        raise ServerError(
            f"{host}:{port} cannot be listened at ({error.strerror}). Choose another with --port."
        ) from error
    with listener:
        yield listener


def _run_to_its_end(config: "uvicorn.Config", listener: socket.socket, closing: Callable[[], None]) -> None:
    """Serve until told to stop; then open requests are answered first, and what streams is told to end."""
    import uvicorn

    class Serving(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            closing()
            super().handle_exit(sig, frame)

    # uvicorn raises the signal that stopped it once more after its clean end; ours is still to come.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    Serving(config).run(sockets=[listener])


def _log_to_standard_error() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    logging.getLogger("destiny").setLevel(logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
