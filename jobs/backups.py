"""The nightly backup, and the restore that proves it; both only where DESTINY_BACKUP_DIR names a folder."""

import os

import dagster as dg

from destiny_assets.settings import backup_folder

backup_home = dg.define_asset_job(
    "backup_home",
    selection=dg.AssetSelection.assets("home_backups"),
    description="Take one consistent copy of all projects.",
    tags={"destiny/job": "backup"},
)

verify_backup = dg.define_asset_job(
    "verify_backup",
    selection=dg.AssetSelection.assets("restore_drills"),
    description="Restore the newest backup into servers of its own, and hold it against the live home.",
    executor_def=dg.in_process_executor,
    tags={"destiny/job": "verify-backup"},
)


# After the nightly ingest, so that what it published is in the copy.
@dg.schedule(job=backup_home, cron_schedule="0 5 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def nightly_backup(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One backup a night."""
    return _wanted(context)


@dg.schedule(job=verify_backup, cron_schedule="0 6 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def nightly_restore(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One restore a night: a backup that was never restored is a hope."""
    return _wanted(context)


def _wanted(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    if backup_folder(os.environ) is None:
        return dg.SkipReason("DESTINY_BACKUP_DIR names no folder for backups")
    return dg.RunRequest(run_key=context.scheduled_execution_time.date().isoformat())
