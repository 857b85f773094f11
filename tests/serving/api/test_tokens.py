"""Tokens of an identity provider: taken when it vouches for them, to this service, now; its keys may change at any time."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from destiny_assets.adapters.oidc import OidcTokens
from destiny_assets.domain.access import Role
from destiny_assets.errors import ConfigurationError, StoreUnavailableError
from destiny_assets.settings import OidcSettings
from tests.fakes.issuer import AUDIENCE, Issuer, issuing
from tests.serving.api.opened import opened_over
from tests.stages.growing import Growth, Layers


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as running:
        yield running


class Door:
    """The verifier on a clock of the test's own."""

    def __init__(self, issuer: Issuer, **settings: Any) -> None:
        self.now = 1_000.0
        self.tokens = OidcTokens(OidcSettings(issuer.url, AUDIENCE, **settings), clock=lambda: self.now)

    def grants(self, token: str) -> dict[str, Role] | None:
        if not self.tokens.could_be(token):
            return None
        caller, seconds = self.tokens.caller(token)
        assert (caller is None) == (seconds == 0)
        return None if caller is None else dict(caller.grants)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_token_grants_what_its_claim_says(issuer: Issuer, algorithm: str) -> None:
    issuer.rotate("k", algorithm)
    door = Door(issuer)
    assert door.grants(issuer.token(destiny_grants=["notes=reader", "other=admin"])) == {
        "notes": "reader",
        "other": "admin",
    }
    assert door.grants(issuer.token(destiny_grants="notes=client")) == {"notes": "client"}
    assert door.grants(issuer.token()) == {}
    assert door.grants(issuer.token(destiny_grants=[7, "nonsense", "notes=god"])) == {}
    assert issuer.fetches == 1


def test_groups_are_mapped_where_a_mapping_is_given(issuer: Issuer) -> None:
    door = Door(issuer, claim="groups", grants={"kb-staff": "*=reader", "kb-notes": "notes=curator,wiki=reader"})
    token = issuer.token(groups=["kb-staff", "kb-notes", "everyone", "*=admin"])
    assert door.grants(token) == {"*": "reader", "notes": "curator", "wiki": "reader"}


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-service"},
        {"aud": None},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"sub": None},
        {"exp": None},
        {"exp": int(time.time()) - 120},
        {"nbf": int(time.time()) + 3_600},
    ],
)
def test_a_token_for_others_or_another_time_is_not_taken(issuer: Issuer, claims: dict[str, Any]) -> None:
    assert Door(issuer).grants(issuer.token(destiny_grants=["*=admin"], **claims)) is None


def test_a_token_that_was_tampered_with_is_not_taken(issuer: Issuer) -> None:
    header, body, signature = issuer.token(destiny_grants=["notes=reader"]).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["destiny_grants"] = ["*=admin"]
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    assert Door(issuer).grants(f"{header}.{forged}.{signature}") is None


def test_tricks_with_the_algorithm_do_not_work(issuer: Issuer) -> None:
    door = Door(issuer)
    claims = {
        "iss": issuer.url,
        "aud": AUDIENCE,
        "sub": "x",
        "exp": int(time.time()) + 300,
        "destiny_grants": ["*=admin"],
    }
    unsigned = jwt.encode(claims, None, algorithm="none", headers={"kid": "first"})
    _, private = issuer._keys["first"]
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    confused = jwt.encode(claims, public.hex(), algorithm="HS256", headers={"kid": "first"})
    symmetric = jwt.encode(claims, "\0\0\0" * 20, algorithm="HS256", headers={"kid": "symmetric"})
    for token in (unsigned, confused, symmetric):
        assert not door.tokens.could_be(token)
        assert door.tokens.caller(token)[0] is None


def test_keys_rotate_and_made_up_key_ids_do_not_ask_the_provider(issuer: Issuer) -> None:
    door = Door(issuer)
    old = issuer.token(destiny_grants=["notes=reader"])
    assert door.grants(old) is not None
    issuer.rotate("second")
    new = issuer.token(destiny_grants=["notes=reader"])
    door.now += 11
    assert door.grants(new) is not None
    assert door.grants(old) is None
    issuer.rotate("third")
    for _ in range(50):
        assert door.grants(issuer.token()) is None
    assert issuer.fetches == 2
    door.now += 11
    assert door.grants(issuer.token()) is not None


def test_while_the_provider_is_away_known_keys_go_on_and_unknown_ones_say_so(issuer: Issuer) -> None:
    door = Door(issuer)
    token = issuer.token(destiny_grants=["notes=reader"])
    assert door.grants(token) is not None
    issuer.away = True
    door.now += 1_000
    assert door.grants(token) is not None
    fresh = Door(issuer)
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="DESTINY_OIDC_ISSUER"):
            fresh.grants(token)


def test_a_provider_without_tls_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="https"):
        OidcTokens(OidcSettings("http://idp.example", AUDIENCE))


def test_settings_come_from_the_environment() -> None:
    given = {
        "DESTINY_OIDC_ISSUER": "https://idp.example",
        "DESTINY_OIDC_AUDIENCE": "kb",
        "DESTINY_OIDC_GRANTS": '{"staff": "*=reader"}',
    }
    assert OidcSettings.from_environment(given) == OidcSettings(
        "https://idp.example", "kb", grants={"staff": "*=reader"}
    )
    assert OidcSettings.from_environment({}) is None
    for wrong in ({"DESTINY_OIDC_AUDIENCE": ""}, {"DESTINY_OIDC_GRANTS": "staff"}, {"DESTINY_OIDC_GRANTS": '{"a": 1}'}):
        with pytest.raises(ConfigurationError):
            OidcSettings.from_environment({**given, **wrong})


def test_a_token_opens_the_api_as_far_as_it_grants(
    issuer: Issuer, layers: Layers, stores_home: Path, grown: Growth
) -> None:
    tokens = OidcTokens(OidcSettings(issuer.url, AUDIENCE))
    with opened_over(layers, stores_home, tokens) as opened:
        token = issuer.token(destiny_grants=[f"{grown.project}=client"], email="ada@example.org")
        with opened.client_with(token) as client:
            me = client.get("/v1/me").json()
            assert (me["id"], me["name"]) == ("oidc:ada", "ada@example.org")
            assert client.get(f"/v1/projects/{grown.project}/search", params={"q": "letters"}).status_code == 200
            assert client.get(f"/v1/projects/{grown.project}/doctor").status_code == 403
        with opened.client_with(issuer.token(aud="other")) as client:
            assert client.get("/v1/me").status_code == 401
        with opened.client(f"{grown.project}=reader") as client:
            assert client.get("/v1/me").status_code == 200
