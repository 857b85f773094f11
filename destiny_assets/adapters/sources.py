"""What opens each kind of source. What the kinds are, for people, is in `destiny_assets.domain.source_kinds`."""

from collections.abc import Callable, Mapping
from pathlib import Path

from destiny_assets.adapters.claims_source import open_claims_source
from destiny_assets.adapters.decisions_source import open_decisions_source
from destiny_assets.adapters.files_source import open_files_source
from destiny_assets.adapters.git.repository import is_elsewhere
from destiny_assets.adapters.git_source import open_git_source
from destiny_assets.adapters.pushed_source import open_pushed_source
from destiny_assets.adapters.source_context import SourceContext
from destiny_assets.adapters.transcripts_source import open_transcripts_source
from destiny_assets.adapters.web_source import open_web_source
from destiny_assets.domain.source_kinds import check_options
from destiny_assets.ports import SourceReader

KINDS: Mapping[str, Callable[[str, Mapping[str, str], SourceContext], SourceReader]] = {
    "claims": lambda uri, options, _: open_claims_source(uri, options),
    "decisions": lambda uri, options, _: open_decisions_source(uri, options),
    "files": lambda uri, options, _: open_files_source(uri, options),
    "git": lambda uri, options, context: open_git_source(uri, options, context.cache / "git"),
    "pushed": open_pushed_source,
    "transcripts": lambda uri, options, _: open_transcripts_source(uri, options),
    "web": open_web_source,
}


def open_source(kind: str, uri: str, options: Mapping[str, str], context: SourceContext) -> SourceReader:
    """The reader of one source; raises `ConfigurationError` for an unknown kind or option, `StoreUnavailableError`."""
    check_options(kind, options)
    return KINDS[kind](uri, options, context)


def placed(kind: str, uri: str) -> str:
    """A source's address as it is kept: the same from whatever folder it is read."""
    if "://" in uri or (kind == "git" and is_elsewhere(uri)) or kind == "pushed":
        return uri
    return str(Path(uri).expanduser().absolute())
