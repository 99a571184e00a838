"""After the storm: everything works again, and whatever is still to be done is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from casebridge.domain.reconciling import GRACE
from chaos.ledger import now
from chaos.records import look
from chaos.stage import Stage
from tests.stage import eventually

PATIENCE_SECONDS: Final = 300.0
_TURN: Final = timedelta(seconds=5)
_PENDING: Final = """
    SELECT count(*) FROM case_external_refs
    WHERE due_at IS NOT NULL OR lease_token IS NOT NULL OR (verify_asked AND gone_at IS NULL)
"""
_UNREAD: Final = """
    SELECT count(*) FROM case_external_refs r JOIN cases c ON c.id = r.case_id
    WHERE c.status <> 'closed' AND r.external_id IS NOT NULL AND r.gone_at IS NULL
        AND r.dead_at IS NULL AND (r.verified_at IS NULL OR r.verified_at < :since)
"""


class Calm(msgspec.Struct, frozen=True, kw_only=True):
    """How long it took until nothing was left to do; ``settled`` is False if that never came."""

    seconds: float
    settled: bool


def come_to_rest(stage: Stage, *, by_itself: bool, within: float = PATIENCE_SECONDS) -> Calm:
    """Wait until nothing is left to do.

    ``by_itself`` nobody helps: what webhooks lost, the reconciler has to find. Otherwise every
    ticket is resynced, as an operator does who cannot wait.
    """
    began, since = time.monotonic(), now()
    api = stage.api()
    for vendor in stage.vendors:
        eventually(lambda path=f"/v1/connectors/{vendor.connector}/resume": _asked(stage, path))  # type: ignore[misc]
    for vendor in stage.vendors:
        vendor.served.control.wait_until_idle(within)
    if not by_itself:
        api.post("/v1/resync")

    def settled() -> bool:
        if by_itself and not _is_read(stage, since):
            return False
        return bool(look(stage.database, _PENDING) == 0)

    try:
        eventually(lambda: _twice(settled), within=within)
    except AssertionError:
        return Calm(seconds=time.monotonic() - began, settled=False)
    return Calm(seconds=time.monotonic() - began, settled=True)


def _is_read(stage: Stage, since: datetime) -> bool:
    """Tell whether the reconciler has listed and read everything that the storm left behind."""
    for vendor in stage.vendors:
        card = stage.api().get(f"/v1/connectors/{vendor.connector}")["reconcile"]
        at = card["reconciled_at"]
        if at is None or datetime.fromisoformat(at) < since + GRACE + _TURN:
            return False
    return bool(look(stage.database, _UNREAD, since=since) == 0)


def _twice(settled: Callable[[], bool]) -> bool:
    """Look twice: between the two, a webhook may be on its way."""
    if not settled():
        return False
    time.sleep(1.0)
    return settled()


def _asked(stage: Stage, path: str) -> bool:
    return stage.api().http.post(path).is_success
