"""OpenTelemetry traces over OTLP: a span for each request at a door, and one below it for each call of a layer.

Off unless ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``) is set; the other standard variables hold too.
No span holds a question, a text or a credential.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from destiny_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def open_tracing(environment: Mapping[str, str]) -> "Tracing | None":
    """Traces to the endpoint that the environment names; None when it names none.

    Raises `ConfigurationError` when the packages for it are not installed.
    """
    if not any(environment.get(name) for name in _ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{_ENDPOINTS[0]} is set, but OpenTelemetry is not installed. Run: pip install 'destiny[telemetry]'"
        ) from error
    attributes = {"service.version": version("destiny")}
    if not environment.get("OTEL_SERVICE_NAME"):
        attributes["service.name"] = "destiny"
    provider = TracerProvider(resource=Resource.create(attributes))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


class Tracing:
    """A `telemetry.Listener`; close it, so that the last spans leave."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("destiny")

    @contextmanager
    def calling(self, layer: str, operation: str) -> Iterator[None]:
        """A span of one call, below the one that is open here."""
        from opentelemetry.trace import SpanKind

        with self._tracer.start_as_current_span(
            f"{layer} {operation}", kind=SpanKind.CLIENT, attributes={"destiny.layer": layer}
        ):
            yield

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> "Iterator[Span]":
        """A span of one request, below the caller's where its headers name one (W3C trace context)."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract(headers)
        with self._tracer.start_as_current_span(method, context=parent, kind=SpanKind.SERVER) as span:
            yield span

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()
