"""The Table API: rows in, rows out, every failure told as the right `PushError`.

Source: ServiceNow, "Table API".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx

from casebridge_core import (
    Connector,
    OutcomeUnknown,
    PushError,
    TicketNotFound,
    UnexpectedResponse,
    VendorUnavailable,
)
from casebridge_core.http import VendorApi
from casebridge_servicenow.credentials import auth_of, credential_of, headers_of
from casebridge_servicenow.refusals import asleep, reason_in, refine

if TYPE_CHECKING:
    from casebridge_servicenow.config import ServiceNowConfig
    from casebridge_servicenow.values import Row

_SHAPE: Final = {"sysparm_display_value": "all", "sysparm_input_display_value": "false"}


class TableApi:
    """Reads and writes rows of any table; every answer holds values and labels of fields."""

    def __init__(self, connector: Connector[ServiceNowConfig]) -> None:
        """Bind the connector's client to its instance and credential."""
        self._host = httpx.URL(connector.config.base_url).netloc.decode()
        self._base_url = connector.config.base_url
        self._http = connector.http
        self._api = VendorApi(
            connector.http,
            connector.config.base_url,
            headers=headers_of(connector.config),
            auth=auth_of(connector.config),
            credential=credential_of(connector),
            refine=refine,
        )

    async def rows(
        self, table: str, query: str, fields: tuple[str, ...], *, limit: int
    ) -> list[Row]:
        """Return the rows that match an encoded query; the caller compares them again.

        ServiceNow ignores a condition on a field that it does not know or does not show.
        """
        params = {
            **_SHAPE,
            "sysparm_query": query,
            "sysparm_fields": ",".join(fields),
            "sysparm_limit": str(limit),
            "sysparm_exclude_reference_link": "true",
            "sysparm_no_count": "true",
            "sysparm_suppress_pagination_header": "true",
        }
        try:
            result = await self._call("GET", f"/api/now/table/{table}", params)
        except TicketNotFound:  # the first version of the API answers an empty list with 404
            return []
        if not isinstance(result, list):
            raise UnexpectedResponse(f"{self._host} sent no list of records")
        return [row for row in result if isinstance(row, dict)]

    async def row(self, table: str, sys_id: str, fields: tuple[str, ...]) -> Row:
        """Return one row.

        Raises:
            TicketNotFound: it is not there, or out of the account's sight.
        """
        return await self._one("GET", _record(table, sys_id), fields)

    async def insert(self, table: str, values: Mapping[str, str], fields: tuple[str, ...]) -> Row:
        """Insert a row and return it as it was stored."""
        return await self._one("POST", f"/api/now/table/{table}", fields, values)

    async def patch(
        self, table: str, sys_id: str, values: Mapping[str, str], fields: tuple[str, ...]
    ) -> Row:
        """Change fields of a row and return it as it was stored."""
        return await self._one("PATCH", _record(table, sys_id), fields, values)

    async def clock_skew(self, table: str) -> float | None:
        """Return by how many seconds the instance's clock is ahead, or None when it tells no time.

        The request is anonymous: its refusal carries the time just as well.

        Raises:
            VendorUnavailable: the instance cannot be reached.
        """
        url = f"{self._base_url}/api/now/table/{table}"
        try:
            response = await self._http.get(url, params={"sysparm_limit": "1"})
        except httpx.HTTPError as error:
            raise VendorUnavailable(f"could not connect to {self._host}") from error
        try:
            told = parsedate_to_datetime(response.headers.get("date", ""))
        except (ValueError, OverflowError):
            return None
        return (told.replace(tzinfo=told.tzinfo or UTC) - datetime.now(UTC)).total_seconds()

    async def _one(
        self,
        method: str,
        path: str,
        fields: tuple[str, ...],
        values: Mapping[str, str] | None = None,
    ) -> Row:
        params = {
            **_SHAPE,
            "sysparm_fields": ",".join(fields),
            "sysparm_exclude_reference_link": "true",
        }
        result = await self._call(method, path, params, values)
        if not isinstance(result, dict):
            raise _failure(method, f"{self._host} sent no record")
        return result

    async def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        values: Mapping[str, str] | None = None,
    ) -> object:
        try:
            document = await self._api.request(method, path, params=params, payload=values)
        except (UnexpectedResponse, OutcomeUnknown) as odd:
            # The contract shows a plugin no body of an answer below 400; a page is told by name.
            if "HTML page" in str(odd):
                raise asleep(self._host, writes=method != "GET") from odd
            raise
        reason = reason_in(document)
        if reason:
            told = f"{self._host} gave up half-way: {reason}"
            raise _failure(method, told, on_read=VendorUnavailable)
        if not isinstance(document, dict) or "result" not in document:
            raise _failure(method, f"{self._host} sent JSON without a result")
        result: object = document["result"]
        return result


def _record(table: str, sys_id: str) -> str:
    return f"/api/now/table/{table}/{quote(sys_id, safe='')}"


def _failure(
    method: str, message: str, *, on_read: type[PushError] = UnexpectedResponse
) -> PushError:
    """Return the error for a 200 that is none; after a write nobody knows what was stored."""
    if method == "GET":
        return on_read(message)
    return OutcomeUnknown(f"{message}; it may have been stored")
