import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("fastembed", reason="fastembed is an extra: pip install 'destiny[fastembed]'")

PROGRAM = """
from destiny_assets.adapters.embedders.factory import open_embedder
from destiny_assets.errors import ConfigurationError
try:
    open_embedder("fastembed:BAAI/bge-small-en-v1.5")
except ConfigurationError as error:
    print(error)
"""


def test_a_model_that_is_not_here_is_refused_quickly_where_no_hub_answers(tmp_path: Path) -> None:
    # Nothing listens on port 9: the same as a machine without a network.
    environment = {**os.environ, "FASTEMBED_CACHE_PATH": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9"}
    began = time.perf_counter()
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    assert "the model hub http://127.0.0.1:9 cannot be reached" in answer.stdout
    assert "DESTINY_EMBEDDING_MODEL=minilm" in answer.stdout
    assert time.perf_counter() - began < 35, "fastembed itself gives up after 40 s"
