"""Spans for OpenTelemetry, of what the station does by itself; FastAPI makes those of requests.

They cost next to nothing and go nowhere until the extra `otel` is installed and an endpoint is set (docs/how-to/run-a-station.md).
"""

from opentelemetry import trace
from structlog.typing import EventDict, WrappedLogger

tracer = trace.get_tracer("broadcaster")


def with_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor of log entries: within a span that is recorded they bear its ids, so that one leads to the other."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event
