"""Where rendered reports go."""

import os

import dagster as dg

from destiny_assets.domain.report.folder import ReportsFolder
from destiny_assets.settings import home_folder


class ReportsResource(dg.ConfigurableResource[ReportsFolder]):
    """The folder ``reports`` of the home."""

    def create_resource(self, context: dg.InitResourceContext) -> ReportsFolder:  # noqa: ARG002
        """The folder."""
        return ReportsFolder(home_folder(os.environ) / "reports")
