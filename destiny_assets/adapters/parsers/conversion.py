"""Kreuzberg: what turns office formats and HTML into Markdown; its failures become `UnreadableDocumentError` here."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

from destiny_assets.errors import Reason, UnreadableDocumentError

_MESSAGE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Converted:
    """Markdown, and the properties the file carries."""

    markdown: str
    properties: Mapping[str, object]


@cache
def kreuzberg_version() -> str:
    """Name and version for a parser's identity."""
    return f"kreuzberg-{version('kreuzberg')}"


def convert(data: bytes, media_type: str, uri: str) -> Converted:
    """`data` as Markdown; raises `UnreadableDocumentError` ("encrypted", "broken", "no_text")."""
    import kreuzberg

    config = kreuzberg.ExtractionConfig(output_format="markdown", use_cache=False)
    try:
        result = kreuzberg.extract_bytes_sync(data, media_type, config=config)
    except (kreuzberg.KreuzbergError, OSError, RuntimeError, ValueError) as error:
        message = " ".join(str(error).split())[:_MESSAGE_CHARACTERS]
        reason: Reason = "encrypted" if "password" in message.lower() or "encrypted" in message.lower() else "broken"
        raise UnreadableDocumentError(reason, f"{uri} could not be read as {media_type}: {message}") from error
    except BaseException as error:
        # A Rust panic arrives as pyo3_runtime.PanicException, which is no Exception and cannot be imported.
        if type(error).__name__ != "PanicException":
            raise
        raise UnreadableDocumentError("broken", f"{uri} made the {media_type} reader panic.") from error
    text = result.content.replace("\r\n", "\n").replace("\x00", " ").replace("\ufeff", "")
    if not text.strip():
        raise UnreadableDocumentError("no_text", f"{uri} holds no text.")
    return Converted(text, result.metadata)
