"""Where finished pages are kept. The only file access of this package."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ReportsFolder:
    """A folder with one page a project."""

    path: Path

    def write(self, project: str, html: str) -> Path:
        """Put a project's page in place of the one before, whole or not at all; the page's path."""
        self.path.mkdir(parents=True, exist_ok=True)
        page = self.path / f"{project}.html"
        handle, scratch = tempfile.mkstemp(prefix=f".{project}-", suffix=".html", dir=self.path)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(html)
            Path(scratch).replace(page)
        finally:
            Path(scratch).unlink(missing_ok=True)
        return page
