"""What the settings say of models: another embedding model than a project was embedded with."""

import os
from functools import lru_cache

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.embedders.factory import open_embedder
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.partitions import PROJECTS
from destiny_assets.settings import EmbeddingSettings
from jobs.ingest import ingest_project


@dg.sensor(job=ingest_project, minimum_interval_seconds=300, default_status=dg.DefaultSensorStatus.RUNNING)
def on_embedding_model_changed(
    context: dg.SensorEvaluationContext, ledger: ResourceParam[PostgresLedger]
) -> dg.SensorResult | dg.SkipReason:
    """Ask for an ingest of each project whose current generation was embedded with another model than is configured.

    The run fills a collection beside the one that is read, measures it, and publishes it only if the gate finds it no worse; killed,
    it goes on where it was. A generation and a model are asked for once: a refusal stands until something else changes.
    """
    partitions = set(context.instance.get_dynamic_partitions(str(PROJECTS.name)))
    wanted = _model_id(EmbeddingSettings.from_environment(os.environ))
    requests = []
    for project in ledger.projects.names():
        current = ledger.generations.current(project)
        if project in partitions and current is not None and current.model_id not in (None, wanted):
            context.log.info(f"{project}: embedded with {current.model_id}, configured is {wanted}")
            tags = {"destiny/embedding_model": wanted}
            key = f"{project}:{current.number}:{wanted}"
            requests.append(dg.RunRequest(run_key=key, partition_key=project, tags=tags))
    if not requests:
        return dg.SkipReason(f"every project is embedded with {wanted}")
    return dg.SensorResult(run_requests=requests)


@lru_cache(maxsize=4)
def _model_id(chosen: EmbeddingSettings) -> str:
    """The configured model's id. The local model is loaded for it, once a process."""
    return open_embedder(chosen.model, url=chosen.url, api_key=chosen.api_key).model_id
