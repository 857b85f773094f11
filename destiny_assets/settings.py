"""Where Destiny's four layers and models are, read from the environment when asked, never at import.

The four URLs are the whole difference between a laptop and production. Where one is not set, the local servers' own
(`connections.json` in the home folder, written by ``destiny up``) is used.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from destiny_assets.errors import ConfigurationError

URL_VARIABLES = ("DESTINY_DOCUMENTS_URL", "DESTINY_POSTGRES_URL", "DESTINY_QDRANT_URL", "DESTINY_NEO4J_URL")
CONNECTIONS_FILE = "connections.json"
KEPT_BACKUPS = 7
"""Backups that stay in a folder of backups: a week of nights."""


def home_folder(environment: Mapping[str, str] | None = None) -> Path:
    """``DESTINY_HOME``, else ``~/.destiny``."""
    named = (os.environ if environment is None else environment).get("DESTINY_HOME")
    return Path(named).expanduser().resolve() if named else Path.home() / ".destiny"


def cache_folder(home: Path) -> Path:
    """Where sources keep what they can fetch again."""
    return home / "cache"


def without_secrets(url: str) -> str:
    """A URL fit for people and logs: user name and password left out."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@dataclass(frozen=True, slots=True)
class Stores:
    """The four URLs; user and password travel inside them, and `repr` shows neither.

    Qdrant's API key is the password of its URL (``http://:KEY@host:6333``).
    """

    documents_url: str = field(repr=False)
    postgres_url: str = field(repr=False)
    qdrant_url: str = field(repr=False)
    neo4j_url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EmbeddingSettings:
    """Which embedding model: ``minilm``, ``openai:NAME`` (any compatible endpoint) or ``fastembed:NAME``."""

    model: str = "minilm"
    url: str | None = None
    api_key: str | None = field(default=None, repr=False)

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "EmbeddingSettings":
        """``DESTINY_EMBEDDING_MODEL``, ``_URL`` and ``_API_KEY``."""
        return EmbeddingSettings(
            model=environment.get("DESTINY_EMBEDDING_MODEL") or "minilm",
            url=environment.get("DESTINY_EMBEDDING_URL"),
            api_key=environment.get("DESTINY_EMBEDDING_API_KEY"),
        )


@dataclass(frozen=True, slots=True)
class LanguageModelSettings:
    """Which language model answers; without a name, answers are extractive."""

    model: str
    url: str | None = None
    api_key: str | None = field(default=None, repr=False)

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "LanguageModelSettings | None":
        """``DESTINY_LANGUAGE_MODEL``, ``_URL`` and ``_API_KEY``; None when no model is named."""
        model = environment.get("DESTINY_LANGUAGE_MODEL")
        return (
            LanguageModelSettings(
                model, environment.get("DESTINY_LANGUAGE_MODEL_URL"), environment.get("DESTINY_LANGUAGE_MODEL_API_KEY")
            )
            if model
            else None
        )


@dataclass(frozen=True, slots=True)
class ClaimModelSettings:
    """Which language model reads claims out of passages; without a name, only patterns do."""

    model: str
    url: str | None = None
    api_key: str | None = field(default=None, repr=False)

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "ClaimModelSettings | None":
        """``DESTINY_CLAIM_MODEL``, ``_URL`` and ``_API_KEY``; None when no model is named.

        Those of the language model that answers are not taken: every passage of a project is sent, which is another thing to agree to.
        """
        model = environment.get("DESTINY_CLAIM_MODEL")
        return (
            ClaimModelSettings(
                model, environment.get("DESTINY_CLAIM_MODEL_URL"), environment.get("DESTINY_CLAIM_MODEL_API_KEY")
            )
            if model
            else None
        )


