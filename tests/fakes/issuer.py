"""An OpenID Connect provider on loopback: discovery, keys that rotate, people who sign in at once, and tokens as a test wants them."""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "destiny"
_Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Issuer:
    """`fetches` counts how often the keys were asked for; `away` lets it answer with 503; `who` is what it says of whoever signs in.

    With `asks` it shows a page on which a person agrees or declines; else who comes is sent back at once.
    """

    def __init__(self) -> None:
        self.url = ""
        self.fetches = 0
        self.away = False
        self.asks = False
        self.who: dict[str, Any] = {}
        self._codes: dict[str, dict[str, str]] = {}
        self._keys: dict[str, tuple[str, _Private]] = {}

    def rotate(self, kid: str, algorithm: str = "RS256") -> None:
        """Throw the keys away and have one new one."""
        private: _Private = (
            rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
            if algorithm == "RS256"
            else ec.generate_private_key(ec.SECP256R1())
        )
        self._keys = {kid: (algorithm, private)}

    def token(self, **claims: Any) -> str:
        """A token with the newest key; a claim that is None is left out."""
        ((kid, (algorithm, private)),) = self._keys.items()
        now = int(time.time())
        every = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 300, **claims}
        kept = {name: value for name, value in every.items() if value is not None}
        return jwt.encode(kept, private, algorithm=algorithm, headers={"kid": kid})

    def jwks(self) -> dict[str, Any]:
        keys = []
        for kid, (algorithm, private) in self._keys.items():
            to_jwk = (jwt.algorithms.RSAAlgorithm if algorithm == "RS256" else jwt.algorithms.ECAlgorithm).to_jwk
            public = json.loads(to_jwk(private.public_key()))  # type: ignore[arg-type]
            keys.append({**public, "kid": kid, "use": "sig", "alg": algorithm})
        return {"keys": [*keys, {"kty": "oct", "k": "AAAA", "kid": "symmetric"}]}

    def answer(self, path: str) -> tuple[int, dict[str, Any]]:
        if self.away:
            return 503, {}
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
            }
        self.fetches += 1
        return 200, self.jwks()

    def authorize(self, asked: dict[str, str]) -> str:
        """Where whoever signed in is sent back to."""
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert "openid" in asked["scope"].split()
        code = secrets.token_hex(8)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def page(self, asked: dict[str, str]) -> bytes:
        """Where a person agrees or declines."""
        no = f"{asked['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': asked['state']})}"
        links = ((html.escape(self.authorize(asked)), "Agree"), (html.escape(no), "Decline"))
        told = "".join(f'<p><a href="{at}">{word}</a></p>' for at, word in links)
        return f'<!doctype html><link rel="icon" href="data:,"><title>A provider</title>{told}'.encode()

    def exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """An identity token for a code that was not used, to whom it was given."""
        asked = self._codes.pop(form["code"], None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        )
        same = asked is not None and all(asked[name] == form[name] for name in ("client_id", "redirect_uri"))
        if asked is None or not same or asked["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant"}
        said = {"aud": asked["client_id"], "nonce": asked["nonce"], **self.who}
        return 200, {"token_type": "Bearer", "access_token": "unused", "id_token": self.token(**said)}


@contextmanager
def issuing() -> Iterator[Issuer]:
    issuer = Issuer()
    issuer.rotate("first")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            at = urlsplit(self.path)
            if at.path == "/authorize":
                asked = dict(parse_qsl(at.query))
                body = issuer.page(asked) if issuer.asks else b""
                self.send_response(200 if issuer.asks else 302)
                if issuer.asks:
                    self.send_header("Content-Type", "text/html")
                else:
                    self.send_header("Location", issuer.authorize(asked))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            self.tell(*issuer.answer(self.path))

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.tell(*((503, {}) if issuer.away else issuer.exchange(dict(parse_qsl(form)))))

        def tell(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Keep the test's output clean."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    issuer.url = f"http://127.0.0.1:{http.server_port}"
    try:
        yield issuer
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
