"""``python -m destiny_assets.local.qdrant_server --path DIR --port PORT --api-key-file FILE [--host 127.0.0.1]``."""

import argparse
import signal
import sys
from pathlib import Path

import uvicorn

from destiny_assets.errors import ConfigurationError, DestinyError
from destiny_assets.local.qdrant_server.app import build_app
from destiny_assets.local.qdrant_server.background import Background
from destiny_assets.local.qdrant_server.registry import Registry

_LONGEST_GOODBYE_SECONDS = 1


def main() -> int:
    """Serve until SIGTERM or SIGINT, then flush, let the folder go and return 0; 1 with a sentence when it can't start."""
    parser = argparse.ArgumentParser(prog="qdrant_server", description=__doc__)
    parser.add_argument("--path", type=Path, required=True, help="folder of the data; one server a folder")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--api-key-file", type=Path, required=True, help="file whose first line is the API key")
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    try:
        serve(options.path, options.host, options.port, _api_key(options.api_key_file))
    except DestinyError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def serve(path: Path, host: str, port: int, api_key: str) -> None:
    """Serve `path` until told to stop; raises `ServerError` when another server has it."""
    registry = Registry(path)
    background = Background(registry)
    config = uvicorn.Config(
        build_app(registry, api_key),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_LONGEST_GOODBYE_SECONDS,
    )
    # uvicorn raises the signal that stopped it once more after its clean end; ours is still to come.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    background.start()
    try:
        uvicorn.Server(config).run()
    finally:
        background.stop()
        registry.close()


def _api_key(file: Path) -> str:
    try:
        key = file.read_text("utf-8").partition("\n")[0].strip()
    except OSError as error:
        raise ConfigurationError(f"The API key file {file} cannot be read: {error.strerror}.") from error
    if not key:
        raise ConfigurationError(f"The API key file {file} is empty: write a key into it.")
    return key


if __name__ == "__main__":
    sys.exit(main())
