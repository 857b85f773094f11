"""Front matter: a block of YAML (``---``) or TOML (``+++``) at the top of a text, read as header fields with positions."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from destiny_assets.domain.headers import HeaderField

# YAML's parser takes 0.3 s for a megabyte, and no header is near that.
MAX_CHARACTERS = 32_768
_BLOCK = re.compile(
    r"\s*(?:---[ \t]*\n(?P<yaml>.*?)^(?:---|\.\.\.)[ \t]*$|\+\+\+[ \t]*\n(?P<toml>.*?)^\+\+\+[ \t]*$)\n?",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The fields, and the offset at which the text proper begins."""

    fields: list[HeaderField]
    end: int


def read_front_matter(text: str) -> FrontMatter:
    """The front matter of `text`; without one, or with one that does not parse, no fields and offset 0."""
    match = _BLOCK.match(text[:MAX_CHARACTERS])
    if match is None:
        return FrontMatter([], 0)
    group = "yaml" if match["yaml"] is not None else "toml"
    entries = _yaml_entries(match["yaml"]) if group == "yaml" else _toml_entries(match["toml"])
    if entries is None:
        return FrontMatter([], 0)
    fields = [
        field
        for name, value in entries.items()
        for field in _fields(str(name), value, text, match.start(group), match.end(group))
    ]
    return FrontMatter(fields, match.end())


def _yaml_entries(block: str) -> Mapping[Any, Any] | None:
    import yaml

    try:
        entries = yaml.load(block, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return entries if isinstance(entries, dict) else None


def _toml_entries(block: str) -> Mapping[Any, Any] | None:
    try:
        return tomllib.loads(block)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def _fields(name: str, value: object, text: str, start: int, end: int) -> list[HeaderField]:
    """One field a scalar or a list's scalar; deeper values are left out, as no fact is stated there."""
    key = re.compile(rf"^[\"']?{re.escape(name)}[\"']?[ \t]*[:=][ \t]*", re.MULTILINE).search(text, start, end)
    at = key.end() if key else start
    found = []
    for item in value if isinstance(value, list) else [value]:
        written = _written(item)
        if written is None:
            continue
        spot = text.find(written, at, end) if written else -1
        if spot >= 0:
            at = spot + len(written)
            found.append(HeaderField(name.lower(), written, spot, at))
        else:
            found.append(HeaderField(name.lower(), written, at, at))
    return found


def _written(item: object) -> str | None:
    if isinstance(item, date):
        return item.isoformat()
    if isinstance(item, str | int | float | bool):
        return " ".join(str(item).split())
    return None
