"""The kinds of sources there are, by name."""

from collections.abc import Callable, Mapping

from destiny_assets.adapters.files_source import open_files_source
from destiny_assets.adapters.source_context import SourceContext
from destiny_assets.errors import ConfigurationError
from destiny_assets.ports import SourceReader

KINDS: Mapping[str, Callable[[str, Mapping[str, str], SourceContext], SourceReader]] = {
    "files": lambda uri, options, _: open_files_source(uri, options),
}


def open_source(kind: str, uri: str, options: Mapping[str, str], context: SourceContext) -> SourceReader:
    """The reader of one source; raises `ConfigurationError` for an unknown kind or option, `StoreUnavailableError`."""
    if kind not in KINDS:
        raise ConfigurationError(f"There is no source kind {kind!r}. Choose one of: {', '.join(sorted(KINDS))}")
    return KINDS[kind](uri, options, context)
