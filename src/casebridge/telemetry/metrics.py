"""The figures that a process counts, in Prometheus' words. `docs/observability.md` lists them.

They belong to the process, not to a bridge. A vendor is a label only when a plugin serves it, so
that no stranger's text becomes one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Counter, Histogram

NOBODY: Final = "unknown"
"""The vendor of a webhook that no plugin recognised."""

_ANSWER: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_WAY: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

WEBHOOKS: Final = Histogram(
    "casebridge_inbox_seconds",
    "From a webhook's body to its answer, by vendor and outcome (applied, or the reason why not).",
    ("vendor", "outcome"),
    buckets=_ANSWER,
)
ECHOES: Final = Counter(
    "casebridge_echoes_suppressed_total",
    "Webhooks that only repeated what the bridge itself had written.",
    ("vendor",),
)
PUSHES: Final = Histogram(
    "casebridge_push_seconds",
    "One step towards a ticket, by vendor, step (mint, push_status, …) and outcome.",
    ("vendor", "step", "outcome"),
    buckets=_ANSWER,
)
VENDOR_CALLS: Final = Histogram(
    "casebridge_vendor_call_seconds",
    "One HTTP request to a vendor until the head of its answer, by vendor and outcome.",
    ("vendor", "outcome"),
    buckets=_ANSWER,
)
PROJECTED: Final = Histogram(
    "casebridge_sync_outbound_seconds",
    "From a case's change of status until its ticket had followed, by vendor.",
    ("vendor",),
    buckets=_WAY,
)

OK: Final = "ok"
_THROTTLED: Final = 429
_REFUSED: Final = 400
_FAILED: Final = 500


@contextmanager
def timed(histogram: Histogram, *labels: str) -> Iterator[list[str]]:
    """Observe how long something takes, with its outcome as the last label.

    The outcome is `OK`; put another into the list that is handed out. When an exception passes,
    it is the exception's name.
    """
    outcome = [OK]
    began = time.perf_counter()
    try:
        yield outcome
    except BaseException as error:
        outcome[0] = type(error).__name__
        raise
    finally:
        histogram.labels(*labels, outcome[0]).observe(time.perf_counter() - began)


@contextmanager
def webhook_timed() -> Iterator[list[str]]:
    """Observe how long a webhook takes; put its vendor and its outcome into the list.

    When an exception passes, the outcome is its name.
    """
    told = [NOBODY, OK]
    began = time.perf_counter()
    try:
        yield told
    except Exception as error:
        told[1] = type(error).__name__
        raise
    finally:
        WEBHOOKS.labels(*told).observe(time.perf_counter() - began)


@contextmanager
def refusals_counted() -> Iterator[None]:
    """Observe what ends a webhook before it is looked at, such as a rate or a body too large."""
    began = time.perf_counter()
    try:
        yield
    except Exception as error:
        WEBHOOKS.labels(NOBODY, type(error).__name__).observe(time.perf_counter() - began)
        raise


def outcome_of_answer(status: int) -> str:
    """Sort an HTTP status into the few outcomes that a dashboard tells apart."""
    if status == _THROTTLED:
        return "throttled"
    if status >= _FAILED:
        return "failed"
    return "refused" if status >= _REFUSED else OK
