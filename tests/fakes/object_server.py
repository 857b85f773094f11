"""A real object store on loopback: SeaweedFS, from a wheel, speaking S3 and checking its signatures.

Not a fake in Python (moto): what is tested is that a server other people run, with its own idea of paging, tags and refusals,
understands us.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

_WEED = Path(sys.executable).parent / "weed"
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class ObjectServer:
    """Where it listens, and what opens it; `environment` is what a user would set to reach it."""

    endpoint: str
    key: str
    secret: str

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def place(self) -> str:
        """The URL of an empty prefix of the one bucket there is; the server makes that with its first object."""
        name, prefix = "destiny-tests", secrets.token_hex(6)
        store = S3Store(
            name,
            endpoint=self.endpoint,
            access_key_id=self.key,
            secret_access_key=self.secret,
            region="us-east-1",
            client_options={"allow_http": True},
        )
        obstore.put(store, "made", b"")
        return f"s3://{name}/{prefix}"


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def serving_objects() -> Iterator[ObjectServer]:
    """A server with one account, in a folder of its own; both are gone when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="destiny-s3-"))
    server = ObjectServer("", "destiny", secrets.token_hex(16))
    account = {
        "name": "destiny",
        "credentials": [{"accessKey": server.key, "secretKey": server.secret}],
        "actions": ["Admin", "Read", "List", "Tagging", "Write"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [account]}))
    ports = _free_ports(8)
    named = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc")
    named += ("filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc")
    command = [
        *(str(_WEED), "server", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}"),
        *(f"-s3.config={folder / 's3.json'}", "-master.telemetry=false", "-volume.max=50"),
        *("-master.volumeSizeLimitMB=64", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-{name}={port}" for name, port in zip(named, ports, strict=True)),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env={"PATH": os.environ["PATH"], "HOME": str(folder)}
        )
    try:
        server = ObjectServer(f"http://127.0.0.1:{ports[6]}", server.key, server.secret)
        _wait(server, process, folder / "log")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder)


def _wait(server: ObjectServer, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            server.place()
        except BaseError as error:
            if process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"SeaweedFS did not come up: {log.read_text(errors='replace')[-3000:]}") from error
            time.sleep(0.2)
        else:
            return