@dataclass(frozen=True, slots=True)
class RerankerSettings:
    """Which model reranks what was found; without a name, nothing is reranked."""

    model: str
    url: str
    api_key: str | None = field(default=None, repr=False)

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "RerankerSettings | None":
        """``DESTINY_RERANKER``, ``_URL`` and ``_API_KEY``; None when no model is named.

        Raises `ConfigurationError` when the URL is missing.
        """
        model = environment.get("DESTINY_RERANKER")
        if not model:
            return None
        url = environment.get("DESTINY_RERANKER_URL")
        if not url:
            raise ConfigurationError(
                "DESTINY_RERANKER_URL is not set: name the endpoint that serves POST /rerank, e.g. http://localhost:8000/v1."
            )
        return RerankerSettings(model, url, environment.get("DESTINY_RERANKER_API_KEY"))


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """Whose tokens the API takes besides its own keys.

    The values of the token's `claim` are grants (``notes=reader``), or are looked up in `grants` where that is given. People sign in there
    where it knows the web pages as `client_id`.
    """

    issuer: str
    audience: str
    jwks_url: str | None = None
    claim: str = "destiny_grants"
    grants: Mapping[str, str] | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "OidcSettings | None":
        """``DESTINY_OIDC_ISSUER``, ``_AUDIENCE``, ``_JWKS_URL``, ``_CLAIM``, ``_GRANTS`` (a JSON object), ``_CLIENT_ID`` and ``_CLIENT_SECRET``.

        None without an issuer.

        Raises `ConfigurationError` when the audience is missing or the grants are no object of texts.
        """
        issuer = environment.get("DESTINY_OIDC_ISSUER")
        if not issuer:
            return None
        audience = environment.get("DESTINY_OIDC_AUDIENCE")
        if not audience:
            raise ConfigurationError(
                "DESTINY_OIDC_AUDIENCE is not set: without it a token made for another service would open this one."
            )
        grants = None
        if written := environment.get("DESTINY_OIDC_GRANTS"):
            try:
                grants = json.loads(written)
            except ValueError:
                grants = written
            if not isinstance(grants, dict) or not all(isinstance(value, str) for value in grants.values()):
                raise ConfigurationError(
                    'DESTINY_OIDC_GRANTS is no JSON object from a claim\'s value to grants: write {"staff": "notes=reader"}.'
                )
        return OidcSettings(
            issuer,
            audience,
            environment.get("DESTINY_OIDC_JWKS_URL") or None,
            environment.get("DESTINY_OIDC_CLAIM") or "destiny_grants",
            grants,
            environment.get("DESTINY_OIDC_CLIENT_ID") or None,
            environment.get("DESTINY_OIDC_CLIENT_SECRET") or None,
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be configured from outside, with its defaults."""

    home: Path
    stores: Stores
    embedding: EmbeddingSettings
    language_model: LanguageModelSettings | None
    reranker: RerankerSettings | None = None

    @property
    def cache(self) -> Path:
        """A folder for what can be fetched or made again."""
        return cache_folder(self.home)


def backup_folder(environment: Mapping[str, str]) -> Path | None:
    """``DESTINY_BACKUP_DIR``, where the nightly backup goes; None when there is to be none."""
    named = environment.get("DESTINY_BACKUP_DIR")
    return Path(named).expanduser().absolute() if named else None


def embedding_budget(environment: Mapping[str, str]) -> int | None:
    """``DESTINY_EMBEDDING_BUDGET``: how many tokens one run may embed; None (not set) for as many as there are.

    Raises `ConfigurationError` for what is no whole number above 0.
    """
    return _tokens(environment, "DESTINY_EMBEDDING_BUDGET")


def claim_model_budget(environment: Mapping[str, str]) -> int | None:
    """``DESTINY_CLAIM_MODEL_BUDGET``: how many tokens the model that reads claims may take in one run; None (not set) for no limit.

    Raises `ConfigurationError` for what is no whole number above 0.
    """
    return _tokens(environment, "DESTINY_CLAIM_MODEL_BUDGET")


def _tokens(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not int(text):
        raise ConfigurationError(f"{name}={text!r} is no number of tokens above 0.")
    return int(text)


def extractor_name(environment: Mapping[str, str]) -> str:
    """``DESTINY_ENTITY_EXTRACTOR``: ``none`` (the default) or ``spacy``."""
    return environment.get("DESTINY_ENTITY_EXTRACTOR") or "none"


def retention_days(environment: Mapping[str, str]) -> float:
    """``DESTINY_RETENTION_DAYS``, 30 by default: how long a generation can be read after another took its place.

    Raises `ConfigurationError` for what is no number of days.
    """
    text = environment.get("DESTINY_RETENTION_DAYS") or "30"
    try:
        days = float(text)
    except ValueError:
        days = -1
    if not 0 <= days <= 36_500:
        raise ConfigurationError(f"DESTINY_RETENTION_DAYS={text!r} is no number of days between 0 and 36500.")
    return days


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment, then from the local servers of the home folder.

    Raises `ConfigurationError` naming the first missing URL and the command that provides it.
    """
    env = os.environ if environment is None else environment
    home = home_folder(env)
    found = _local_connections(home)
    urls = []
    for name in URL_VARIABLES:
        url = env.get(name) or found.get(name)
        if not url:
            raise ConfigurationError(
                f"{name} is not set and no local servers are known in {home}. Start them with: destiny up"
            )
        urls.append(url)
    return Settings(
        home=home,
        stores=Stores(*urls),
        embedding=EmbeddingSettings.from_environment(env),
        language_model=LanguageModelSettings.from_environment(env),
        reranker=RerankerSettings.from_environment(env),
    )


def _local_connections(home: Path) -> dict[str, str]:
    path = home / CONNECTIONS_FILE
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}). Write it anew with: destiny up") from error
