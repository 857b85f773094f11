"""``destiny evaluate ...``: labelled data through the real pipeline or the real model, leaving nothing behind."""

from pathlib import Path
from typing import Annotated, Any

import typer

from destiny_assets.cli.output import AsJson, print_json, print_table, progress_bars, say
from destiny_assets.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Measure on labelled data, end to end.", no_args_is_help=True)
    group.command("retrieval")(retrieval)
    group.command("trust")(trust)
    group.command("linking")(linking)
    group.command("relations")(relations)
    group.command("contradictions")(contradictions)
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


def trust(
    folder: Annotated[
        Path,
        typer.Argument(
            help="A folder with claims.csv[.gz] (object,attribute,source,value[,observed_at]) and truth.csv[.gz] (object,attribute,value)."
        ),
    ],
    labels: Annotated[int, typer.Option(min=0, help="How many truths to reveal; the rest are scored.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Where the drawing of labels starts.")] = 0,
    draws: Annotated[
        int, typer.Option(min=1, help="How many times labels are drawn; figures are means over draws.")
    ] = 5,
    as_json: AsJson = False,
) -> None:
    """Decide which claims are true, with and without labels, and compare with the truth and with majority vote."""
    from destiny_assets.stages.trust_suites import evaluate_trust, open_suite

    result = evaluate_trust(open_suite(folder), labels=labels, seed=seed, draws=draws)
    if as_json:
        print_json(result)
        return
    metrics = ("precision", "precision_near", "brier", "ece", "ece_if_calibrated", "log_loss")
    rows = [(name, *(values[metric] for metric in metrics)) for name, values in result["methods"].items()]
    print_table(f"{result['dataset']}: {result['scored']} scored, {labels} labels", ("method", *metrics), rows)
    gain = result["precision_gain"]
    low, high = gain["interval_95"]
    say(f"Precision above majority vote: {gain['mean']:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}.")
    say("The surest " + ", ".join(f"{share:.0%}: {right:.3f}" for share, right in result["coverage"]) + " right.")


def linking(
    folder: Annotated[
        Path,
        typer.Argument(
            help="A folder with left.csv[.gz], right.csv[.gz] and pairs.csv[.gz] (left_id,right_id[,label][,split])."
        ),
    ],
    seed: Annotated[int, typer.Option(min=0, help="Where the drawing of folds starts.")] = 0,
    draws: Annotated[int, typer.Option(min=1, help="How many seeds; figures are means over them.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Find the records of two tables that are the same thing, and compare with labelled pairs and with plain baselines."""
    from destiny_assets.evaluation_linking import evaluate_linking

    result = evaluate_linking(folder, seed=seed, draws=draws)
    if as_json:
        print_json(result)
        return
    metrics = ("precision", "recall", "f1")
    shown = {"destiny": result, **result["baselines"]}
    rows = [(name, *(values[metric] for metric in metrics)) for name, values in shown.items()]
    print_table(
        f"{result['dataset']}: {result['scored']}, decided by {result['decided_by']}", ("method", *metrics), rows
    )
    low, high = result["f1_interval_95"]
    say(f"F1 {result['f1']:.3f}, 95 % interval {low:.3f} to {high:.3f}, seeds {result['seeds']}.")
    blocking = result["blocking"]
    say(
        f"Blocking keeps {blocking['candidates']} of {blocking['possible']} pairs and {blocking['recall']:.1%} of the matches; "
        f"{result['candidate_pairs_per_s']:.0f} candidate pairs a second."
    )
    _say_skipped(result)


def relations(
    folder: Annotated[
        Path, typer.Argument(help="A folder with docs.jsonl[.gz]: text, entities with mentions, relations.")
    ],
    extractor: Annotated[
        str, typer.Option(help="Who finds mentions: capitals, or spacy (the extra destiny[spacy]).")
    ] = "capitals",
    as_json: AsJson = False,
) -> None:
    """Find mentions, which of them are one entity, and relations in labelled documents, and compare with the labels."""
    from destiny_assets.adapters.entity_extractors import open_mention_finder
    from destiny_assets.evaluation_relations import evaluate_relations

    with progress_bars() as progress:
        result = evaluate_relations(folder, progress, open_mention_finder(extractor))
    if as_json:
        print_json(result)
        return
    metrics = ("precision", "recall", "f1")
    rows = [(part, *(result[part][metric] for metric in metrics)) for part in ("mentions", "coreference", "relations")]
    print_table(f"{result['dataset']}: {result['documents']} documents, {result['model']}", ("", *metrics), rows)
    for part in ("mentions", "relations"):
        kinds = [
            (kind, values["gold"], *(values[metric] for metric in metrics))
            for kind, values in result[part]["by_type"].items()
        ]
        print_table(part, ("type", "gold", *metrics), kinds)
    _say_skipped(result)


def contradictions(
    folder: Annotated[
        Path,
        typer.Argument(help="A folder with claims.jsonl[.gz] (claim, label, cited_doc_ids) and evidence.jsonl[.gz]."),
    ],
    as_json: AsJson = False,
) -> None:
    """Say of labelled claims whether passages support or contradict them, and compare with the labels and the most frequent one."""
    from destiny_assets.evaluation_contradictions import evaluate_contradictions

    result = evaluate_contradictions(folder)
    if as_json:
        print_json(result)
        return
    rows = [
        (kind, *(values[metric] for metric in ("gold", "precision", "recall", "f1")))
        for kind, values in result["by_type"].items()
    ]
    print_table(
        f"{result['dataset']}: decided by {result['decided_by']}",
        ("verdict", "gold", "precision", "recall", "f1"),
        rows,
    )
    low, high = result["accuracy_interval_95"]
    baselines = result["baselines"]
    say(
        f"Accuracy {result['accuracy']:.3f}, 95 % interval {low:.3f} to {high:.3f}; always {baselines['majority']['verdict']}: "
        f"{baselines['majority']['accuracy']:.3f}; rules without labels: {baselines['rules']['accuracy']:.3f}."
    )
    _say_skipped(result)


def _say_skipped(result: dict[str, Any]) -> None:
    if result["skipped"]["rows"]:
        first = result["skipped"]["first"][0]
        say(
            f"{result['skipped']['rows']} rows were left out, the first {first['file']}:{first['line']}: {first['reason']}."
        )
