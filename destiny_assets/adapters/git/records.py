"""Commits and tags as documents: the words people wrote, with what git knows beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from destiny_assets.adapters.git.history import Change, changes
from destiny_assets.domain.documents import LineAuthorship, SourceContent, SourceFacts

_SHOWN_CHANGES = 100
_KINDS = {"A": "added", "M": "changed", "D": "deleted", "T": "changed its type"}
COMMIT_FORMAT = "%x01%H%x00%P%x00%aN%x00%aI%x00%cN%x00%cI%x00%B%x00%x02"
"""What `read_commit` reads: fields parted by NUL, closed by a token of one byte 2."""
TAG_FORMAT = "%(refname:strip=2)%00%(objecttype)%00%(objectname)%00%(*objectname)%00%(taggername)%00%(taggerdate:iso-strict)%00%(contents)%00%01"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as it says itself; dates with their time zones."""

    id: str
    parents: tuple[str, ...]
    author: str
    authored_at: datetime | None
    committer: str
    committed_at: datetime | None
    message: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a commit; a lightweight one has no tagger or date of its own, and for words the subject of its commit."""

    name: str
    id: str
    commit: str
    tagger: str = ""
    tagged_at: datetime | None = None
    message: str = ""


def read_commit(answer: bytes) -> Commit:
    """One commit as ``git diff-tree --stdin --raw -z`` tells it in `COMMIT_FORMAT`."""
    id_, parents, author, authored, committer, committed, message, _, *rest = answer.split(b"\0")
    return Commit(
        id=id_.decode("ascii").lstrip("\x01"),
        parents=tuple(parents.decode("ascii").split()),
        author=_words(author).strip(),
        authored_at=_time(authored),
        committer=_words(committer).strip(),
        committed_at=_time(committed),
        message=_words(message).strip("\n"),
        changes=tuple(change for change in changes(rest) if isinstance(change, Change)),
    )


def read_tags(answer: bytes) -> list[Tag]:
    """The tags of commits among those that ``git for-each-ref`` tells in `TAG_FORMAT`."""
    found = []
    for record in answer.split(b"\x01\n"):
        fields = record.split(b"\0")
        if len(fields) < 7:
            continue
        name, kind, id_, target, tagger, tagged, message = (_words(part) for part in fields[:7])
        if kind == "tag":
            found.append(Tag(name, id_, target, tagger.strip(), _time(tagged.encode()), _unsigned(message)))
        elif kind == "commit":
            found.append(Tag(name, id_, id_, message=message.partition("\n")[0]))
    return found


def commit_document(commit: Commit, tags: Sequence[str], *, parents_missing: bool) -> SourceContent:
    """The message, who, when, and which paths changed; of those at most the first hundred by name."""
    subject, _, body = commit.message.partition("\n")
    subject = subject.strip() or "(no message)"
    by = f"Commit {commit.id} by {commit.author}{_on(commit.authored_at)}"
    if commit.committer and commit.committer != commit.author:
        by += f", committed by {commit.committer}{_on(commit.committed_at)}"
    about = [by + ".", *([f"Tagged {', '.join(tags)}."] if tags else [])]
    if len(commit.parents) > 1:
        about.append(f"Merge of {len(commit.parents)} histories.")
    if parents_missing:
        about.append("What it changed is not known: the repository is a shallow clone that begins here.")
    elif commit.changes:
        about.append(f"Changed paths ({len(commit.changes)}):\n" + "\n".join(_told(commit.changes)))
    parts = [subject, *([body.strip("\n")] if body.strip() else []), "\n".join(about[:-1]), about[-1]]
    fields = {
        "commit": commit.id,
        "parents": " ".join(commit.parents),
        "tags": ", ".join(tags),
        "committer": commit.committer,
    }
    return _document(
        "\n\n".join(part for part in parts if part),
        SourceFacts(
            title=subject,
            authors=(commit.author,) if commit.author else (),
            created_at=commit.authored_at,
            fields={name: value for name, value in fields.items() if value},
        ),
        commit.id,
    )


def tag_document(tag: Tag) -> SourceContent:
    """A tag's words, who tagged what, and when."""
    subject, _, body = tag.message.strip("\n").partition("\n")
    title = f"{tag.name}: {subject.strip()}"
    by = f" by {tag.tagger}{_on(tag.tagged_at)}" if tag.tagger else ""
    text = f"{title}\n{body}".rstrip() + f"\n\nTag {tag.name} of commit {tag.commit}{by}."
    facts = SourceFacts(
        title=title,
        authors=(tag.tagger,) if tag.tagger else (),
        created_at=tag.tagged_at,
        fields={"commit": tag.commit, "tags": tag.name},
    )
    return _document(text, facts, tag.id)


def _document(text: str, facts: SourceFacts, revision: str) -> SourceContent:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ") + "\n"
    if facts.authors:
        line = LineAuthorship(1, text.count("\n"), facts.authors[0], facts.created_at, revision)
        facts = replace(facts, lines=(line,))
    return SourceContent(text.encode("utf-8", "replace"), "text/plain", facts)


def _told(changed: Sequence[Change]) -> list[str]:
    lines = []
    for change in sorted(changed, key=lambda change: change.path)[:_SHOWN_CHANGES]:
        path = shown_path(change.path)
        if change.before is not None:
            lines.append(f"{'renamed' if change.kind == 'R' else 'copied'}: {shown_path(change.before)} -> {path}")
        else:
            lines.append(f"{_KINDS.get(change.kind, 'changed')}: {path}")
    if len(changed) > _SHOWN_CHANGES:
        lines.append(f"and {len(changed) - _SHOWN_CHANGES:,} more")
    return lines


def shown_path(path: str) -> str:
    """A path as it can be stored and shown: bytes that are no UTF-8 are written \\xNN, as in sources of files."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _unsigned(message: str) -> str:
    """A tag's message without the signature under it."""
    return message.partition("-----BEGIN ")[0].rstrip()


def _on(at: datetime | None) -> str:
    return f" on {at:%Y-%m-%d}" if at else ""


def _words(said: bytes) -> str:
    return said.decode("utf-8", "replace")


def _time(said: bytes) -> datetime | None:
    try:
        return datetime.fromisoformat(said.decode("ascii"))
    except ValueError:
        return None
