"""Settings from the environment and from the local servers' file; secrets stay out of sight."""

import json
from pathlib import Path

import pytest

from destiny_assets.errors import ConfigurationError
from destiny_assets.settings import (
    CONNECTIONS_FILE,
    URL_VARIABLES,
    EmbeddingSettings,
    LanguageModelSettings,
    extractor_name,
    home_folder,
    load_settings,
    without_secrets,
)

URLS = {
    "DESTINY_DOCUMENTS_URL": "file:///srv/documents",
    "DESTINY_POSTGRES_URL": "postgresql://destiny:pg-secret@db:5432/destiny",
    "DESTINY_QDRANT_URL": "http://:qd-secret@vectors:6333",
    "DESTINY_NEO4J_URL": "bolt://neo4j:gr-secret@graph:7687",
}


def test_four_urls_are_all_that_production_sets(tmp_path: Path) -> None:
    settings = load_settings({**URLS, "DESTINY_HOME": str(tmp_path)})
    stores = settings.stores
    assert [stores.documents_url, stores.postgres_url, stores.qdrant_url, stores.neo4j_url] == list(URLS.values())
    assert (settings.embedding, settings.language_model) == (EmbeddingSettings("minilm"), None)


def test_what_is_not_set_comes_from_the_local_servers(tmp_path: Path) -> None:
    (tmp_path / CONNECTIONS_FILE).write_text(json.dumps(URLS))
    found = load_settings({"DESTINY_HOME": str(tmp_path), "DESTINY_QDRANT_URL": "http://other:6333"})
    assert (found.stores.qdrant_url, found.stores.neo4j_url) == ("http://other:6333", URLS["DESTINY_NEO4J_URL"])


@pytest.mark.parametrize("missing", URL_VARIABLES)
def test_a_missing_url_is_named_with_the_command_that_provides_it(tmp_path: Path, missing: str) -> None:
    environment = {name: url for name, url in URLS.items() if name != missing} | {"DESTINY_HOME": str(tmp_path)}
    with pytest.raises(ConfigurationError, match=rf"{missing} is not set .*destiny up"):
        load_settings(environment)


@pytest.mark.parametrize("content", ["{", "[1]", "\x00"])
def test_a_spoilt_connections_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / CONNECTIONS_FILE).write_text(content)
    with pytest.raises(ConfigurationError, match=f"{CONNECTIONS_FILE} cannot be read .*destiny up"):
        load_settings({"DESTINY_HOME": str(tmp_path)})


def test_what_settings_look_like_gives_nothing_away(tmp_path: Path) -> None:
    settings = load_settings(
        {
            **URLS,
            "DESTINY_HOME": str(tmp_path),
            "DESTINY_EMBEDDING_API_KEY": "em-secret",
            "DESTINY_LANGUAGE_MODEL": "gpt",
            "DESTINY_LANGUAGE_MODEL_API_KEY": "lm-secret",
        }
    )
    assert "secret" not in f"{settings!r} {settings}"
    assert settings.language_model is not None
    assert settings.language_model.api_key == "lm-secret"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URLS["DESTINY_POSTGRES_URL"], "postgresql://db:5432/destiny"),
        (URLS["DESTINY_QDRANT_URL"], "http://vectors:6333"),
        ("bolt://user:p@ss@graph:7687/x", "bolt://graph:7687/x"),
        ("file:///srv/documents", "file:///srv/documents"),
    ],
)
def test_a_url_is_shown_without_user_and_password(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


def test_the_home_is_named_or_the_users_own(tmp_path: Path) -> None:
    assert home_folder({"DESTINY_HOME": str(tmp_path / "a" / ".." / "b")}) == tmp_path / "b"
    assert home_folder({}) == home_folder({"DESTINY_HOME": ""}) == Path.home() / ".destiny"


def test_models_are_named_by_the_environment() -> None:
    environment = {"DESTINY_EMBEDDING_MODEL": "openai:e", "DESTINY_EMBEDDING_URL": "http://e/v1"}
    assert EmbeddingSettings.from_environment(environment) == EmbeddingSettings("openai:e", "http://e/v1")
    assert LanguageModelSettings.from_environment({}) is None
    assert LanguageModelSettings.from_environment({"DESTINY_LANGUAGE_MODEL": "m"}) == LanguageModelSettings("m")
    assert (extractor_name({}), extractor_name({"DESTINY_ENTITY_EXTRACTOR": "spacy"})) == ("none", "spacy")
