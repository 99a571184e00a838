"""`--local`: commands on the database itself, which say what they say of a running service."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import anyio.from_thread
import pytest

from casebridge.asgi import create_app
from casebridge.cli.calling import KEY_VARIABLE, URL_VARIABLE
from casebridge.settings import Settings
from casebridge_sandbox import RunningSandbox
from tests.letters import Mailbox, jira_moved
from tests.shell import Shell, shell_of
from tests.stage import Service

Vendor = RunningSandbox[Any]


@pytest.fixture
def tenant(service: Service) -> str:
    query = "SELECT t.name FROM tenants t ORDER BY t.id DESC LIMIT 1"
    return str(service.rows(query)[0][0])


@pytest.fixture
def here(service: Service) -> Shell:
    """A terminal of whoever may read the service's files; no service and no key is known."""
    return Shell(
        {
            "CASEBRIDGE_DATA_DIR": str(service.data_dir),
            "CASEBRIDGE_PUBLIC_URL": service.url,
            URL_VARIABLE: "http://127.0.0.1:9",
            KEY_VARIABLE: "",
        }
    )


def test_a_command_says_the_same_of_the_database_as_of_the_service(
    service: Service, jira: Vendor, here: Shell, tenant: str
) -> None:
    connector = service.add_jira(jira)
    case = service.api.create_case("Beacon from web-01")
    ticket = service.api.linked(case)["jira"]
    mailbox = Mailbox.mint(service)
    mailbox.deliver(jira_moved(ticket["external_id"], "Limbo"))
    over_there = shell_of(service)
    local = ("--local", "--tenant", tenant)

    for words in (
        ("backfill", "plan", "jira", "--json"),
        ("case", "show", case),
        ("case", "timeline", case, "--json"),
        ("connector", "show", connector),
        ("event", "list", "--connector", "jira", "--json"),
        ("token", "guide", mailbox.token_id, "jira"),
    ):
        assert here.says(*words, *local) == over_there.says(*words)
    wrong = ("case", "show", "case_x")
    assert here.fails(*wrong, *local) == over_there.fails(*wrong)


def test_what_is_done_locally_is_the_operators_and_the_service_goes_on_from_there(
    service: Service, jira: Vendor, here: Shell, tenant: str
) -> None:
    service.add_jira(jira)
    local = ("--local", "--tenant", tenant)

    case = here.json("case", "create", "Beacon", *local)["id"]

    assert service.api.linked(case)["jira"]["key"]
    labels = {row["actor_label"] for row in service.api.timeline(case)}
    assert f"api ({getpass.getuser()}, locally)" in labels


def test_the_operators_key_is_good_in_that_process_only(service: Service) -> None:
    app = create_app(Settings(data_dir=service.data_dir), converging=False)
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.lifespan()),
    ):
        key = portal.call(app.state.bridge.tenants.vouch, "default", "somebody")
        answer = service.api.http.get("/v1/cases", headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == 401
    assert service.rows("SELECT 1 FROM api_keys WHERE name = 'somebody'") == []


def test_a_tenant_that_is_not_there_is_told(here: Shell) -> None:
    refused = here.fails("case", "list", "--local", "--tenant", "nobody")

    assert "there is no tenant 'nobody'" in refused


def test_options_of_the_other_way_are_called_wrong(here: Shell, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("cbk_x")

    assert "--local" in here.fails("case", "list", "--tenant", "default", code=2)
    assert "--key-file" in here.fails("case", "list", "--local", "--key-file", str(file), code=2)


def test_no_database_and_no_key_is_made_where_there_is_none(tmp_path: Path, here: Shell) -> None:
    elsewhere = {"CASEBRIDGE_DATA_DIR": str(tmp_path / "nowhere")}

    refused = here.fails("case", "list", "--local", environment=elsewhere)

    assert "there is no database" in refused
    assert not (tmp_path / "nowhere").exists()


def test_a_wrong_setting_is_told(here: Shell) -> None:
    wrong = {"CASEBRIDGE_WORKERS": "many"}

    assert "CASEBRIDGE_WORKERS" in here.fails("case", "list", "--local", environment=wrong)
