"""The last good answer of each address that a web source asks: what makes the next request a conditional one."""

from collections.abc import Collection
from dataclasses import dataclass

from destiny_assets.adapters.postgres.session import Session

_COLUMNS = ("url", "address", "etag", "last_modified", "media_type", "sha256", "size", "excluded", "body")


@dataclass(frozen=True, slots=True)
class WebResponse:
    """One answer. `address` is where redirects and the page itself say that it lives.

    A page has `sha256`, the hash of its original; robots.txt, sitemaps and lists have a `body` instead. `excluded` says why a
    page asks not to be kept.
    """

    url: str
    address: str
    etag: str | None = None
    last_modified: str | None = None
    media_type: str | None = None
    sha256: str | None = None
    size: int = 0
    excluded: str | None = None
    body: bytes | None = None


class WebResponses:
    """The table `web_response`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def known(self, project: str, source: str) -> dict[str, WebResponse]:
        """Every answer kept for a source, by the url that was asked."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select url, address, etag, last_modified, media_type, sha256, bytes as size, excluded, body
                   from web_response where project = %s and source = %s""",
                (project, source),
            )
            return {row["url"]: WebResponse(**row) for row in rows}

    def keep(self, project: str, source: str, responses: Collection[WebResponse]) -> None:
        """Write answers over the older ones of the same urls."""
        with self._session.transaction() as cursor:
            cursor.executemany(
                """insert into web_response
                       (project, source, url, address, etag, last_modified, media_type, sha256, bytes, excluded, body)
                   values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                   on conflict (project, source, url) do update set address = excluded.address, etag = excluded.etag,
                       last_modified = excluded.last_modified, media_type = excluded.media_type, sha256 = excluded.sha256,
                       bytes = excluded.bytes, excluded = excluded.excluded, body = excluded.body, fetched_at = now()""",
                [(project, source, *(getattr(response, column) for column in _COLUMNS)) for response in responses],
            )

    def forget(self, project: str, source: str, urls: Collection[str]) -> None:
        """Drop the answers of addresses that are gone or no longer asked."""
        with self._session.transaction() as cursor:
            cursor.execute(
                "delete from web_response where project = %s and source = %s and url = any(%s)",
                (project, source, list(urls)),
            )
