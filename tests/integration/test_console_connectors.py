"""The console's pages of a connector whose plugin is gone, or whose configuration does not fit."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from casebridge.bridge import Bridge
from casebridge.persistence.connectors import ConnectorRow
from casebridge.services.vault import KEY_BYTES, Vault
from tests.integration.desk import CONFIG, Desk


def rewrite(desk: Desk, connector: Any, **values: Any) -> None:
    """Change a connector's row, as another version of the service may have left it."""
    bridge: Bridge = desk.app.state.bridge

    async def write() -> None:
        row = update(ConnectorRow).where(ConnectorRow.public_id == connector["id"])
        async with bridge.database.write() as session:
            await session.execute(row.values(**values))

    desk.http.blocking_portal.call(write)


@pytest.fixture
def orphan(desk: Desk) -> str:
    """The page of a connector whose plugin is not installed any more."""
    connector = desk.admin.add_connector()
    rewrite(desk, connector, vendor="gone")
    return f"/connectors/{connector['id']}"


@pytest.fixture
def misfit(desk: Desk) -> str:
    """The page of a connector whose plugin now asks for more than is stored."""
    connector = desk.admin.add_connector()
    bridge: Bridge = desk.app.state.bridge
    sealed = bridge.vault.seal(b'{"token": "kept"}', context=f"connector:{connector['id']}")
    rewrite(desk, connector, config_sealed=sealed)
    return f"/connectors/{connector['id']}"


@pytest.fixture
def locked(desk: Desk) -> str:
    """The page of a connector whose credentials were sealed with a master key that is gone."""
    connector = desk.admin.add_connector()
    sealed = Vault((b"k" * KEY_BYTES,)).seal(b"{}", context=f"connector:{connector['id']}")
    rewrite(desk, connector, config_sealed=sealed)
    return f"/connectors/{connector['id']}"


def test_credentials_that_cannot_be_opened_are_said_with_the_cure_and_take_no_page_away(
    desk: Desk, locked: str
) -> None:
    other = desk.admin.add_connector()

    listed, shown, edit = (
        desk.admin.visit("GET", path) for path in ("/connectors", locked, f"{locked}/edit")
    )
    check = desk.admin.visit("POST", f"{locked}/check").text
    described = {each["id"]: each for each in desk.admin.ask("GET", "/v1/connectors")}

    for page in (listed.text, shown.text):
        assert "The configuration cannot be used; edit it." in page
        assert "bring that key back, or fill in the configuration with its secrets" in page
    assert other["id"] in listed.text
    assert "bring that key back" in edit.text
    assert "bring that key back" in check
    assert "bring that key back" in described[locked.rpartition("/")[2]]["config_problem"]
    assert described[other["id"]]["config_problem"] is None


def test_credentials_that_cannot_be_opened_are_given_anew_or_nothing_is_changed(
    desk: Desk, locked: str
) -> None:
    api = f"/v1{locked}"
    statuses = {"outbound": {"contained": "In Review"}, "inbound": {}}

    refused = desk.admin.send("PATCH", api, json={"statuses": statuses})
    mended = desk.admin.send("PATCH", api, json={"config": CONFIG})

    assert (refused.status_code, "bring that key back" in refused.text) == (400, True)
    assert (mended.status_code, mended.json()["config_problem"]) == (200, None)


def test_a_missing_plugin_is_said_and_takes_no_page_away(desk: Desk, orphan: str) -> None:
    listed, shown = (desk.admin.visit("GET", path).text for path in ("/connectors", orphan))

    for text in (listed, shown):
        assert "No plugin serves this vendor; install it and restart." in text
        assert "plugin missing" in text
    assert "no enabled plugin serves" in desk.admin.visit("GET", f"{orphan}/backfill").text
    edit = desk.admin.visit("GET", f"{orphan}/edit")
    assert (edit.status_code, "install it" in edit.text) == (409, True)
    maps = desk.admin.visit("GET", f"{orphan}/statuses")
    assert (maps.status_code, "is enabled" in maps.text) == (400, True)
    check = desk.admin.visit("POST", f"{orphan}/check")
    assert (check.status_code, 'class="stuck"' in check.text) == (200, True)


def test_a_configuration_that_does_not_fit_can_be_filled_in_anew(desk: Desk, misfit: str) -> None:
    shown = desk.admin.visit("GET", misfit).text
    form = desk.admin.visit("GET", f"{misfit}/edit").text

    assert "The configuration cannot be used; edit it." in shown
    assert "Fill in every field" in form
    assert "kept" not in form
    assert desk.admin.visit("GET", "/connectors").status_code == 200
