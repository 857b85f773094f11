"""schemathesis against the real app on the real servers: whatever the description allows or forbids, nothing fails with 5xx.

benchmarks/api_fuzzing.py asks more, for longer.
"""

import secrets

import pytest

from tests.serving.api.fuzzing import fuzz, operations
from tests.serving.api.opened import Opened
from tests.stages.growing import Growth


@pytest.fixture(scope="module")
def key(opened: Opened, grown: Growth) -> str:
    return opened.key(f"{grown.project}=reader", name="fuzzer")


@pytest.mark.parametrize(
    "operation", sorted(name for name in operations() if name.startswith("GET") and not name.endswith("/doctor"))
)
def test_reading_never_fails(opened: Opened, grown: Growth, key: str, operation: str) -> None:
    assert fuzz(opened.url, key, grown.project, operation, examples=5) > 0


@pytest.mark.parametrize("operation", sorted(name for name in operations() if not name.startswith("GET")))
def test_writing_never_fails(opened: Opened, growth: Growth, operation: str) -> None:
    # Every right in its own project, and none in others: what is made up must not hit what other tests stand on.
    key = opened.key(f"{growth.project}=admin", name=f"fuzzer-{secrets.token_hex(2)}")
    if operation in ("DELETE /v1/projects/{project}", "POST /v1/projects/{project}/ingests"):
        key = opened.key(f"{growth.project}=reader")
    assert fuzz(opened.url, key, growth.project, operation, examples=5) > 0
