"""The ASGI application: routes, error shapes and the bridge's life."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

from litestar import Litestar, Router
from litestar.config.app import AppConfig
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.plugins.prometheus import PrometheusConfig
from litestar.template.config import TemplateConfig
from litestar.types import ASGIApp, Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from casebridge.bridge import open_bridge
from casebridge.exposition import exposed
from casebridge.services.clock import Clock, utc_now
from casebridge.services.faults import Stale
from casebridge.settings import Settings
from casebridge.telemetry.traces import Tracing
from casebridge.web import (
    backfills,
    cases,
    connectors,
    events,
    flags,
    health,
    plugins,
    status_maps,
    tickets,
    timeline,
    tokens,
    unmapped,
)
from casebridge.web.access import provide_bridge, provide_principal
from casebridge.web.api_rate import RateHeaders
from casebridge.web.conditions import on_stale
from casebridge.web.console.routes import TEMPLATES, console
from casebridge.web.correlation import Correlation
from casebridge.web.deadline import BodyDeadline
from casebridge.web.document import TAGS, ServedDocument, operation_id
from casebridge.web.inbox import inbox
from casebridge.web.problem_document import describe_problems
from casebridge.web.problems import HANDLERS
from casebridge.web.urgency import UrgentMiddleware
from casebridge.web.url_secrets import UrlSecrets
from casebridge_core import ConnectorCatalog


def create_app(
    settings: Settings | None = None,
    *,
    catalog: ConnectorCatalog | None = None,
    clock: Clock = utc_now,
    converging: bool = True,
) -> Litestar:
    """Build the application; nothing is opened before its lifespan starts.

    ``converging`` False leaves all work to other processes, whatever the engine.

    Raises:
        InvalidSettings: an environment variable cannot be used.
    """
    chosen = settings if settings is not None else Settings.from_env()
    tracing = Tracing() if chosen.traces and converging else None

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                # with the distributed engine, `casebridge worker` does the work
                alone = converging and chosen.engine == "embedded"
                bridge = open_bridge(chosen, catalog=catalog, clock=clock, converging=alone)
                app.state.bridge = await stack.enter_async_context(bridge)
                if converging:  # else it is a command that works beside the service
                    gauges = app.state.bridge.gauges
                    await stack.enter_async_context(exposed(chosen.metrics_address, gauges))
                if tracing is not None:
                    stack.enter_context(tracing)
            except Exception as error:
                app.state.startup_failure = error
                raise
            yield

    api = Router(
        path="/v1",
        route_handlers=[
            cases.CaseController,
            connectors.ConnectorController,
            status_maps.read_status_map,
            tokens.TokenController,
            events.EventController,
            unmapped.UnmappedStatusController,
            tickets.TicketController,
            tickets.resync_every_ticket,
            backfills.BackfillController,
            backfills.plan_backfill,
            backfills.create_backfill,
            flags.FlagController,
            plugins.list_plugins,
            timeline.export_timeline,
        ],
        dependencies={"who": Provide(provide_principal)},
        exception_handlers={Stale: on_stale},
        middleware=[RateHeaders(chosen.api_rate)] if chosen.api_rate else [],
        security=[{"apiKey": []}],
    )
    api_and_pages = Router(
        path="/",
        route_handlers=[api, *console(), health.health, health.ready, health.identity],
        middleware=[
            BodyDeadline(chosen.inbox_body_seconds),
            UrgentMiddleware(),
            *_figures(chosen),
        ],
    )
    webhooks = inbox(largest_body=chosen.inbox_body_bytes, body_seconds=chosen.inbox_body_seconds)
    app = Litestar.from_config(
        AppConfig(
            route_handlers=[api_and_pages, webhooks],
            template_config=TemplateConfig(directory=TEMPLATES, engine=JinjaTemplateEngine),
            middleware=_spans(tracing),
            dependencies={"bridge": Provide(provide_bridge, sync_to_thread=False)},
            exception_handlers=HANDLERS,
            lifespan=[lifespan],
            request_max_body_size=chosen.inbox_body_bytes,
            openapi_config=OpenAPIConfig(
                title="Casebridge",
                version="0.1.0",
                use_handler_docstrings=True,
                description="A security case is the record; its tickets are projections of it.",
                # no page that shows it: those load scripts and pictures from elsewhere
                render_plugins=[ServedDocument()],
                operation_id_creator=operation_id,
                tags=TAGS,
                components=Components(
                    security_schemes={"apiKey": SecurityScheme(type="http", scheme="bearer")}
                ),
            ),
        )
    )
    describe_problems(app.routes)
    outermost: ASGIApp = Correlation(UrlSecrets(app.asgi_handler))
    if chosen.proxies:
        outermost = cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", outermost), chosen.proxies))
    app.asgi_handler = outermost
    return app


def _spans(tracing: Tracing | None) -> list[Middleware]:
    """Return what makes a span of each request."""
    if tracing is None:
        return []
    from casebridge.web.spans import spans_of_requests  # noqa: PLC0415 - needs an extra

    return spans_of_requests(tracing)


def _figures(settings: Settings) -> list[Middleware]:
    """Return what counts requests of API and console (the inbox has its own)."""
    if not settings.metrics_address:
        return []
    figures = PrometheusConfig(
        prefix="casebridge_http",
        group_path=True,
        exclude=["^/health$", "^/ready$", "^/static/"],
    )
    return [figures.middleware]
