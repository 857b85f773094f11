"""The websocket of Dagster's UI, over which it hears of runs while they go on: passed on word by word, for as long as its caller is one.

It always leads to the server that changes nothing.
"""

import asyncio
from collections import Counter

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from destiny_assets.domain.access import EVERY_PROJECT, Caller, Right
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.serving.api.authentication import KNOWN_SECONDS, Busy
from destiny_assets.serving.api.doors import Doors
from destiny_assets.serving.api.gate import credential_of
from destiny_assets.serving.api.problems import problem
from destiny_assets.serving.api.sessions import session_of
from destiny_assets.serving.dagster.process import PATH, DagsterProcess

_GRAPHQL = f"{PATH}/graphql"
_PROTOCOL = Subprotocol("graphql-ws")
"""The one that Dagster speaks."""
_MOST_BYTES = 8_000_000
"""Of a message from Dagster; what a browser may send is bounded where the server is started."""
_OPEN_SECONDS = 10.0
_MOST_OPEN = 32
"""Of one caller at once: the UI opens one a window."""
_ENDED, _NOT_TEXT, _REFUSED, _AWAY = 1001, 1003, 1008, 1013


class Subscriptions:
    """Passes websockets on."""

    def __init__(self, doors: Doors, process: DagsterProcess) -> None:
        self._doors, self._process = doors, process
        self._open: Counter[str] = Counter()

    async def pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One websocket of a caller who may see every project; it ends with either side, the caller's session or key, and the server."""
        caller: Caller = scope["state"]["caller"]
        id_ = scope["state"]["request_id"]
        if scope["path"] != _GRAPHQL or _PROTOCOL not in scope.get("subprotocols", ()):
            told = f"A websocket is opened at {_GRAPHQL} and speaks {_PROTOCOL}."
            await problem("bad-request", told, id_)(scope, receive, send)
            return
        if self._open[caller.id] >= _MOST_OPEN:
            told = f"{caller.name!r} has {_MOST_OPEN} websockets open. Close some."
            await problem("too-many-requests", told, id_)(scope, receive, send)
            return
        self._open[caller.id] += 1
        try:
            with self._process.in_use():
                await self._between(WebSocket(scope, receive, send), caller)
        finally:
            self._open[caller.id] -= 1
            self._open += Counter()

    async def _between(self, near: WebSocket, caller: Caller) -> None:
        try:
            sockets = await self._process.sockets()
            opened = unix_connect(
                str(sockets.reading),
                f"ws://dagster{_GRAPHQL}",
                subprotocols=[_PROTOCOL],
                max_size=_MOST_BYTES,
                open_timeout=_OPEN_SECONDS,
                compression=None,
                user_agent_header=None,
            )
            async with opened as far:
                await near.accept(far.subprotocol)
                code = await self._until_one_ends(near, far, caller)
        except (StoreUnavailableError, OSError, InvalidHandshake, TimeoutError):
            code = _AWAY
        if code is not None:
            await near.close(code)

    async def _until_one_ends(self, near: WebSocket, far: ClientConnection, caller: Caller) -> int | None:
        """The code to close with; None when the browser is gone."""
        ways = (self._out(near, far, caller), self._back(near, far), self._watch(near))
        tasks = [asyncio.create_task(way) for way in ways]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        return done.pop().result()

    async def _out(self, near: WebSocket, far: ClientConnection, caller: Caller) -> int | None:
        while (message := await near.receive())["type"] != "websocket.disconnect":
            if (text := message.get("text")) is None:
                return _NOT_TEXT
            # A message counts as a request. Nobody is refused one here: it is read later.
            while seconds := self._doors.authenticator.wait(caller):
                await asyncio.sleep(seconds)
            try:
                await far.send(text)
            except ConnectionClosed:
                return _ENDED
        return None

    async def _back(self, near: WebSocket, far: ClientConnection) -> int | None:
        try:
            async for message in far:
                await near.send_text(message if isinstance(message, str) else message.decode())
        except WebSocketDisconnect:
            return None
        except ConnectionClosed:
            return _ENDED
        return _ENDED

    async def _watch(self, near: WebSocket) -> int:
        """A key that was revoked and a session that ended close what they opened, as soon as they open nothing new."""
        authenticator = self._doors.authenticator
        credential = credential_of(near.headers) or session_of(near.headers, near.scope["scheme"]) or ""
        while True:
            await asyncio.sleep(KNOWN_SECONDS)
            try:
                verdict = authenticator.recall(credential)
                if verdict is None:
                    verdict = await asyncio.to_thread(authenticator.verify, credential)
            except StoreUnavailableError:
                continue
            if isinstance(verdict, Busy):
                continue
            if not isinstance(verdict, Caller) or not verdict.may(Right.INSPECT, EVERY_PROJECT):
                return _REFUSED
