"""Folders of the home, and the one of its backups, as Dagster resources."""

import os
from pathlib import Path

import dagster as dg

from destiny_assets.adapters.backups import BackupFolder
from destiny_assets.domain.report.folder import ReportsFolder
from destiny_assets.settings import backup_folder, cache_folder, home_folder


class ReportsResource(dg.ConfigurableResource[ReportsFolder]):
    """The folder ``reports`` of the home."""

    def create_resource(self, context: dg.InitResourceContext) -> ReportsFolder:  # noqa: ARG002
        """The folder."""
        return ReportsFolder(home_folder(os.environ) / "reports")


class CacheResource(dg.ConfigurableResource[Path]):
    """The folder ``cache`` of the home, where sources keep what they can fetch again."""

    def create_resource(self, context: dg.InitResourceContext) -> Path:  # noqa: ARG002
        """The folder."""
        return cache_folder(home_folder(os.environ))


class BackupsResource(dg.ConfigurableResource[BackupFolder]):
    """Where ``DESTINY_BACKUP_DIR`` says that backups go."""

    def create_resource(self, context: dg.InitResourceContext) -> BackupFolder:  # noqa: ARG002
        """The folder; fails the run when none is named."""
        folder = backup_folder(os.environ)
        if folder is None:
            raise dg.Failure("DESTINY_BACKUP_DIR is not set: name a folder for backups in it.", allow_retries=False)
        return BackupFolder(folder)
