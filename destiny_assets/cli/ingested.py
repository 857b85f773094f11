"""What an ingest did, shown as a table. Running one is in `knowledge`."""

from typing import Any

from destiny_assets.cli.output import print_table


def show_ingest(result: dict[str, Any]) -> None:
    """An ingest's result as tables."""
    documents, chunks, embedding = result["documents"], result["chunks"], result["embedding"]
    print_table(
        f"{result['project']}: generation {result['generation']} ({result['reason']})",
        ("what", "count", "detail"),
        [
            (
                "documents",
                documents["total"],
                ", ".join(
                    f"{documents[name]} {name}"
                    for name in ("added", "changed", "moved", "removed", "unchanged", "quarantined")
                ),
            ),
            ("chunks", chunks["total"], f"{chunks['added']} added, {chunks['retired']} retired"),
            (
                "embedded",
                embedding["texts"],
                f"{embedding['tokens']} tokens in {embedding['seconds']:.1f} s by {embedding['model']}",
            ),
            *_read_by_model(result["claims"]),
            ("checks passed", result["checks"]["passed"], ", ".join(result["checks"]["failed"]) or "none failed"),
            (
                "seconds",
                result["seconds"]["total"],
                ", ".join(f"{name} {spent:.1f}" for name, spent in result["seconds"].items() if name != "total"),
            ),
        ],
    )


def _read_by_model(claims: dict[str, Any]) -> list[tuple[str, int, str]]:
    """What a language model did for claims, as a row; none where none is configured."""
    if "model" not in claims:
        return []
    dropped = sum(claims["model_dropped"].values())
    detail = (
        f"{claims['model_kept']} answers kept, {claims['model_tokens']} tokens by {claims['model']}; "
        f"{claims['model_found']} claims, {dropped} dropped"
    )
    if claims["model_unread"]:
        detail += f"; passages left for the next run: {claims['model_unread']}. {claims['model_why_unread']}"
    return [("read for claims", claims["model_calls"], detail)]
