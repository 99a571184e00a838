"""Learning which account at the vendor is ours, so that what it does is recognised."""

from __future__ import annotations

from typing import Any

from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge_core import Connector, VendorHooks


async def identify(
    database: Database, hooks: VendorHooks, connector: Connector[Any], connector_id: int
) -> str:
    """Ask the vendor whose credential the connector uses; note it, and return the account's id.

    Raises:
        PushError: the vendor does not tell.
    """
    account = await hooks.identify_account(connector)
    async with database.write() as session:
        row = await session.get_one(ConnectorRow, connector_id)
        row.account_id, row.account_name = account.id, account.name
    return account.id
