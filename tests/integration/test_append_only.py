"""The timeline is append-only, and it is the database that says so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Executable, delete, func, select, text, update
from sqlalchemy.exc import DBAPIError

from casebridge.domain.actors import SYSTEM, TimelineKind
from casebridge.persistence.cases import CaseRow, TimelineRow
from casebridge.persistence.database import Database
from casebridge.services import timeline
from casebridge.services.timeline import Cause
from tests.integration.rows import add_case, add_tenant

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def case(database: Database) -> CaseRow:
    """Store a case with one row on its timeline."""
    async with database.write() as session:
        row = await add_case(session, await add_tenant(session))
        cause = Cause(actor=SYSTEM, at=NOON)
        timeline.record(session, row, cause, TimelineKind.CASE_CREATED, "case created")
    return row


STATEMENTS: dict[str, Executable] = {
    "rewriting a row": update(TimelineRow).values(text="it never happened"),
    "dating a row back": update(TimelineRow).values(at=datetime(2020, 1, 1, tzinfo=UTC)),
    "deleting a row": delete(TimelineRow),
    "replacing a row": text(
        "UPDATE timeline SET id = id + 1000 WHERE id IN (SELECT max(id) FROM timeline)"
    ),
}


@pytest.mark.parametrize("what", STATEMENTS)
async def test_the_database_refuses(database: Database, case: CaseRow, what: str) -> None:
    with pytest.raises(DBAPIError, match="the timeline is append-only"):
        async with database.write() as session:
            await session.execute(STATEMENTS[what])

    async with database.read() as session:
        assert await session.scalar(select(TimelineRow.text)) == "case created"


async def test_rows_can_be_added(database: Database, case: CaseRow) -> None:
    async with database.write() as session:
        row = await session.get_one(CaseRow, case.id)
        cause = Cause(actor=SYSTEM, at=NOON)
        timeline.record(session, row, cause, TimelineKind.COMMENT, "noted")

    async with database.read() as session:
        assert await session.scalar(select(func.count(TimelineRow.id))) == 2
