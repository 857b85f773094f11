"""Marts: the dbt project on the ledger as Dagster assets, its tests as asset checks. The SQL is in ``dbt/``, none is here.

`dagster_dbt` takes seconds to import, so that happens only when the assets are built.
"""

import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from psycopg.conninfo import conninfo_to_dict

from destiny_assets.adapters.postgres.marts import marts_to_oneself
from destiny_assets.errors import ConfigurationError
from destiny_assets.run_leases import resource_lease
from destiny_assets.settings import load_settings

PROJECT_FOLDER = Path(__file__).parents[2] / "dbt"
_PARSED_FILES = ("manifest.json", "partial_parse.msgpack")


def build_marts_assets(folder: Path = PROJECT_FOLDER) -> list[dg.AssetsDefinition]:
    """The models of the dbt project as assets of the group ``marts``, over all projects at once.

    An installed wheel has no dbt folder beside it: there are no marts then, and the list is empty. Parses the project where
    that was not done since its last edit (4 s); raises `ConfigurationError` when it doesn't parse.
    """
    if not (folder / "dbt_project.yml").is_file():
        return []
    from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

    @dbt_assets(
        manifest=parsed_manifest(folder),
        name="marts",
        pool="marts",
        # Several of the ledger's tables are one asset's work.
        dagster_dbt_translator=DagsterDbtTranslator(
            DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True)
        ),
    )
    def marts(context: dg.AssetExecutionContext) -> Iterator[Any]:
        url = load_settings().stores.postgres_url
        dbt = DbtCliResource(project_dir=str(folder), profiles_dir=str(folder), dbt_executable=_executable())
        with (
            resource_lease(url, context.run, context.instance),
            tempfile.TemporaryDirectory(prefix="destiny-dbt-") as target,
            marts_to_oneself(url) as rows,
        ):
            with _environment(dbt_environment(url)):
                building = dbt.cli(["build"], context=context, target_path=Path(target))
            for event in building.stream():
                if isinstance(event, dg.Output) and event.output_name.startswith("mart_"):
                    context.add_output_metadata(
                        {"dagster/row_count": rows(event.output_name)}, output_name=event.output_name
                    )
                yield event

    return [marts]


def dbt_environment(postgres_url: str) -> dict[str, str]:
    """What ``dbt/profiles.yml`` reads, from the ledger's URL. Holds the password: for a child's environment only."""
    parts = conninfo_to_dict(postgres_url)
    return {
        f"DESTINY_DBT_{name.upper()}": str(parts[name])
        for name in ("host", "port", "user", "password", "dbname", "sslmode")
        if parts.get(name)
    }


def parsed_manifest(folder: Path) -> Mapping[str, Any]:
    """What dbt knows of the project in `folder`, parsed anew when one of its files is younger than the last parse.

    Parses in a folder of its own and then renames, so that two processes may do it at once.
    """
    target = folder / "target"
    manifest = target / _PARSED_FILES[0]
    if not manifest.is_file() or manifest.stat().st_mtime < _last_edit(folder):
        target.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="parse-", dir=target) as scratch:
            # What was parsed before saves most of the work; dbt itself finds out what of it still holds.
            if (before := target / _PARSED_FILES[1]).is_file():
                shutil.copy(before, scratch)
            _parse(folder, Path(scratch))
            for name in reversed(_PARSED_FILES):
                (Path(scratch) / name).replace(target / name)
    return dict(json.loads(manifest.read_text("utf-8")))


def _parse(folder: Path, target: Path) -> None:
    paths = {
        "DBT_PROJECT_DIR": str(folder),
        "DBT_PROFILES_DIR": str(folder),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target),
    }
    done = subprocess.run(
        [_executable(), "--quiet", "parse"],
        env=os.environ | paths,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigurationError(
            f"The dbt project in {folder} does not parse. dbt says: {(done.stdout + done.stderr).strip()}"
        )


def _last_edit(folder: Path) -> float:
    # Folders count too: a deleted model changes nothing else.
    trees = [folder / "models", folder / "tests"]
    parts = [
        folder / "dbt_project.yml",
        folder / "profiles.yml",
        *trees,
        *(part for tree in trees for part in tree.rglob("*")),
    ]
    return max(part.stat().st_mtime for part in parts)


def _executable() -> str:
    return str(Path(sysconfig.get_path("scripts")) / "dbt")


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    # dagster_dbt hands its child this process's environment and takes no other.
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
