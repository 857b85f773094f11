"""The process that optimises a copy of a shard: ``python -m … FOLDER``, the collection's creation request on stdin.

It is a process because the engine keeps Python's interpreter lock while it builds. It dies with the server that
started it.
"""

import ctypes
import os
import signal
import sys

NOTHING_TO_DO = 3
_PR_SET_PDEATHSIG = 1
_NICENESS = 10


def main(folder: str) -> int:
    """Optimise the shard in `folder`; 0 when it changed, `NOTHING_TO_DO` when it did not."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(_NICENESS)
    import qdrant_edge as edge
    from qdrant_client.http.models import models as m

    from destiny_assets.local.qdrant_server.schema import engine_config

    # With the configuration of now: thresholds may have been changed since the shard was created.
    request = m.CreateCollection.model_validate_json(sys.stdin.buffer.read())
    shard = edge.EdgeShard.load(folder, engine_config(request))
    changed = shard.optimize()
    shard.flush()
    shard.close()
    return 0 if changed else NOTHING_TO_DO


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
