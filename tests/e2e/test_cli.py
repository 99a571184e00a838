"""The commands for connectors, cases, tickets, tokens and flags, against a running service."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from casebridge.cli import calling
from casebridge_sandbox import RunningSandbox
from tests.shell import Shell, shell_of
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]


@pytest.fixture
def shell(service: Service) -> Shell:
    return shell_of(service)


@pytest.fixture
def connector(service: Service, jira: Vendor) -> str:
    return service.add_jira(jira)


def linked(service: Service, **fields: object) -> tuple[str, Any]:
    """Create a case and wait for its ticket at Jira."""
    case = service.api.create_case("Beacon from web-01", **fields)
    return case, service.api.linked(case)["jira"]


# Connectors


def test_connectors_are_listed_with_their_state(shell: Shell, connector: str) -> None:
    assert shell.json("connector", "list")[0]["id"] == connector
    assert re.search(rf"{connector} +jira +jira +active", shell.says("connector", "list"))


def test_without_a_connector_the_list_says_so(shell: Shell) -> None:
    assert "no connector yet" in shell.says("connector", "list")
    assert shell.json("connector", "list") == []


def test_a_connector_is_shown_with_its_failures_and_without_its_secrets(
    shell: Shell, service: Service, jira: Vendor, connector: str
) -> None:
    refusal = {"errorMessages": [], "errors": {"summary": "is not allowed"}}
    jira.control.arm("status", "create", status=400, body=refusal)
    case = service.api.create_case()
    ticket = service.api.ticket_in(case, "jira", "dead")

    shown, printed = (
        shell.json("connector", "show", connector),
        shell.says("connector", "show", "jira"),
    )

    assert [failing["id"] for failing in shown["failures"]] == [ticket["id"]]
    for words in (ticket["id"], "InvalidRequest", "is not allowed", "********"):
        assert words in printed
    assert "jira-sandbox-token" not in printed


def test_a_check_prints_its_report_and_fails_with_the_cure(
    shell: Shell, jira: Vendor, connector: str
) -> None:
    assert all(
        line["ok"] is not False for line in shell.json("connector", "check", connector)["lines"]
    )
    assert re.search(r"ok +account +", shell.says("connector", "check", connector))
    jira.control.change_scenario(api_token="renewed")

    result = shell.run("connector", "check", connector)

    assert result.exit_code == 1
    assert "FAILED" in result.stdout
    assert "checks failed" in result.stderr
    jira.control.change_scenario(api_token="jira-sandbox-token")


def test_a_connector_is_paused_with_a_reason_and_resumed(shell: Shell, connector: str) -> None:
    paused = shell.json("connector", "pause", connector, "--reason", "change freeze")
    shown = shell.says("connector", "show", connector)
    resumed = shell.says("connector", "resume", connector)

    assert paused["state"] == "paused"
    assert "change freeze" in shown
    assert "jira is active" in resumed
    assert "--reason" in shell.fails("connector", "pause", connector, code=2)


def test_a_run_of_the_reconciler_is_asked_for_and_waited_for(shell: Shell, connector: str) -> None:
    (asked,) = shell.json("reconcile")
    printed = shell.says("reconcile", "jira", "--wait", "30")

    assert (asked["id"], asked["error"]) == (connector, None)
    assert re.search(r"jira +waiting +20\d\d-\d\d-\d\d [0-9:]+ UTC +\d+ s", printed)
    assert "state waiting" in shell.says("connector", "show", connector)


def test_a_run_of_the_reconciler_that_fails_is_exit_code_1(
    shell: Shell, service: Service, jira: Vendor, connector: str
) -> None:
    linked(service)
    jira.control.arm("status", "search", status=503)

    result = shell.run("reconcile", connector, "--wait", "30")

    assert result.exit_code == 1
    assert "503" in result.stdout
    assert "jira: failed or not done within 30 s" in result.stderr


def test_a_paused_connector_is_not_reconciled(shell: Shell, connector: str) -> None:
    shell.says("connector", "pause", connector, "--reason", "change freeze")

    assert "change freeze" in shell.fails("reconcile", connector)
    assert "no connector that could be asked" in shell.says("reconcile")


# Cases


def test_a_case_is_created_from_options(shell: Shell) -> None:
    words = ["--summary", "It beacons.", "--severity", "high", "--status", "triage"]
    words += ["--entity", "host=web-01", "--entity", "ip=203.0.113.9", "--rule", "Beaconing"]
    words += ["--raw-event", "evt-1", "--agent-summary", "Isolate it."]
    words += ["--deep-link", "https://soc.example/1"]

    made = shell.json("case", "create", "Beacon", *words)

    read = shell.json("case", "show", made["id"])
    assert (read["title"], read["severity"], read["status"]) == ("Beacon", "high", "triage")
    assert [entity["value"] for entity in read["entities"]] == ["web-01", "203.0.113.9"]
    assert (read["detection_rules"], read["raw_events"]) == (["Beaconing"], ["evt-1"])
    assert (read["agent_summary"], read["deep_link"]) == ("Isolate it.", "https://soc.example/1")


def test_an_entity_without_a_kind_is_called_wrong(shell: Shell) -> None:
    assert "KIND=VALUE" in shell.fails("case", "create", "x", "--entity", "web-01", code=2)


def test_a_case_is_shown_with_its_tickets_actions_and_entities(
    shell: Shell, service: Service, connector: str
) -> None:
    case, ticket = linked(service, entities=[{"kind": "host", "value": "web-01"}])
    action = {"action": "Isolate host", "target": "web-01", "outcome": "isolated"}
    service.api.post(f"/v1/cases/{case}/containment-actions", action)

    printed = shell.says("case", "show", case)

    for words in (case, ticket["id"], ticket["key"], "host web-01", "Isolate host", "isolated"):
        assert words in printed


def test_a_status_changes_unless_the_case_moved_meanwhile(shell: Shell) -> None:
    case = shell.json("case", "create", "Beacon")["id"]

    moved = shell.says("case", "status", case, "contained", "--reason", "isolated")

    assert f"{case} is contained (version 2)" in moved
    late = shell.fails("case", "status", case, "closed", "--expected-version", "1")
    assert "version 2" in late
    shell.fails("case", "status", case, "nonsense", code=2)


def test_cases_are_listed_and_filtered_over_pages(
    shell: Shell, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "_LONGEST_PAGE", 2)
    made = [service.api.create_case(f"Case {number}") for number in range(6)]
    service.api.move(made[0], "closed")

    assert [row["id"] for row in shell.json("case", "list")] == made[::-1]
    assert [row["id"] for row in shell.json("case", "list", "--limit", "5")] == made[:0:-1]
    assert [row["id"] for row in shell.json("case", "list", "--status", "closed")] == made[:1]
    assert "no such case" in shell.says("case", "list", "--assignee", "nobody")


def test_a_timeline_is_read_and_filtered(shell: Shell, service: Service, connector: str) -> None:
    case, ticket = linked(service)

    rows = shell.json("case", "timeline", case, "--actor", "itsm-webhook (jira)")

    assert f"minted {ticket['key']}" in {row["text"] for row in rows}
    assert {row["actor_label"] for row in rows} == {"itsm-webhook (jira)"}
    assert "case created" in shell.says("case", "timeline", case, "--limit", "1")


# Tickets


@pytest.mark.parametrize("what", ["ticket", "case", "connector", "all"])
def test_a_resync_reads_the_ticket_again(
    shell: Shell, service: Service, jira: Vendor, connector: str, what: str
) -> None:
    case, ticket = linked(service)
    before = len(jira.control.requests("fetch"))
    words = {"ticket": [ticket["id"]], "case": [case], "connector": ["jira"], "all": []}

    answer = shell.json("resync", what, *words[what])

    eventually(lambda: len(jira.control.requests("fetch")) > before)
    assert answer.get("tickets") == 1 or ticket["id"] in json.dumps(answer)
    assert shell.says("resync", what, *words[what])


@pytest.mark.parametrize("what", ["ticket", "connector"])
def test_a_dead_letter_is_replayed(
    shell: Shell, service: Service, jira: Vendor, connector: str, what: str
) -> None:
    jira.control.arm("status", "create", status=400, body={"errorMessages": ["no"], "errors": {}})
    case = service.api.create_case()
    ticket = service.api.ticket_in(case, "jira", "dead")["id"]

    shell.json("replay", what, {"ticket": ticket, "connector": "jira"}[what])

    service.api.linked(case)
    assert "not a dead letter" in shell.fails("replay", "ticket", ticket)
    assert shell.says("replay", "connector", connector) == "0 tickets will be looked at\n"


def test_a_ticket_is_forced_with_a_reason_that_stays(
    shell: Shell, service: Service, connector: str
) -> None:
    case, ticket = linked(service)

    shell.json("force-sync", ticket["id"], "--reason", "the change board agreed")

    assert "the change board agreed" in shell.says("case", "timeline", case)
    assert "--reason" in shell.fails("force-sync", ticket["id"], code=2)


def test_a_case_is_pushed_and_waited_for(shell: Shell, service: Service, jira: Vendor) -> None:
    case = service.api.create_case()
    service.add_jira(jira)

    ticket = shell.json("push", case, "jira", "--wait", "20")

    assert (ticket["state"], ticket["key"]) == ("linked", "SEC-1")
    assert "SEC-1" in shell.says("push", case, "jira", "--status-only", "--wait", "20")


def test_a_push_whose_ticket_is_stuck_fails(
    shell: Shell, service: Service, jira: Vendor, connector: str
) -> None:
    jira.control.arm("status", "create", status=503, count=None)
    case = service.api.create_case()

    result = shell.run("push", case, connector, "--wait", "10")

    assert result.exit_code == 1
    assert "503" in result.stdout
    assert "the ticket is failing" in result.stderr
    jira.control.disarm()


# Tokens and flags


def test_a_token_is_minted_listed_rotated_and_revoked(shell: Shell, connector: str) -> None:
    minted = shell.json("token", "mint", "hooks", "--connector", "jira")
    printed = shell.says("token", "mint", "others")
    rotated = shell.json("token", "rotate", minted["id"], "--overlap-hours", "1")

    assert "not shown again" in printed
    assert rotated["secret"] != minted["secret"]
    assert {row["name"] for row in shell.json("token", "list")} >= {"hooks", "others"}
    assert minted["secret"] not in shell.says("token", "list")
    assert f"{minted['id']} is revoked" in shell.says("token", "revoke", minted["id"])
    assert "revoked" in shell.fails("token", "rotate", minted["id"])


def test_a_weaker_token_is_called_that_when_it_is_minted_and_listed(shell: Shell) -> None:
    printed = shell.says(
        "token", "mint", "old", "--scheme", "static_url", "--expires", "2999-12-31"
    )

    assert "static_url (weaker)" in printed
    assert "weakest scheme" in printed
    assert "2999-12-31 00:00:00 UTC" in printed
    assert "static_url (weaker)" in shell.says("token", "list")
    strict = shell.says("token", "mint", "strict", "--require-timestamp")
    assert "signature over a timestamp" in strict
    assert "Jira sends none with x-hub-signature" in strict
    assert "expires_at" in shell.fails("token", "mint", "late", "--expires", "2020-01-01")


def test_a_guide_tells_what_to_paste(shell: Shell, connector: str) -> None:
    token = shell.json("token", "mint", "hooks")["id"]

    printed = shell.says("token", "guide", token, "jira")

    assert token in printed
    assert shell.json("token", "guide", token, connector)["guide"] in printed


def test_a_flag_is_listed_and_set(shell: Shell) -> None:
    flags = {each["name"]: each["enabled"] for each in shell.json("flag", "list")}
    assert (flags["backfill"], flags["bridge"]) == (False, True)
    assert shell.says("flag", "set", "backfill", "on") == "backfill is on\n"
    assert re.search(r"backfill +yes", shell.says("flag", "list"))
    assert shell.json("flag", "set", "backfill", "off")["enabled"] is False
    assert "known: bridge" in shell.fails("flag", "set", "nonsense", "on")
