"""Whose credential it is: told by ServiceNow, looked up, or known from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from casebridge_core import (
    AuthenticationFailed,
    Connector,
    VendorHooks,
)
from casebridge_servicenow import ServiceNowConfig

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock


ServiceNow = Connector[ServiceNowConfig]


def error(message: str, detail: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "detail": detail}, "status": "failure"}


USER = {"sys_id": "u1", "user_name": "Svc.Casebridge", "name": "Casebridge", "email": ""}


@pytest.mark.parametrize(
    "told", [[], [USER | {"user_name": ""}], [USER | {"user_name": "admin"}, USER]]
)
async def test_an_account_that_servicenow_does_not_tell_is_looked_up_by_its_user_name(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    told: list[dict[str, str]],
) -> None:
    httpx_mock.add_response(json={"result": told})
    httpx_mock.add_response(json={"result": [USER | {"user_name": "admin"}, USER]})

    account = await hooks.identify_account(connector)

    assert (account.id, account.name, account.email) == ("Svc.Casebridge", "Casebridge", None)
    queries = [each.url.params["sysparm_query"] for each in httpx_mock.get_requests()]
    assert queries == ["sys_id=javascript:gs.getUserID()", "user_name=svc.casebridge"]


async def test_an_account_that_may_not_read_users_is_known_from_the_settings(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow
) -> None:
    denied = error("User Not Authorized", "Failed API level ACL Validation")
    httpx_mock.add_response(status_code=403, json=denied, is_reusable=True)

    assert (await hooks.identify_account(connector)).id == "svc.casebridge"


async def test_a_refused_credential_is_no_account(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow
) -> None:
    httpx_mock.add_response(status_code=401, json=error("User Not Authenticated"))

    with pytest.raises(AuthenticationFailed):
        await hooks.identify_account(connector)
