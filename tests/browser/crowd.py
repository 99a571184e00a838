"""A crowd: as many cases and rows as the console has to bear, straight into the database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import insert, select

from casebridge.domain.actors import TimelineKind
from casebridge.domain.identifiers import CASE, REF, correlation_key, new_id
from casebridge.persistence.cases import CaseRow, TimelineRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.services.clock import utc_now

CASES: Final = 1000
ROWS: Final = 500
_TITLE: Final = "Credential theft on web-{:04} by a process that nobody has signed"
_TOLD: Final = (
    (TimelineKind.STATUS_PUSHED, "pushed contained to SEC-{0}: In Progress"),
    (TimelineKind.INBOUND_IGNORED, "SEC-{0} is In Progress: our own change coming back"),
    (TimelineKind.STATUS_CHANGED, "contained → resolved"),
    (TimelineKind.INBOUND_ACTOR, "Ada Analyst moved SEC-{0} to Done"),
    (TimelineKind.PUSH_FAILED, "pushing to SEC-{0} failed: 127.0.0.1 answered 503 (next try soon)"),
)


def crowd(data_dir: Path) -> str:
    """Add cases with a ticket at every connector, and return the one with the long timeline."""
    return asyncio.run(_crowd(f"sqlite+aiosqlite:///{data_dir / 'casebridge.db'}"))


async def _crowd(url: str) -> str:
    database = Database(url)
    try:
        async with database.write() as session:
            connectors = (await session.scalars(select(ConnectorRow))).all()
            owner, now = connectors[0].tenant_id, utc_now()
            cases = [_case(number, owner) for number in range(CASES)]
            await session.execute(insert(CaseRow), cases)
            ids = dict((await session.execute(select(CaseRow.public_id, CaseRow.id))).all())
            last = str(cases[-1]["public_id"])
            refs = [
                _ref(ids[str(case["public_id"])], number, connector)
                for number, case in enumerate(cases)
                for connector in connectors
            ]
            await session.execute(insert(RefRow), refs)
            rows = [
                {
                    "tenant_id": owner,
                    "case_id": ids[last],
                    "at": now - timedelta(seconds=ROWS - number),
                    "kind": kind,
                    "actor_label": f"itsm-webhook ({connector.vendor})",
                    "text": text.format(CASES - 1),
                    "connector_id": connector.id,
                    "detail": {},
                }
                for number in range(ROWS)
                for kind, text in [_TOLD[number % len(_TOLD)]]
                for connector in [connectors[number % len(connectors)]]
            ]
            await session.execute(insert(TimelineRow), rows)
        return last
    finally:
        await database.close()


def _case(number: int, tenant_id: int) -> dict[str, object]:
    now = utc_now()
    return {
        "public_id": new_id(CASE),
        "tenant_id": tenant_id,
        "title": _TITLE.format(number),
        "summary": "",
        "severity_initial": "high",
        "severity": "high",
        "status": "contained",
        "status_trail": ["contained", "open"],
        "status_changed_at": now,
        "version": 2,
        "deep_link": "http://127.0.0.1/",
        "detection_rules": [],
        "raw_events": [],
        "entities": [],
        "assignee_id": "ada-account",
        "assignee_name": "Ada Analyst",
        "created_at": now,
        "updated_at": now,
    }


def _ref(case_id: int, number: int, connector: ConnectorRow) -> dict[str, object]:
    now, ref = utc_now(), new_id(REF)
    return {
        "public_id": ref,
        "tenant_id": connector.tenant_id,
        "case_id": case_id,
        "connector_id": connector.id,
        "vendor": connector.vendor,
        "correlation_key": correlation_key(ref),
        "external_id": str(100_000 + number),
        "external_key": f"SEC-{number}",
        "external_url": f"https://example.atlassian.net/browse/SEC-{number}",
        "ticket_status": "In Progress",
        "verify_asked": False,
        "priority": 0,
        "attempts": 0,
        "created_at": now,
        "updated_at": now,
    }
