"""Spans for OpenTelemetry, which is not installed and not asked unless traces are switched on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_NO_SPAN: Final = nullcontext()
_tracer: Tracer | None = None


def span(name: str, **attributes: str) -> AbstractContextManager[None]:
    """Return what makes a span of the work inside, or nothing at all when traces are off.

    Attributes tell which connector, case or ticket; never what a person wrote, nor a secret.
    """
    if _tracer is None:
        return _NO_SPAN
    return _span(_tracer, name, attributes)


@contextmanager
def _span(tracer: Tracer, name: str, attributes: dict[str, str]) -> Iterator[None]:
    named = {f"casebridge.{key}": text for key, text in attributes.items()}
    # an exception's text may hold what a vendor said; its name is enough, and the log has the rest
    with tracer.start_as_current_span(
        name, attributes=named, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            raise


class Tracing:
    """Makes the spans of this process while it is entered, and sends what is left at the end.

    They go to the collector that OpenTelemetry's own variables name, such as
    ``OTEL_EXPORTER_OTLP_ENDPOINT``; ``OTEL_SERVICE_NAME`` may give them another name than ours.
    """

    def __init__(self) -> None:
        """Prepare; it needs the extra ``casebridge[traces]``."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        name = os.environ.get("OTEL_SERVICE_NAME", "casebridge")
        self.provider = TracerProvider(resource=Resource.create({"service.name": name}))
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))

    def __enter__(self) -> Self:
        """Begin."""
        global _tracer  # noqa: PLW0603 - one for the process, as its figures are
        _tracer = self.provider.get_tracer("casebridge")
        return self

    def __exit__(self, *_: object) -> None:
        """Send what is left."""
        global _tracer  # noqa: PLW0603
        _tracer = None
        self.provider.shutdown()
