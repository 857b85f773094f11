"""How this server is: which layers answer, and its metrics."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.responses import Response

from destiny_assets.domain.access import Right
from destiny_assets.domain.circuits import CircuitState
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.serving.api.doors import Guard, Recognised, TheDoors
from destiny_assets.serving.api.reading import as_json
from destiny_assets.serving.metrics import MEDIA_TYPE

router = APIRouter(tags=["state"])


class LayerState(BaseModel):
    """One layer as readers find it."""

    layer: str
    circuit: Annotated[
        CircuitState, Field(description="closed: it is asked; open: left alone for now; half-open: one caller tries.")
    ]
    needed: Annotated[bool, Field(description="Whether nothing can be read without it.")]


class Readiness(BaseModel):
    """Whether requests should be sent here, and what they will do without."""

    ready: bool
    degraded: list[str]
    layers: list[LayerState]


@router.get("/v1/readiness", response_model=Readiness, dependencies=[Depends(Recognised())])
def readiness(doors: TheDoors) -> Response:
    """The state of each layer. Without a key `/readyz` says it in a word; a layer that nobody asked for lately is told as it was."""
    try:
        doors.ledger.ping()
        ledger = CircuitState.CLOSED
    except StoreUnavailableError:
        ledger = CircuitState.OPEN
    states = doors.circuits.states()
    ready = ledger is CircuitState.CLOSED and not doors.closing.is_set()
    told = Readiness(
        ready=ready,
        degraded=[layer for layer, state in states.items() if state is not CircuitState.CLOSED],
        layers=[
            LayerState(layer="ledger", circuit=ledger, needed=True),
            *(LayerState(layer=layer, circuit=state, needed=False) for layer, state in states.items()),
        ],
    )
    return as_json(told, Readiness, 200 if ready else 503)


@router.get(
    "/metrics",
    dependencies=[Depends(Guard(Right.INSPECT))],
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus' text format."}},
)
async def metrics(doors: TheDoors) -> Response:
    """Requests, calls of layers and circuits, for Prometheus; needs a key that may read every project (`*=reader`)."""
    return Response(doors.metrics.text(), media_type=MEDIA_TYPE)
