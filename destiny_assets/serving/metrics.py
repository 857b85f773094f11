"""Prometheus metrics of one server: requests at its doors, calls of its layers, and which layers are left alone."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

from destiny_assets.domain.circuits import CircuitState
from destiny_assets.serving.circuits import Circuits

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_OPENNESS = {CircuitState.CLOSED: 0.0, CircuitState.HALF_OPEN: 0.5, CircuitState.OPEN: 1.0}


class Metrics:
    """A registry of its own; a `telemetry.Listener`."""

    def __init__(self, circuits: Circuits) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Histogram(
            "destiny_request_seconds",
            "Requests at the doors, from the first byte in to the last byte out.",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._calls = Histogram(
            "destiny_layer_call_seconds",
            "Calls of a layer or model.",
            ["layer", "operation"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._failures = Counter(
            "destiny_layer_failures", "Calls that ended with an error.", ["layer", "error"], registry=self._registry
        )
        self._circuits = circuits
        self._registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """How each layer stands with its readers, when somebody looks."""
        gauge = GaugeMetricFamily(
            "destiny_circuit_open", "1 while a layer is left alone, 0.5 while one caller tries it.", labels=["layer"]
        )
        for layer, state in self._circuits.states().items():
            gauge.add_metric([layer], _OPENNESS[state])
        yield gauge

    @contextmanager
    def calling(self, layer: str, operation: str) -> Iterator[None]:
        """Count and time one call."""
        began = time.perf_counter()
        try:
            yield
        except BaseException as error:
            self._failures.labels(layer, type(error).__name__).inc()
            raise
        finally:
            self._calls.labels(layer, operation).observe(time.perf_counter() - began)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count and time one request."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        """All of them, in Prometheus' text format."""
        return generate_latest(self._registry)
