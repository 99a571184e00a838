"""/v1/connectors: adding, changing, pausing, removing and restoring an instance."""

from __future__ import annotations

from typing import Any

import pytest

from casebridge.bridge import Bridge
from casebridge.persistence.connectors import ConnectorRow
from casebridge_core.secret import MASK
from tests.integration.desk import CONFIG, SECRET, Desk


def config_of(desk: Desk, connector: Any) -> dict[str, Any]:
    """Return what is stored, secrets included."""
    bridge: Bridge = desk.app.state.bridge

    async def read() -> dict[str, Any]:
        who = await bridge.tenants.authenticate(desk.admin.key or "")
        row: ConnectorRow = await bridge.connectors.get(who, connector["id"])
        return bridge.connectors._connections.raw_config(row)

    return desk.http.blocking_portal.call(read)


def edit(desk: Desk, connector: Any, **config: Any) -> Any:
    return desk.admin.ask("PATCH", f"/v1/connectors/{connector['id']}", {"config": config})


def test_a_connector_is_shown_with_its_secrets_masked(desk: Desk) -> None:
    added = desk.admin.add_connector()

    read = desk.admin.ask("GET", f"/v1/connectors/{added['id']}")

    assert read == added
    assert read["state"] == "active"
    assert read["config"] == {
        "base_url": "https://acme.example",
        "token": MASK,
        "second_token": None,
        "project": "SEC",
    }
    assert desk.admin.ask("GET", "/v1/connectors") == [added]


def test_an_edit_keeps_the_secrets_that_it_leaves_out(desk: Desk) -> None:
    connector = desk.admin.add_connector()

    edited = edit(desk, connector, project="OPS")

    assert edited["config"]["project"] == "OPS"
    assert config_of(desk, connector)["token"] == SECRET


def test_an_edit_keeps_the_secrets_that_come_back_masked(desk: Desk) -> None:
    connector = desk.admin.add_connector()

    edit(desk, connector, **{**connector["config"], "project": "OPS"})

    assert config_of(desk, connector) == {**CONFIG, "project": "OPS"}


def test_a_secret_that_is_given_replaces_the_one_before(desk: Desk) -> None:
    connector = desk.admin.add_connector()

    edit(desk, connector, token="another")

    assert config_of(desk, connector)["token"] == "another"


def test_a_null_takes_a_field_back_to_its_default(desk: Desk) -> None:
    connector = desk.admin.add_connector(project="OPS", second_token="second")

    edited = edit(desk, connector, project=None, second_token=None)

    assert edited["config"]["project"] == "SEC"
    assert config_of(desk, connector) == CONFIG


