"""Signing in at an OpenID Connect provider: authorization code with PKCE (RFC 7636), for a person before a browser.

What it brings back is an identity token, verified as every token of the provider is; the code, the verifier and that token are kept nowhere.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from http.client import HTTPException
from typing import Any

from destiny_assets.adapters.oidc import OidcTokens, checked_address, fetched
from destiny_assets.domain.access import Caller
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.settings import OidcSettings

_PATIENCE_SECONDS = 5.0
_MOST_BYTES = 1_000_000
_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a browser carries from here to the provider and back, so that nobody's answer but its own is taken; `target` is where it goes then."""

    state: str
    nonce: str
    verifier: str
    target: str

    def dump(self) -> str:
        """As the value of a cookie."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()

    @staticmethod
    def load(text: str) -> "Attempt | None":
        """None for what is none."""
        try:
            said = json.loads(base64.urlsafe_b64decode(text.encode()))
        except ValueError:
            return None
        fields = ("state", "nonce", "verifier", "target")
        if not isinstance(said, dict) or not all(isinstance(said.get(name), str) and said[name] for name in fields):
            return None
        return Attempt(**{name: said[name] for name in fields})


class OidcSignIn:
    """Sends people to one provider and takes them back; thread-safe."""

    def __init__(self, settings: OidcSettings, client_id: str) -> None:
        """Nothing is fetched yet. Raises `ConfigurationError` for a provider whose address is neither https nor on loopback."""
        self._settings, self._client_id = settings, client_id
        # An identity token is made for whom it was asked by, which is not who takes access tokens.
        self._tokens = OidcTokens(replace(settings, audience=client_id))
        self._lock = threading.Lock()
        self._found: Mapping[str, Any] = {}

    def begin(self, back: str, target: str) -> tuple[str, Attempt]:
        """Where to send a browser that shall come back to `back`, and what it carries. Raises `StoreUnavailableError`."""
        state, nonce, verifier = (secrets.token_urlsafe(_RANDOM_BYTES) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": back,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        at = str(self._discovered()["authorization_endpoint"])
        joint = "&" if "?" in at else "?"
        return f"{at}{joint}{urllib.parse.urlencode(asked)}", Attempt(state, nonce, verifier, target)

    def finish(self, attempt: Attempt, state: str, code: str, back: str) -> Caller | None:
        """Whom the provider vouches for; None where the answer is no answer to this attempt, or is no good.

        Raises `StoreUnavailableError` when the provider does not answer.
        """
        if not code or not hmac.compare_digest(attempt.state.encode(), state.encode()):
            return None
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self._client_id,
            "code_verifier": attempt.verifier,
        }
        if self._settings.client_secret:
            asked["client_secret"] = self._settings.client_secret
        token = self._exchanged(asked)
        if token is None or not self._tokens.could_be(token):
            return None
        return self._tokens.caller(token, nonce=attempt.nonce)[0]

    def _exchanged(self, asked: Mapping[str, str]) -> str | None:
        at = str(self._discovered()["token_endpoint"])
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            checked_address(at), urllib.parse.urlencode(asked).encode(), {"Accept": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as response:  # noqa: S310
                said = json.loads(response.read(_MOST_BYTES))
        except urllib.error.HTTPError as error:
            # It is the open answer, and lives as long as whoever is told of it.
            error.close()
            # It answers 400 to a code that was used, is old or is not ours.
            if error.code < 500:
                return None
            raise self._away(error) from error
        except (OSError, HTTPException, ValueError) as error:
            raise self._away(error) from error
        token = said.get("id_token") if isinstance(said, dict) else None
        return token if isinstance(token, str) else None

    def _discovered(self) -> Mapping[str, Any]:
        with self._lock:
            if not self._found:
                try:
                    found = fetched(f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
                except (OSError, HTTPException, ValueError) as error:
                    raise self._away(error) from error
                if not {"authorization_endpoint", "token_endpoint"} <= found.keys():
                    raise self._away(None)
                checked_address(str(found["authorization_endpoint"]))
                self._found = found
            return self._found

    def _away(self, error: Exception | None) -> StoreUnavailableError:
        told = f" ({type(error).__name__})" if error else ""
        return StoreUnavailableError(
            f"The identity provider {self._settings.issuer} cannot sign anybody in now{told}. Try again, or sign in with a key."
        )
