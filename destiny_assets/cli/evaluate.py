"""``destiny evaluate ...``: labelled data through the real pipeline, in a throw-away project."""

from pathlib import Path
from typing import Annotated

import typer

from destiny_assets.cli.output import AsJson, print_json, print_table, progress_bars, say
from destiny_assets.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Measure on labelled data, end to end.", no_args_is_help=True)
    group.command("retrieval")(retrieval)
    group.callback()(lambda: None)
    app.add_typer(group, name="evaluate")


def retrieval(
    folder: Annotated[Path, typer.Argument(help="A labelled folder; docs/benchmarks.md says which kinds there are.")],
    split: Annotated[str, typer.Option(help="Which qrels: test, train, ...")] = "test",
    per_query: Annotated[
        Path | None, typer.Option(help="Write every query's ranking and metrics here, as JSON lines.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ingest a labelled corpus into a throw-away project and measure every recipe on its queries."""
    from destiny_assets.evaluation import evaluate_retrieval

    with progress_bars() as progress:
        result = evaluate_retrieval(load_settings(), folder, progress, split=split, per_query=per_query)
    if as_json:
        print_json(result)
        return
    ingest = result["ingest"]
    say(
        f"{result['documents']} documents in {ingest['seconds']:.1f} s ({ingest['docs_per_s']:.1f}/s), {result['queries']} queries."
    )
    metrics = ["ndcg@10", "recall@10", "recall@100", "mrr@10", "map", "p50_ms", "p95_ms", "p99_ms"]
    if result["kind"] == "multi-hop":
        metrics[1:1] = ["full_evidence@5", "full_evidence@10"]
    if result["kind"] == "chunking":
        metrics[1:1] = ["span_iou@gold", "span_recall@gold", "span_iou@5", "span_recall@5"]
    rows = [(name, *(values[metric] for metric in metrics)) for name, values in result["recipes"].items()]
    print_table(f"{result['dataset']} ({split}), {result['kind']}", ("recipe", *metrics), rows)
    print_table(
        f"nDCG@10 of {result['best']['recipe']}, which is best here, less that of",
        ("recipe", "difference", "95 % from", "to"),
        [(name, gap["mean"], gap["low"], gap["high"]) for name, gap in result["differences"].items()],
    )
    print_table(
        "Milliseconds with readers at once",
        ("readers", "p50_ms", "p95_ms", "p99_ms"),
        [(int(readers), *found.values()) for readers, found in result["readers"].items()],
    )
