"""Tokens of an OpenID Connect provider (PyJWT): signature, times, issuer and audience checked, claims read as grants.

The provider's keys are fetched when they are needed, kept for minutes, and fetched again, not too often, for one that is not among
them: so a provider may change its keys at any time, and a flood of made-up key ids asks it nothing.
"""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import jwt

from destiny_assets.domain.access import Caller, Role, grants_of
from destiny_assets.errors import ConfigurationError, StoreUnavailableError
from destiny_assets.settings import OidcSettings

ALGORITHMS = ("RS256", "ES256")
_LEEWAY_SECONDS = 30
_KEPT_SECONDS = 300.0
_BETWEEN_FETCHES_SECONDS = 10.0
_PATIENCE_SECONDS = 5.0
_MOST_BYTES = 1_000_000
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class OidcTokens:
    """Verifies tokens of one issuer; thread-safe."""

    def __init__(self, settings: OidcSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is fetched yet. Raises `ConfigurationError` for an address that is neither https nor on loopback."""
        checked_address(settings.issuer)
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None

    def could_be(self, token: str) -> bool:
        """Whether a text has the form of a token that could be accepted; asks nobody."""
        if token.count(".") != 2:
            return False
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            return False
        return header.get("alg") in ALGORITHMS and isinstance(header.get("kid"), str)

    def caller(self, token: str, *, nonce: str | None = None) -> tuple[Caller | None, float]:
        """Whom a token stands for and for how many seconds still; (None, 0.0) for one that is not valid, or lacks the `nonce` asked for.

        Raises `StoreUnavailableError` when the provider's keys cannot be had.
        """
        try:
            kid = str(jwt.get_unverified_header(token).get("kid"))
            key = self._key(kid)
            if key is None:
                return None, 0.0
            claims = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.InvalidTokenError:
            return None, 0.0
        if nonce is not None and claims.get("nonce") != nonce:
            return None, 0.0
        name = claims.get("email") or claims.get("preferred_username") or claims["sub"]
        caller = Caller(f"oidc:{claims['sub']}", str(name), self._grants(claims))
        return caller, max(0.0, float(claims["exp"]) - time.time())

    def _grants(self, claims: Mapping[str, Any]) -> dict[str, Role]:
        """Grants of the values of the claim, by the mapping where there is one; what says nothing grants nothing."""
        said = claims.get(self._settings.claim)
        values = [said] if isinstance(said, str) else said if isinstance(said, list) else []
        grants: dict[str, Role] = {}
        for value in values:
            if not isinstance(value, str):
                continue
            written = self._settings.grants.get(value) if self._settings.grants is not None else value
            if written is None:
                continue
            try:
                for project, role in grants_of(written.split(",")).items():
                    grants[project] = max(grants.get(project, role), role, key=list(Role).index)
            except ConfigurationError:
                # A group that means something to somebody else.
                continue
        return grants

    def _key(self, kid: str) -> jwt.PyJWK | None:
        with self._lock:
            now = self._clock()
            stale = self._fetched_at is None or now - self._fetched_at > _KEPT_SECONDS
            if (stale or kid not in self._keys) and (
                self._tried_at is None or now - self._tried_at > _BETWEEN_FETCHES_SECONDS
            ):
                self._tried_at = now
                try:
                    self._keys = self._fetch()
                    self._fetched_at = now
                except (OSError, HTTPException, ValueError, LookupError, TypeError, jwt.PyJWTError) as error:
                    # Keys that were good go on being good while the provider is away.
                    if kid not in self._keys:
                        raise self._away(error) from error
            if self._fetched_at is None:
                raise self._away(None)
            return self._keys.get(kid)

    def _fetch(self) -> dict[str, jwt.PyJWK]:
        url = self._settings.jwks_url
        if url is None:
            issuer = self._settings.issuer.rstrip("/")
            url = str(fetched(f"{issuer}/.well-known/openid-configuration")["jwks_uri"])
        found = {}
        for written in fetched(url)["keys"]:
            if written.get("use", "sig") != "sig" or not isinstance(written.get("kid"), str):
                continue
            try:
                key = jwt.PyJWK(written)
            except jwt.PyJWTError:
                continue
            if key.algorithm_name in ALGORITHMS:
                found[written["kid"]] = key
        return found

    def _away(self, error: Exception | None) -> StoreUnavailableError:
        told = f" ({type(error).__name__})" if error else ""
        return StoreUnavailableError(
            f"The identity provider {self._settings.issuer} does not hand out its keys{told}. "
            "Check DESTINY_OIDC_ISSUER and DESTINY_OIDC_JWKS_URL, and that this server may reach it."
        )


def fetched(url: str) -> dict[str, Any]:
    """A JSON document of the provider's; raises `OSError`, `HTTPException`, `ValueError` where there is none to be had."""
    checked_address(url)
    try:
        with urllib.request.urlopen(url, timeout=_PATIENCE_SECONDS) as response:  # noqa: S310 - the scheme was checked
            body = response.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        # It is the open answer, and lives as long as whoever is told of it.
        error.close()
        raise
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - one of the ways in which the answer is no answer
    return document


def checked_address(url: str) -> str:
    """The address; raises `ConfigurationError` for one that is neither https nor on loopback."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ConfigurationError(f"{url} can't vouch for anybody: an identity provider has an https:// address.")
    return url
