"""Chunks of 128 tokens embedded a second: Destiny's engines and fastembed, alternating in one run on this machine.

    python benchmarks/embedding.py [--rounds 5] [--chunks 64]

fastembed runs the same weights from the same local file. Prints the median of each, and its ratio to the default embedder;
CPU time tells more than speed where others use the machine.
"""

import argparse
import json
import random
import shutil
import statistics
import tempfile
import time
from importlib.resources import files
from pathlib import Path

from destiny_assets.adapters.embedders.bert.embedder import LocalBert
from destiny_assets.adapters.embedders.bert.models import MINILM
from destiny_assets.adapters.embedders.bert.tokenizer import MiniLMTokenizer
from destiny_assets.adapters.embedders.cpu import available_cores, fastest_precision
from destiny_assets.adapters.embedders.factory import open_embedder
from destiny_assets.ports import Embedder

TOKENS = 128
SPECIAL_TOKENS = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
WORDS = (
    "the",
    "of",
    "and",
    "to",
    "in",
    "water",
    "house",
    "number",
    "world",
    "day",
    "life",
    "part",
    "place",
    "case",
    "week",
)


def fastembed(folder: Path) -> Embedder:
    """MiniLM in fastembed, from a folder made of the files that Destiny's packages carry."""
    tokenizer = files("destiny_assets.adapters.embedders.bert").joinpath("tokenizer.json")
    (folder / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    shutil.copy(MINILM.file(), folder / "model.onnx")
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 256, **SPECIAL_TOKENS}))
    (folder / "special_tokens_map.json").write_text(json.dumps(SPECIAL_TOKENS))
    (folder / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    return open_embedder("fastembed:sentence-transformers/all-MiniLM-L6-v2", url=str(folder))


def chunks_of_text(count: int) -> list[str]:
    """Texts of 128 tokens each, special tokens included; seeded."""
    rng = random.Random(7)
    texts = [" ".join(rng.choices(WORDS, k=TOKENS - 2)) for _ in range(count)]
    assert {len(row) for row in MiniLMTokenizer().encode(texts, 256)} == {TOKENS}
    return texts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chunks", type=int, default=64)
    options = parser.parse_args()
    texts = chunks_of_text(options.chunks)
    with tempfile.TemporaryDirectory() as folder:
        embedders: dict[str, Embedder] = {
            "destiny default": LocalBert(),
            "openvino bf16": LocalBert(engine="openvino", precision="bf16"),
            "openvino f32": LocalBert(engine="openvino", precision="f32"),
            "onnxruntime f32": LocalBert(engine="onnxruntime"),
            "fastembed": fastembed(Path(folder)),
        }
        speeds: dict[str, list[float]] = {name: [] for name in embedders}
        cpu_ms: dict[str, list[float]] = {name: [] for name in embedders}
        for embedder in embedders.values():
            embedder.embed(texts[:16])
        for _ in range(options.rounds):
            for name, embedder in embedders.items():
                began, cpu_began = time.perf_counter(), time.process_time()
                embedder.embed(texts)
                speeds[name].append(len(texts) / (time.perf_counter() - began))
                cpu_ms[name].append((time.process_time() - cpu_began) * 1_000 / len(texts))
    default = statistics.median(speeds["destiny default"])
    print(f"{available_cores()} cores, fastest precision {fastest_precision()}, {len(texts)} chunks of {TOKENS} tokens")
    for name, measured in speeds.items():
        median = statistics.median(measured)
        spread = f"({min(measured):.0f} to {max(measured):.0f})"
        cpu = f"{statistics.median(cpu_ms[name]):6.1f} CPU ms a chunk"
        print(f"{name:16} {median:7.1f} chunks/s {spread:12} {cpu}  default is {default / median:.1f}x as fast")


if __name__ == "__main__":
    main()
