"""The source kind ``git``: on repositories made here, and on the repository that these tests are part of."""

import subprocess
from pathlib import Path

import pytest

from destiny_assets.adapters.git.command import Git
from destiny_assets.adapters.git.repository import Copy, address, is_elsewhere
from destiny_assets.adapters.git_source import GitSource, open_git_source
from destiny_assets.domain.documents import SourceContent, SourceItem
from destiny_assets.errors import ConfigurationError, StoreUnavailableError, UnreadableDocumentError
from tests.adapters.repositories import Repository

ROOT = Path(__file__).parents[2]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "repository")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def opened(repository: Repository | str, cache: Path, **options: str) -> GitSource:
    uri = repository if isinstance(repository, str) else str(repository.folder)
    source = open_git_source(uri, options, cache)
    assert isinstance(source, GitSource)
    return source


def items(source: GitSource) -> dict[str, SourceItem]:
    return {item.uri: item for item in source.scan()}


def read_all(source: GitSource) -> dict[str, SourceContent]:
    return {uri: source.read(item) for uri, item in items(source).items()}


def refusal(source: GitSource, uri: str) -> UnreadableDocumentError:
    with pytest.raises(UnreadableDocumentError) as caught:
        source.read(items(source)[uri])
    return caught.value


def blamed(folder: Path, path: str, commit: str = "HEAD") -> list[tuple[str, str, int]]:
    """(commit, author, seconds) of each line, as ``git blame --line-porcelain`` says it."""
    told = subprocess.run(
        ["git", "-C", str(folder), "blame", "--line-porcelain", commit, "--", path], capture_output=True, check=True
    )
    lines, name, author = [], "", ""
    for line in told.stdout.decode("utf-8", "replace").split("\n"):
        word, _, rest = line.partition(" ")
        if len(word) == 40 and rest[:1].isdigit():
            name = word
        elif word == "author":
            author = rest
        elif word == "author-time":
            lines.append((name, author, int(rest)))
    return lines


def told(content: SourceContent) -> list[tuple[str, str, int]]:
    return [
        (part.revision, part.author, int(part.written_at.timestamp()) if part.written_at else 0)
        for part in content.facts.lines
        for _ in range(part.first, part.last + 1)
    ]


