"""A span for each request, named by its route."""

from __future__ import annotations

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.plugins.opentelemetry import OpenTelemetryConfig
from litestar.types import ASGIApp, Middleware, Receive, Scope, Send
from opentelemetry.trace import get_current_span

from casebridge.telemetry.traces import Tracing


def spans_of_requests(tracing: Tracing) -> list[Middleware]:
    """Return what makes the spans, which the framework puts before the router, and names them."""
    config = OpenTelemetryConfig(
        tracer_provider=tracing.provider, exclude_spans=["receive", "send"]
    )
    return [config.middleware, _NamedByRoute()]


class _NamedByRoute(ASGIMiddleware):
    """Names the span by the route: ids in names would make each request another kind."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        route, method = scope["path_template"], scope["method"]  # type: ignore[typeddict-item]
        span = get_current_span()
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
        await next_app(scope, receive, send)
