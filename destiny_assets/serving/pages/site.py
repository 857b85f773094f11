"""Which addresses the pages have, and the files they are made of. What they show comes from `/v1`, under the same rights as everybody's."""

import hashlib
from functools import cache
from html import escape
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from string import Template

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from destiny_assets.serving.api.doors import Doors
from destiny_assets.serving.api.gate import ASSETS
from destiny_assets.serving.pages import sign_in

HEADERS = {
    # Nothing but our own files, nothing inline, and no string ever becomes markup or code (Trusted Types).
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    # Without an origin in the form that signs in, a browser could not show that the form was ours.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_ADDRESSES = ("/", "/p/{project}", "/p/{project}/{page}", "/p/{project}/{page}/{item}")


class Files:
    """The files of the pages, in memory; `stamp` follows from what they hold, so an address with it never means anything else."""

    def __init__(self) -> None:
        folder = resources.files("destiny_assets.serving.pages") / "static"
        self._held = dict(sorted(_read(folder, PurePosixPath())))
        digest = hashlib.sha256()
        for name, data in self._held.items():
            digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
        self.stamp = digest.hexdigest()[:16]

    def page(self, name: str, status: int = 200, **texts: str) -> HTMLResponse:
        """A page with texts put into it, each made harmless."""
        harmless = {key: escape(text) for key, text in texts.items()}
        body = Template(self._held[name].decode()).substitute(assets=f"{ASSETS}{self.stamp}", **harmless)
        return HTMLResponse(body, status, HEADERS)

    def response(self, stamp: str, name: str) -> Response:
        """A style, script, picture or font; raises `HTTPException` where there is none."""
        media_type = _MEDIA_TYPES.get(PurePosixPath(name).suffix)
        data = self._held.get(name)
        if data is None or media_type is None:
            raise HTTPException(404)
        # A page that was open while the server was renewed asks for the files of before; it gets those of now, not to be kept.
        kept = "public, max-age=31536000, immutable" if stamp == self.stamp else "no-cache"
        return Response(data, headers={"Cache-Control": kept}, media_type=media_type)


def _read(folder: Traversable, place: PurePosixPath) -> list[tuple[str, bytes]]:
    found = []
    for item in folder.iterdir():
        if item.is_dir():
            found += _read(item, place / item.name)
        else:
            found.append((str(place / item.name), item.read_bytes()))
    return found


@cache
def files() -> Files:
    """The files, read once."""
    return Files()


def install(app: FastAPI) -> None:
    """Give the pages their addresses. They are no part of the API, and hold nothing until a caller's browser fills them from it."""

    async def shell(request: Request) -> Response:
        doors: Doors = request.app.state.doors
        return files().page("shell.html", dagster=doors.dagster_url)

    async def asset(request: Request) -> Response:
        return files().response(request.path_params["stamp"], request.path_params["name"])

    for path in _ADDRESSES:
        app.add_route(path, shell, methods=["GET"], include_in_schema=False)
    app.add_route(ASSETS + "{stamp}/{name:path}", asset, methods=["GET"], include_in_schema=False)
    at_provider = "" if app.state.doors.sign_in is not None else "hidden"
    sign_in.install(app, lambda status, **texts: files().page("sign-in.html", status, hidden=at_provider, **texts))