class TestFiles:
    def test_files_are_read_from_the_commit_and_not_from_the_working_tree(
        self, repository: Repository, cache: Path
    ) -> None:
        repository.write("a.md", "# One\n")
        repository.commit("first")
        repository.write("a.md", "# Changed but not committed\n")
        repository.write("b.md", "# New\n")
        found = read_all(opened(repository, cache, commits="no"))
        assert {uri: content.data for uri, content in found.items()} == {"a.md": b"# One\n"}

    def test_a_branch_a_tag_and_a_commit_can_be_read(self, repository: Repository, cache: Path) -> None:
        repository.write("a.md", "old")
        old = repository.commit("first")
        repository.git("tag", "v1")
        repository.git("branch", "side")
        repository.write("a.md", "new")
        repository.commit("second")
        for ref, expected in ((None, b"new"), ("main", b"new"), ("side", b"old"), ("v1", b"old"), (old[:10], b"old")):
            options = {"commits": "no"} | ({"ref": ref} if ref else {})
            assert read_all(opened(repository, cache, **options))["a.md"].data == expected

    def test_globs_choose_files_and_leave_commits_alone(self, repository: Repository, cache: Path) -> None:
        for name in ("a.md", "docs/b.md", "docs/c.txt"):
            repository.write(name, name)
        commit = repository.commit("first")
        assert items(opened(repository, cache, include="*.md", exclude="docs")).keys() == {"a.md", f"commits/{commit}"}

    def test_a_bare_repository_is_as_good(self, repository: Repository, cache: Path, tmp_path: Path) -> None:
        repository.write("a.md", "text")
        repository.commit("first")
        repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
        bare, whole = (read_all(opened(str(place), cache)) for place in (tmp_path / "bare.git", repository.folder))
        assert bare == whole

    def test_odd_names_are_read_and_blamed(self, repository: Repository, cache: Path) -> None:
        names = {"with space.md", "tab\there.md", "new\nline.md", 'quo"te.md', "[set]*.md", "ü/ö.md", ":(glob)x.md"}
        for name in names:
            repository.write(name, f"text of {name!r}\n")
        (repository.folder / "caf\udce9.txt").write_bytes(b"latin\n")
        commit = repository.commit("first")
        found = read_all(opened(repository, cache, commits="no"))
        assert found.keys() == names | {"caf\\xe9.txt"}
        for content in found.values():
            assert [line[:2] for line in told(content)] == [(commit, "Ada Brook")]

    def test_what_is_no_document_is_refused_with_its_reason(
        self, repository: Repository, cache: Path, tmp_path: Path
    ) -> None:
        other = Repository.create(tmp_path / "other")
        other.write("x.md", "x")
        pinned = other.commit("other")
        repository.git("submodule", "--quiet", "add", str(other.folder), "part")
        repository.write("big.bin", f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n")
        repository.write("real.md", "text")
        (repository.folder / "link.md").symlink_to("real.md")
        repository.commit("first")
        source = opened(repository, cache, commits="no")
        assert items(source).keys() == {"big.bin", "part", "real.md"}
        assert refusal(source, "part").reason == "unsupported"
        assert pinned in refusal(source, "part").detail
        assert refusal(source, "big.bin").reason == "unsupported"
        assert "LFS" in refusal(source, "big.bin").detail

    def test_an_object_that_is_lost_is_unreachable_and_the_rest_is_read(
        self, repository: Repository, cache: Path
    ) -> None:
        repository.write("a.md", "lost")
        repository.write("b.md", "kept")
        repository.commit("first")
        lost = repository.git("rev-parse", "HEAD:a.md")
        source = opened(repository, cache, commits="no")
        listed = items(source)
        (repository.folder / ".git/objects" / lost[:2] / lost[2:]).unlink()
        with pytest.raises(UnreadableDocumentError) as caught:
            source.read(listed["a.md"])
        assert caught.value.reason == "unreachable"
        assert source.read(listed["b.md"]).data == b"kept"

    def test_what_was_scanned_is_what_is_read(self, repository: Repository, cache: Path) -> None:
        repository.write("a.md", "old")
        repository.commit("first")
        source = opened(repository, cache)
        (item,) = [item for item in source.scan() if item.uri == "a.md"]
        repository.write("a.md", "newer")
        repository.commit("second")
        assert source.read(item).data == b"old"
        assert read_all(source)["a.md"].data == b"newer"


class TestHistory:
    def test_a_rename_is_told_and_the_beginning_is_that_of_the_first_name(
        self, repository: Repository, cache: Path
    ) -> None:
        repository.write("old.md", "".join(f"line {n}\n" for n in range(40)))
        first = repository.commit("first")
        repository.git("mv", "old.md", "new.md")
        repository.write("other.md", "other")
        repository.commit("second")
        repository.write("new.md", (repository.folder / "new.md").read_text() + "one more\n")
        last = repository.commit("third", "Ben Reed")
        facts = read_all(opened(repository, cache))["new.md"].facts
        assert facts.fields == {"commit": last, "renamed_from": "old.md"}
        assert facts.authors == ("Ada Brook", "Ben Reed")
        dates = repository.git("log", "--format=%at", first, "-1"), repository.git("log", "--format=%at", last, "-1")
        assert facts.created_at is not None
        assert facts.updated_at is not None
        assert (facts.created_at.timestamp(), facts.updated_at.timestamp()) == tuple(map(float, dates))

    def test_what_is_kept_between_scans_changes_nothing(
        self, repository: Repository, cache: Path, tmp_path: Path
    ) -> None:
        repository.write("a.md", "a\n" * 30)
        repository.write("b.md", "b\n" * 30)
        repository.commit("first")
        items(opened(repository, cache))
        repository.git("mv", "a.md", "c.md")
        repository.commit("rename")
        repository.git("checkout", "--quiet", "-b", "side", "HEAD~1")
        repository.write("b.md", "b\n" * 30 + "side\n")
        repository.commit("on a side")
        repository.git("checkout", "--quiet", "main")
        repository.git("merge", "--quiet", "--no-edit", "side")
        repository.write("b.md", "b\n" * 30)
        repository.commit("undone")
        assert any(cache.iterdir())
        assert items(opened(repository, cache)) == items(opened(repository, tmp_path / "empty"))
        repository.git("reset", "--quiet", "--hard", "HEAD~2")
        assert items(opened(repository, cache)) == items(opened(repository, tmp_path / "empty"))

    def test_a_change_made_and_undone_has_another_fingerprint_and_other_authors(
        self, repository: Repository, cache: Path
    ) -> None:
        repository.write("a.md", "one\ntwo\nthree\n")
        repository.write("b.md", "b")
        repository.commit("first")
        source = opened(repository, cache, commits="no")
        before, lines = items(source), told(read_all(source)["a.md"])
        repository.write("a.md", "one\nthree\n")
        repository.commit("drop", "Ben Reed")
        repository.git("revert", "--no-edit", "HEAD", author="Cleo Vance")
        after = items(source)
        assert {uri for uri in before if before[uri].fingerprint != after[uri].fingerprint} == {"a.md"}
        assert [line[1] for line in lines] == ["Ada Brook"] * 3
        assert [line[1] for line in told(read_all(source)["a.md"])] == ["Ada Brook", "Cleo Vance", "Ada Brook"]

    def test_a_mailmap_names_people_and_renames_them_everywhere(self, repository: Repository, cache: Path) -> None:
        repository.write("a.md", "text\n")
        repository.commit("first", "Countess")
        source = opened(repository, cache)
        before = items(source)
        repository.write(".mailmap", "Ada Lovelace <countess@example.org>\n")
        repository.commit("who is who")
        after = items(source)
        assert all(after[uri].fingerprint != before[uri].fingerprint for uri in before)
        assert read_all(source)["a.md"].facts.authors == ("Ada Lovelace",)

    def test_a_shallow_clone_does_not_pretend_to_know_what_came_before(
        self, repository: Repository, cache: Path, tmp_path: Path
    ) -> None:
        repository.write("a.md", "one\n")
        repository.write("b.md", "b\n")
        repository.commit("first")
        repository.write("a.md", "one\ntwo\n")
        cut = repository.commit("second")
        repository.write("a.md", "one\ntwo\nthree\n")
        repository.commit("third", "Ben Reed")
        clone = tmp_path / "clone"
        repository.git("clone", "--quiet", "--depth=2", f"file://{repository.folder}", str(clone))
        found = read_all(opened(str(clone), cache))
        assert [line[1] for line in told(found["a.md"])] == ["", "", "Ben Reed"]
        assert found["b.md"].facts.authors == ()
        assert (found["b.md"].facts.created_at, found["b.md"].facts.updated_at) == (None, None)
        assert b"shallow" in found[f"commits/{cut}"].data
        assert b"added: b.md" not in found[f"commits/{cut}"].data
        before = items(opened(str(clone), cache))
        Repository(clone).git("fetch", "--quiet", "--unshallow")
        after = items(opened(str(clone), cache))
        assert all(after[uri].fingerprint != before[uri].fingerprint for uri in before)
        assert [line[1] for line in told(read_all(opened(str(clone), cache))["a.md"])] == [
            "Ada Brook",
            "Ada Brook",
            "Ben Reed",
        ]

    def test_without_blame_a_file_has_its_dates_and_no_lines(self, repository: Repository, cache: Path) -> None:
        repository.write("a.md", "one\n")
        repository.commit("first")
        facts = read_all(opened(repository, cache, blame="no"))["a.md"].facts
        assert facts.lines == ()
        assert facts.updated_at is not None


class TestCommitsAndTags:
    def test_a_commit_says_why_who_when_and_what(self, repository: Repository, cache: Path) -> None:
        repository.write("queue.py", "".join(f"line {n}\n" for n in range(40)))
        repository.commit("first")
        repository.git("mv", "queue.py", "stream.py")
        repository.write("notes.md", "notes")
        commit = repository.commit("Replace the queue\n\nIt lost letters on Mondays.", "Ben Reed")
        repository.git("tag", "v2")
        content = read_all(opened(repository, cache))[f"commits/{commit}"]
        text = content.data.decode()
        assert text.startswith("Replace the queue\n\nIt lost letters on Mondays.\n")
        assert f"Commit {commit} by Ben Reed on 20" in text
        assert "Tagged v2." in text
        assert "added: notes.md\nrenamed: queue.py -> stream.py\n" in text
        facts = content.facts
        assert (facts.title, facts.authors) == ("Replace the queue", ("Ben Reed",))
        parent = repository.git("rev-parse", "HEAD~1")
        assert facts.fields == {"commit": commit, "parents": parent, "tags": "v2", "committer": "Ben Reed"}
        assert facts.created_at is not None
        assert facts.created_at.utcoffset() is not None
        assert {line[:2] for line in told(content)} == {(commit, "Ben Reed")}
        assert facts.lines[-1].last == text.count("\n")

    def test_merges_empty_commits_and_empty_messages_are_commits(self, repository: Repository, cache: Path) -> None:
        repository.write("a.md", "a")
        repository.commit("first")
        repository.git("checkout", "--quiet", "-b", "side")
        repository.write("b.md", "b")
        repository.commit("side")
        repository.git("checkout", "--quiet", "main")
        silent = repository.commit("")
        repository.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
        merge = repository.git("rev-parse", "HEAD")
        found = read_all(opened(repository, cache))
        assert "Merge of 2 histories." in found[f"commits/{merge}"].data.decode()
        assert found[f"commits/{silent}"].facts.title == "(no message)"
        assert sum(uri.startswith("commits/") for uri in found) == 4

    @pytest.mark.parametrize(("option", "expected"), [("all", 5), ("3", 3), ("0", 0), ("no", 0)])
    def test_an_option_bounds_the_commits(
        self, repository: Repository, cache: Path, option: str, expected: int
    ) -> None:
        made = [repository.commit(f"commit {n}") for n in range(5)]
        found = [uri for uri in items(opened(repository, cache, commits=option)) if uri.startswith("commits/")]
        assert found == [f"commits/{commit}" for commit in reversed(made)][:expected]

    def test_tags_say_what_was_released(self, repository: Repository, cache: Path) -> None:
        repository.write("a.md", "a")
        commit = repository.commit("first subject\n\nmore")
        repository.git("tag", "light")
        repository.git("tag", "--annotate", "v1", "--message", "First release\n\nWith letters.", author="Ben Reed")
        repository.git("tag", "of-a-file", repository.git("rev-parse", "HEAD:a.md"))
        found = read_all(opened(repository, cache, commits="no"))
        assert {uri for uri in found if uri.startswith("tags/")} == {"tags/light", "tags/v1"}
        assert found["tags/v1"].facts.title == "v1: First release"
        assert found["tags/v1"].facts.authors == ("Ben Reed",)
        assert (
            found["tags/v1"]
            .data.decode()
            .startswith("v1: First release\n\nWith letters.\n\nTag v1 of commit " + commit)
        )
        assert found["tags/light"].facts.title == "light: first subject"

    def test_a_file_keeps_its_uri_from_a_tag_of_that_name(self, repository: Repository, cache: Path) -> None:
        repository.write("tags/v1", "a file\n")
        repository.commit("first")
        repository.git("tag", "v1")
        found = read_all(opened(repository, cache, commits="no"))
        assert found["tags/v1"].data == b"a file\n"
        assert found["refs/tags/v1"].facts.title == "v1: first"

    def test_thousands_of_changed_paths_are_counted_and_not_listed(self, repository: Repository, cache: Path) -> None:
        for n in range(150):
            repository.write(f"f{n:03}.md", str(n))
        commit = repository.commit("many")
        text = read_all(opened(repository, cache))[f"commits/{commit}"].data.decode()
        assert "Changed paths (150):" in text
        assert text.count("added: ") == 100
        assert "and 50 more" in text


class TestPlaces:
    def test_a_repository_elsewhere_is_copied_and_followed(
        self, repository: Repository, cache: Path, tmp_path: Path
    ) -> None:
        repository.write("a.md", "one")
        repository.commit("first")
        source = GitSource(Copy(f"file://{repository.folder}", None, cache), None, {}, cache)
        mark = source.mark()
        assert read_all(source)["a.md"].data == b"one"
        assert source.mark() == mark
        repository.git("branch", "unrelated")
        assert source.mark() == mark
        repository.write("a.md", "two")
        repository.commit("second")
        assert source.mark() != mark
        assert read_all(source)["a.md"].data == b"two"
        repository.folder.rename(tmp_path / "away")
        with pytest.raises(StoreUnavailableError, match="cannot be fetched"):
            list(source.scan())

    def test_a_branch_that_was_rewritten_is_followed(self, repository: Repository, cache: Path) -> None:
        repository.write("a.md", "one")
        repository.commit("first")
        source = GitSource(Copy(f"file://{repository.folder}", "main", cache), "main", {}, cache)
        read_all(source)
        repository.write("a.md", "other")
        repository.git("add", "--all")
        repository.git("commit", "--quiet", "--amend", "--message", "rewritten")
        found = read_all(source)
        assert found["a.md"].data == b"other"
        assert len([uri for uri in found if uri.startswith("commits/")]) == 1

    def test_an_empty_repository_holds_nothing(self, repository: Repository, cache: Path) -> None:
        assert items(opened(repository, cache)) == {}
        assert items(GitSource(Copy(f"file://{repository.folder}", None, cache), None, {}, cache)) == {}

    def test_a_reference_that_is_gone_is_said_with_those_that_are_there(
        self, repository: Repository, cache: Path
    ) -> None:
        repository.commit("first")
        with pytest.raises(StoreUnavailableError, match=r"no commit gone. It has main"):
            list(opened(repository, cache, ref="gone").scan())

    def test_a_folder_that_is_no_repository_is_said_so(
        self, repository: Repository, cache: Path, tmp_path: Path
    ) -> None:
        repository.write("docs/a.md", "a")
        with pytest.raises(StoreUnavailableError, match="is no git repository"):
            list(opened(str(repository.folder / "docs"), cache).scan())
        with pytest.raises(StoreUnavailableError, match="is not there"):
            list(opened(str(tmp_path / "missing"), cache).scan())

    def test_a_server_that_does_not_answer_is_said_so_without_the_password(self, cache: Path) -> None:
        source = opened("http://ada:top-secret@127.0.0.1:9/x.git", cache)
        with pytest.raises(StoreUnavailableError, match=r"http://127.0.0.1:9/x.git cannot be fetched") as caught:
            source.mark()
        assert "top-secret" not in str(caught.value)

    def test_passwords_travel_apart_from_the_address(self) -> None:
        found = address("https://ada:p%40ss@host:8443/x.git")
        assert found.url == "https://host:8443/x.git"
        assert found.credentials == {"DESTINY_GIT_USER": "ada", "DESTINY_GIT_PASSWORD": "p@ss"}

    @pytest.mark.parametrize(
        ("uri", "expected"),
        [
            ("https://host/x", True),
            ("ssh://git@host/x", True),
            ("git@host:a/b.git", True),
            ("folder", False),
            ("file:///x", False),
        ],
    )
    def test_an_address_is_told_from_a_folder(self, uri: str, expected: bool) -> None:
        assert is_elsewhere(uri) == expected

    @pytest.mark.parametrize(
        "options", [{"ref": "--output=x"}, {"commits": "-1"}, {"commits": "some"}, {"blame": "maybe"}, {"depth": "1"}]
    )
    def test_an_option_or_value_there_is_not_is_refused(
        self, repository: Repository, cache: Path, options: dict[str, str]
    ) -> None:
        with pytest.raises(ConfigurationError, match=next(iter(options))):
            opened(repository, cache, **options)

    def test_a_repository_cannot_have_a_program_of_its_own_run(
        self, repository: Repository, cache: Path, tmp_path: Path
    ) -> None:
        repository.write("a.md", "one\n")
        repository.write(".gitattributes", "*.md diff=own textconv=own\n")
        repository.commit("first")
        touch = f"touch {tmp_path}/ran;true"
        for name in ("core.fsmonitor", "diff.own.textconv", "diff.external", "core.pager", "core.sshCommand"):
            repository.git("config", name, touch)
        read_all(opened(repository, cache))
        assert not (tmp_path / "ran").exists()


def test_this_very_repository_is_read_as_git_itself_tells_it(cache: Path) -> None:
    git = Git(None)
    top = git.run("rev-parse", "--show-toplevel", folder=ROOT).decode().strip()
    source = opened(top, cache, ref="HEAD", include="destiny_assets/adapters/postgres/*.py,docs/*.md,pyproject.toml")
    shallow = git.run("rev-parse", "--is-shallow-repository", folder=ROOT).strip() == b"true"
    listed = items(source)
    head = git.run("rev-parse", "HEAD", folder=ROOT).decode().strip()
    count = int(git.run("rev-list", "--count", "HEAD", folder=ROOT))
    assert len([uri for uri in listed if uri.startswith("commits/")]) == count
    files = sorted(uri for uri in listed if not uri.startswith(("commits/", "tags/")))
    assert len(files) > 10
    for uri in files:
        content = source.read(listed[uri])
        assert content.data == git.run("show", f"{head}:{uri}", folder=ROOT)
        if not shallow:
            assert told(content) == blamed(ROOT, uri, head)
