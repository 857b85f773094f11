"""Git repositories made by tests, with people and days of their own."""

import os
import subprocess
from dataclasses import dataclass
from itertools import count
from pathlib import Path

FIRST_DAY = 1_600_000_000
DAY = 86_400
_tick = count()


@dataclass(frozen=True)
class Repository:
    """A repository below a folder; each commit is a day younger than the one made before it."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> "Repository":
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder)
        made.git("init", "--quiet", "--initial-branch=main")
        return made

    def git(self, *arguments: str, author: str = "Ada Brook") -> str:
        """Run git as `author` on the next day; its output."""
        moment = f"{FIRST_DAY + next(_tick) * DAY} +0200"
        who = {"NAME": author, "EMAIL": f"{author.split()[0].lower()}@example.org", "DATE": moment}
        env = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in who.items()},
        }
        command = ["git", "-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, name: str, content: str | bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, message: str, author: str = "Ada Brook") -> str:
        """Commit all there is; the commit's id."""
        self.git("add", "--all", "--force", author=author)
        self.git("commit", "--quiet", "--allow-empty", "--allow-empty-message", "--message", message, author=author)
        return self.git("rev-parse", "HEAD")
