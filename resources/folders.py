"""Folders of the home as Dagster resources."""

import os
from pathlib import Path

import dagster as dg

from destiny_assets.domain.report.folder import ReportsFolder
from destiny_assets.settings import cache_folder, home_folder


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
