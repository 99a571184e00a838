"""Every command that talks to a running service, against a real one."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from casebridge.cli import calling, main
from casebridge.cli.calling import KEY_VARIABLE, URL_VARIABLE
from casebridge_sandbox import RunningSandbox
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]
Environment = Mapping[str, str | None]
PROGRAM = (sys.executable, "-c", "from casebridge.cli import main; main()")


@dataclass(frozen=True, slots=True)
class Shell:
    """A terminal in which commands find the service and act for one tenant."""

    environment: dict[str, str]

    def run(self, *words: str, environment: Environment = MappingProxyType({})) -> Result:
        given = {**self.environment, "CASEBRIDGE_DATA_DIR": None, **environment}
        return CliRunner().invoke(main, words, env=given)

    def says(self, *words: str) -> str:
        """Run a command that must succeed; return what it prints."""
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.output

    def json(self, *words: str) -> Any:
        """Run a command that must succeed; return its JSON."""
        return json.loads(self.says(*words, "--json"))

    def fails(
        self, *words: str, code: int = 1, environment: Environment = MappingProxyType({})
    ) -> str:
        """Run a command that must fail; return its one sentence."""
        result = self.run(*words, environment=environment)
        assert result.exit_code == code, result.output
        sentence = result.stderr.splitlines()[-1]
        assert sentence.startswith("Error: "), result.output
        return sentence


@pytest.fixture
def shell(service: Service) -> Shell:
    key = service.api.http.headers["Authorization"].removeprefix("Bearer ")
    return Shell({URL_VARIABLE: service.url, KEY_VARIABLE: key})


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


# Backfills


@pytest.fixture
def waiting(service: Service, jira: Vendor) -> list[str]:
    """Cases that were there before their connector, and the flag that lets them in."""
    cases = [service.api.create_case(f"Case {number}") for number in range(4)]
    service.add_jira(jira)
    return cases


def test_a_backfill_is_planned_in_words(shell: Shell, waiting: list[str]) -> None:
    found, printed = shell.json("backfill", "plan", "jira"), shell.says("backfill", "plan", "jira")

    assert found["tickets"] == 4
    assert "would mint 4 tickets at jira" in printed
    assert "calls to create a ticket" in printed


def test_a_plan_with_an_obstacle_fails_and_names_it(shell: Shell, waiting: list[str]) -> None:
    shell.says("connector", "pause", "jira", "--reason", "change freeze")

    assert "change freeze" in shell.fails("backfill", "plan", "jira")


def test_a_backfill_without_the_flag_fails_with_the_command_that_helps(
    shell: Shell, waiting: list[str]
) -> None:
    refused = shell.fails("backfill", "run", "jira")

    (command,) = re.findall(r"`casebridge (flag [^`]+)`", refused)
    shell.says(*command.split())
    assert shell.json("backfill", "run", "jira")["state"] == "done"


def test_a_backfill_is_followed_to_its_end(
    shell: Shell, service: Service, waiting: list[str]
) -> None:
    shell.says("flag", "set", "backfill", "on")

    printed = shell.says("backfill", "run", "jira", "--first", "1", "--most", "2")

    assert re.search(r"state +done", printed)
    assert re.search(r"minted +4", printed)
    assert [len(service.api.case(case)["tickets"]) for case in waiting] == [1] * 4
    assert re.search(r"bkf_\w+ +jira +done +100", shell.says("backfill", "list"))


def test_a_backfill_that_leaves_dead_letters_is_a_failure(
    shell: Shell, jira: Vendor, waiting: list[str]
) -> None:
    shell.says("flag", "set", "backfill", "on")
    jira.control.arm("status", "create", status=400, body={"errorMessages": ["no"], "errors": {}})

    assert "1 tickets are dead letters" in shell.fails("backfill", "run", "jira")


def test_a_backfill_is_planned_in_resumed_paused_and_cancelled(
    shell: Shell, jira: Vendor, waiting: list[str]
) -> None:
    shell.says("flag", "set", "backfill", "on")
    jira.control.arm("status", "create", status=503, count=None)

    planned = shell.json("backfill", "run", "jira", "--later")
    verbs = ("resume", "pause", "resume", "cancel")
    states = [shell.json("backfill", verb, planned["id"])["state"] for verb in verbs]

    assert planned["state"] == "planned"
    assert states == ["running", "paused", "running", "cancelled"]
    assert "is cancelled" in shell.fails("backfill", "show", planned["id"], "--follow")
    assert "cancelled by" in shell.says("backfill", "show", planned["id"])
    assert "cancelled already" in shell.fails("backfill", "cancel", planned["id"])
    jira.control.disarm()


def on_a_terminal(shell: Shell, *words: str) -> tuple[int, str]:
    """Run a command on a terminal; return its exit code and everything that was drawn."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, **shell.environment, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen((*PROGRAM, *words), env=environment, stdout=theirs) as process:  # noqa: S603 - our own command
        os.close(theirs)
        drawn = b""
        with suppress(OSError):  # what reading says when the other end is closed
            while piece := os.read(ours, 65536):
                drawn += piece
        os.close(ours)
    return process.returncode, drawn.decode()