def test_a_needed_field_cannot_be_taken_away(desk: Desk) -> None:
    connector = desk.admin.add_connector()

    answer = desk.admin.send(
        "PATCH", f"/v1/connectors/{connector['id']}", json={"config": {"token": None}}
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "config.token"
    assert config_of(desk, connector) == CONFIG


@pytest.mark.parametrize(
    "base_url", ["https://elsewhere.example", "https://acme.example:8443", "https://a.acme.example"]
)
@pytest.mark.parametrize("token", [{}, {"token": MASK}])
def test_an_old_secret_is_not_handed_to_a_new_host(
    desk: Desk, base_url: str, token: dict[str, str]
) -> None:
    connector = desk.admin.add_connector()

    answer = desk.admin.send(
        "PATCH",
        f"/v1/connectors/{connector['id']}",
        json={"config": {"base_url": base_url, **token}},
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "config.token"
    assert config_of(desk, connector) == CONFIG


def test_a_new_host_gets_the_secret_that_is_given_with_it(desk: Desk) -> None:
    connector = desk.admin.add_connector()

    edited = edit(desk, connector, base_url="https://elsewhere.example", token="new")

    assert edited["config"]["base_url"] == "https://elsewhere.example"


def test_every_secret_is_asked_for_when_the_host_changes(desk: Desk) -> None:
    connector = desk.admin.add_connector(second_token="second")

    answer = desk.admin.send(
        "PATCH",
        f"/v1/connectors/{connector['id']}",
        json={"config": {"base_url": "https://elsewhere.example", "token": "new"}},
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "config.second_token"


@pytest.mark.parametrize("secret", [MASK, MASK * 2])
def test_a_new_connector_is_not_made_of_a_mask(desk: Desk, secret: str) -> None:
    body = {"vendor": "acme", "name": "acme", "config": {**CONFIG, "token": secret}}

    answer = desk.admin.send("POST", "/v1/connectors", json=body)

    assert answer.status_code == (400 if secret == MASK else 201), answer.text


def test_a_refused_edit_changes_nothing_at_all(desk: Desk) -> None:
    connector = desk.admin.add_connector()
    body = {"name": "renamed", "enabled": False, "config": {"project": 5}}

    answer = desk.admin.send("PATCH", f"/v1/connectors/{connector['id']}", json=body)

    assert answer.status_code == 400
    assert desk.admin.ask("GET", f"/v1/connectors/{connector['id']}") == connector


def test_the_status_maps_are_kept_as_they_are_given(desk: Desk) -> None:
    statuses = {"outbound": {"contained": "Fixing"}, "inbound": {"Fixing": "contained"}}
    connector = desk.admin.add_connector()

    edited = desk.admin.ask(
        "PATCH", f"/v1/connectors/{connector['id']}", {"statuses": statuses, "name": "renamed"}
    )

    assert edited["statuses"] == statuses
    assert edited["name"] == "renamed"


def test_an_edit_of_the_maps_does_not_forget_whose_account_it_is(desk: Desk) -> None:
    connector = desk.admin.add_connector()
    desk.admin.ask("POST", f"/v1/connectors/{connector['id']}/check")

    edited = desk.admin.ask(
        "PATCH", f"/v1/connectors/{connector['id']}", {"statuses": {"inbound": {"X": "open"}}}
    )

    assert edited["account"] == "Casebridge"


def test_a_check_names_the_account(desk: Desk) -> None:
    connector = desk.admin.add_connector()

    report = desk.admin.ask("POST", f"/v1/connectors/{connector['id']}/check")

    assert [(line["name"], line["ok"]) for line in report["lines"]] == [
        ("account", True),
        ("last delivery", None),
    ]
    read = desk.admin.ask("GET", f"/v1/connectors/{connector['id']}")
    assert read["account"] == "Casebridge"


def test_a_check_tells_when_the_webhook_last_delivered(desk: Desk) -> None:
    connector = desk.admin.add_connector()
    token = desk.admin.mint_token()
    case = desk.admin.create_case()
    desk.link(case)

    def told() -> Any:
        return desk.admin.ask("POST", f"/v1/connectors/{connector['id']}/check")["lines"][-1]

    assert (told()["detail"], bool(told()["cure"])) == ("none yet", True)
    event = {"external_id": case["tickets"][0]["id"], "status": {"name": "Resolved"}}
    assert desk.admin.deliver(token, {"acme": event}).json()["applied"] is True
    assert "UTC, by x-aisoc-signature" in told()["detail"]
    assert not told()["cure"]


def test_a_removed_connector_is_gone_and_its_tickets_stay(desk: Desk) -> None:
    connector = desk.admin.add_connector()
    case = desk.admin.create_case()

    desk.admin.ask("DELETE", f"/v1/connectors/{connector['id']}")

    path = f"/v1/connectors/{connector['id']}"
    assert desk.admin.send("GET", path).status_code == 404
    assert desk.admin.ask("GET", "/v1/connectors") == []
    tickets = desk.admin.ask("GET", f"/v1/cases/{case['id']}")["tickets"]
    assert [ticket["id"] for ticket in tickets] == [case["tickets"][0]["id"]]
    assert desk.admin.create_case()["tickets"] == []


def test_a_restored_connector_picks_up_where_it_left_off(desk: Desk) -> None:
    connector = desk.admin.add_connector()
    desk.admin.ask("DELETE", f"/v1/connectors/{connector['id']}")

    restored = desk.admin.ask("POST", f"/v1/connectors/{connector['id']}/restore")

    assert restored == connector
    assert config_of(desk, connector) == CONFIG
    assert len(desk.admin.create_case()["tickets"]) == 1


def test_removing_twice_finds_nothing_the_second_time(desk: Desk) -> None:
    path = f"/v1/connectors/{desk.admin.add_connector()['id']}"
    desk.admin.ask("DELETE", path)

    assert desk.admin.send("DELETE", path).status_code == 404


def test_a_disabled_connector_gets_no_tickets(desk: Desk) -> None:
    connector = desk.admin.add_connector()

    disabled = desk.admin.ask("PATCH", f"/v1/connectors/{connector['id']}", {"enabled": False})

    assert disabled["state"] == "disabled"
    assert desk.admin.create_case()["tickets"] == []
