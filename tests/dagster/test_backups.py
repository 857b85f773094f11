"""The nightly backup: asked for only where there is a folder for it, and its job makes one."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from destiny_assets.adapters.backups import BackupFolder
from jobs.backups import nightly_backup, nightly_restore
from tests.dagster.conftest import Execute
from tests.stages.growing import Growth

NIGHT = datetime(2026, 11, 24, 5, tzinfo=UTC)


@pytest.mark.parametrize("schedule", [nightly_backup, nightly_restore])
def test_a_night_without_a_folder_for_backups_asks_for_nothing(
    schedule: dg.ScheduleDefinition, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DESTINY_BACKUP_DIR", raising=False)
    asked = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=NIGHT))
    assert (asked.run_requests, "DESTINY_BACKUP_DIR" in (asked.skip_message or "")) == ([], True)
    monkeypatch.setenv("DESTINY_BACKUP_DIR", str(tmp_path))
    asked = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=NIGHT))
    assert [request.run_key for request in asked.run_requests or ()] == ["2026-11-24"]


def test_the_job_makes_a_whole_backup(execute: Execute, growth: Growth, tmp_path: Path) -> None:
    growth.run()
    folder = BackupFolder(tmp_path / "backups")
    assert execute("backup_home", backups=folder).success
    (made,) = folder.backups()
    assert made.manifest.projects[growth.project]["generation"] == 1
    made.verify()