def test_a_backfill_draws_its_progress_on_a_terminal(shell: Shell, waiting: list[str]) -> None:
    shell.says("flag", "set", "backfill", "on")

    code, drawn = on_a_terminal(shell, "backfill", "run", "jira")

    assert code == 0
    assert "under way" in drawn
    assert "4/4" in drawn


def test_ctrl_c_leaves_a_backfill_running(
    shell: Shell, service: Service, jira: Vendor, waiting: list[str]
) -> None:
    shell.says("flag", "set", "backfill", "on")
    jira.control.arm("delay", "create", seconds=1.0, count=None)
    words = (*PROGRAM, "backfill", "run", "jira", "--first", "1")
    with subprocess.Popen(  # noqa: S603 - our own command
        words, env={**os.environ, **shell.environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        eventually(lambda: service.api.get("/v1/backfills"))

        process.send_signal(signal.SIGINT)

        output, _ = process.communicate(timeout=20)

    assert process.returncode == 130
    (command,) = re.findall(r"casebridge (backfill show bkf_\w+ --follow)", output)
    jira.control.disarm()
    shell.says(*command.split())
    assert len(jira.control.tickets()) == len(waiting)


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


def test_a_guide_tells_what_to_paste(shell: Shell, connector: str) -> None:
    token = shell.json("token", "mint", "hooks")["id"]

    printed = shell.says("token", "guide", token, "jira")

    assert token in printed
    assert shell.json("token", "guide", token, connector)["guide"] in printed


def test_a_flag_is_listed_and_set(shell: Shell) -> None:
    assert shell.json("flag", "list")[0]["enabled"] is False
    assert shell.says("flag", "set", "backfill", "on") == "backfill is on\n"
    assert re.search(r"backfill +yes", shell.says("flag", "list"))
    assert shell.json("flag", "set", "backfill", "off")["enabled"] is False
    assert "allowed" in shell.fails("flag", "set", "nonsense", "on")


# What goes wrong


def test_a_problem_is_told_in_the_services_own_words(shell: Shell) -> None:
    assert shell.fails("case", "show", "case_x") == "Error: case_id: there is no case 'case_x'"


def test_a_name_that_no_connector_has_is_told_with_the_cure(shell: Shell) -> None:
    assert "casebridge connector list" in shell.fails("connector", "show", "nobody")


def test_where_nothing_answers_the_cure_is_named(shell: Shell) -> None:
    refused = shell.fails("case", "list", "--url", "http://127.0.0.1:9")

    assert "casebridge serve" in refused
    assert URL_VARIABLE in refused


def test_what_is_no_casebridge_is_recognised(shell: Shell, jira: Vendor) -> None:
    assert "is that Casebridge?" in shell.fails("case", "list", "--url", f"{jira.url}/_sandbox")


def test_an_address_that_is_none_is_called_wrong(shell: Shell) -> None:
    assert "http://" in shell.fails("case", "list", "--url", "localhost", code=2)


def test_a_key_that_nobody_has_is_told_with_where_it_came_from(shell: Shell) -> None:
    refused = shell.fails("case", "list", environment={KEY_VARIABLE: "cbk_nobody"})

    assert KEY_VARIABLE in refused
    assert "cbk_nobody" not in refused


def test_without_any_key_the_cure_is_named(shell: Shell, tmp_path: Path) -> None:
    refused = shell.fails(
        "case", "list", environment={KEY_VARIABLE: None, "CASEBRIDGE_DATA_DIR": str(tmp_path)}
    )

    assert "--key-file" in refused
    assert KEY_VARIABLE in refused


def test_a_file_without_a_key_is_told(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("two\nlines")

    assert "holds no API key" in shell.fails("case", "list", "--key-file", str(file))
    shell.fails("case", "list", "--key-file", str(tmp_path / "nowhere"), code=2)


def test_the_key_is_found_in_a_file_and_in_the_data_folder(
    shell: Shell, service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(shell.environment[KEY_VARIABLE] + "\n")
    found: Environment = {KEY_VARIABLE: "cbk_nobody"}

    by_file = shell.run("flag", "list", "--key-file", str(file), environment=found)
    by_folder = shell.run(
        "flag",
        "list",
        environment={KEY_VARIABLE: None, "CASEBRIDGE_DATA_DIR": str(service.data_dir)},
    )

    assert (by_file.exit_code, by_folder.exit_code) == (0, 0)


# All of them


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


CALLING = {
    name: command
    for name, command in commands(main)
    if any(option.name == "url" for option in command.params)
}


def test_every_command_that_the_issue_names_is_there() -> None:
    assert {name.split()[0] for name in CALLING} == {
        "backfill",
        "case",
        "connector",
        "flag",
        "force-sync",
        "push",
        "replay",
        "resync",
        "token",
    }


@pytest.mark.parametrize("name", CALLING)
def test_every_command_offers_json_and_tells_its_exit_codes(name: str) -> None:
    result = CliRunner().invoke(main, [*name.split(), "--help"])

    assert result.exit_code == 0
    assert "--json" in result.output
    assert "Exit codes: 0 done, 1 failed, 2 called wrongly." in " ".join(result.output.split())


def test_help_loads_neither_the_service_nor_what_commands_print_with() -> None:
    script = (
        "import sys\nfrom casebridge.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'litestar', 'sqlalchemy', 'httpx', 'rich', 'msgspec', 'casebridge_core'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )

    result = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert result.stderr == ""
    assert result.returncode == 0
