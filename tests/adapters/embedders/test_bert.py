import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from destiny_assets.adapters.embedders.bert.models import MINILM
from destiny_assets.adapters.embedders.bert.tokenizer import MiniLMTokenizer
from destiny_assets.adapters.embedders.bert.weights import read_verified
from destiny_assets.adapters.embedders.cpu import available_cores, precision_for
from destiny_assets.errors import ModelError, ModelIntegrityError


@pytest.fixture(scope="module")
def tokenizer() -> MiniLMTokenizer:
    return MiniLMTokenizer()


def test_a_file_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    changed = bytearray(MINILM.file().read_bytes())
    changed[1_000_000] ^= 1
    path = tmp_path / "model.onnx"
    path.write_bytes(changed)
    with pytest.raises(ModelIntegrityError, match="nothing is embedded with it"):
        read_verified(path, MINILM.sha256)


def test_a_file_that_cannot_be_read_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_verified(tmp_path / "missing.onnx", MINILM.sha256)


def test_the_weights_have_the_shapes_of_the_published_model() -> None:
    weights = MINILM.read(read_verified(MINILM.file(), MINILM.sha256))
    assert len(weights) == 5 + 6 * 16
    assert weights["embeddings.word_embeddings.weight"].shape == (30_522, 384)
    assert weights["embeddings.position_embeddings.weight"].shape == (512, 384)
    assert weights["encoder.layer.5.intermediate.dense.weight"].shape == (1_536, 384)
    assert weights["encoder.layer.5.output.dense.weight"].shape == (384, 1_536)
    assert all(tensor.dtype == np.float32 and np.isfinite(tensor).all() for tensor in weights.values())


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("vendor_id : GenuineIntel\nflags : avx512f amx_bf16 avx512_bf16", "bf16"),
        ("vendor_id : GenuineIntel\nflags : avx512f avx512_bf16", "f32"),
        ("vendor_id : AuthenticAMD\nflags : avx512f avx512_bf16", "bf16"),
        ("vendor_id : AuthenticAMD\nflags : avx2", "f32"),
        ("", "f32"),
    ],
)
def test_bf16_is_chosen_where_it_was_measured_to_be_faster(flags: str, precision: str) -> None:
    assert precision_for(flags) == precision


def test_at_least_one_core_is_available() -> None:
    assert available_cores() >= 1


def test_token_starts_are_where_words_and_word_pieces_begin(tokenizer: MiniLMTokenizer) -> None:
    (starts,) = tokenizer.token_starts(["Hello, tokenization!"])
    assert starts.tolist() == [0, 5, 7, 12, 19]
    assert starts.dtype == np.int64


@given(text=st.text(max_size=400))
@settings(max_examples=50, deadline=None)
def test_token_starts_ascend_within_the_text(tokenizer: MiniLMTokenizer, text: str) -> None:
    (starts,) = tokenizer.token_starts([text])
    assert np.all(np.diff(starts) >= 0)
    assert not len(starts) or (starts[0] >= 0 and starts[-1] < len(text))


def test_a_long_text_has_the_same_tokens_as_its_pieces(tokenizer: MiniLMTokenizer) -> None:
    piece = "Naïve words, 漢字 and numbers like 3.14; also unbelievable_identifiers.\n"
    (once,) = tokenizer.token_starts([piece])
    (many,) = tokenizer.token_starts([piece * 5_000])
    assert np.array_equal(many, np.concatenate([once + number * len(piece) for number in range(5_000)]))


def test_a_lone_surrogate_keeps_the_offsets_behind_it(tokenizer: MiniLMTokenizer) -> None:
    assert tokenizer.token_starts(["\ud800 word"])[0][-1] == 2


def test_ids_are_cut_with_the_last_special_token_kept(tokenizer: MiniLMTokenizer) -> None:
    (short, long) = tokenizer.encode(["word", "word " * 500], 256)
    assert len(short) == 3
    assert len(long) == 256
    assert (long[0], long[-1]) == (short[0], short[-1])


def test_the_tokenizer_carries_its_notice_and_licence() -> None:
    folder = files("destiny_assets.adapters.embedders.bert")
    assert "all-MiniLM-L6-v2" in folder.joinpath("NOTICE").read_text("utf-8")
    assert "Apache License" in folder.joinpath("LICENSE").read_text("utf-8")


def test_importing_the_factory_loads_no_engine() -> None:
    program = (
        "import sys, destiny_assets.adapters.embedders.factory, destiny_assets.adapters.embedders.bert.embedder\n"
        "print([name for name in ('openvino', 'onnxruntime', 'fastembed', 'openai') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_an_engine_that_is_installed_and_broken_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "__init__.py").write_text(
        "raise ImportError('libtbb.so.12: cannot open shared object file')"
    )
    program = (
        "from destiny_assets.adapters.embedders.factory import open_embedder\n"
        "from destiny_assets.errors import ConfigurationError\n"
        "try:\n    open_embedder('minilm').embed(['a text'])\n"
        "except ConfigurationError as error:\n    print(error)"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert "openvino is installed and cannot be loaded (libtbb.so.12" in answer.stdout
