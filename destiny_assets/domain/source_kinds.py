"""The kinds of sources there are, for people: what the uri of each is, and its options. What reads them is in the adapters."""

from collections.abc import Mapping
from dataclasses import dataclass

from destiny_assets.errors import ConfigurationError

_GLOBS = "globs parted by commas (** crosses folders, one without / meets that name anywhere)"


@dataclass(frozen=True, slots=True)
class SourceKind:
    """What a kind's uri is, and what each of its options means."""

    uri: str
    options: Mapping[str, str]


_FILES = "a folder, a file, a glob, or an object-store URL (s3://, gs://, az://)"
_CHOICE = {"include": f"only these files: {_GLOBS}", "exclude": "not these files or folders, likewise"}

KINDS: Mapping[str, SourceKind] = {
    "claims": SourceKind(
        f"{_FILES}, of tables of claims (CSV or Parquet: object,attribute,source,value[,observed_at])", _CHOICE
    ),
    "decisions": SourceKind(f"{_FILES}, of decision logs (JSON lines), decision records and proposals", _CHOICE),
    "files": SourceKind(_FILES, _CHOICE),
    "git": SourceKind(
        "a repository's folder (bare or not), or the URL to copy it from",
        {
            "ref": "branch, tag or commit to read (default: the repository's HEAD)",
            "include": f"only these files: {_GLOBS}",
            "exclude": "not these files or folders, likewise",
            "commits": "how many commits, newest first, are documents too: a number, all or no (default: 10000)",
            "blame": "no leaves out who wrote each line, which takes longest on long histories (default: yes)",
        },
    ),
    "pushed": SourceKind("any name: its documents are handed in with destiny add", {}),
    "transcripts": SourceKind(f"{_FILES}, of chat exports (JSON lines)", _CHOICE),
    "web": SourceKind(
        "a page, a sitemap or a list of addresses: a URL, or a file with one address a line",
        {
            "include": f"only these paths below the host: {_GLOBS}",
            "exclude": "not these paths, likewise",
            "contact": "an address for the User-Agent, so that who runs the site can reach you",
            "private_hosts": "names of hosts, parted by commas, that may be asked though they are not on the public internet",
            "refresh": "minutes after which the sensor looks again (default: 360); an ingest always looks",
        },
    ),
}


def check_options(kind: str, options: Mapping[str, str]) -> None:
    """Raises `ConfigurationError` for a kind that there is not, or an option that it has not."""
    if kind not in KINDS:
        raise ConfigurationError(f"There is no source kind {kind!r}. Choose one of: {', '.join(sorted(KINDS))}")
    known = KINDS[kind].options
    if unknown := sorted(options.keys() - known.keys()):
        raise ConfigurationError(f"A source of kind {kind} has no option {unknown[0]}. It knows: {', '.join(known)}.")
