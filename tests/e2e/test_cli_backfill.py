"""The commands for backfills, against a running service and on a real terminal."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
from contextlib import suppress
from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from tests.shell import PROGRAM, Shell, shell_of
from tests.stage import Service

Vendor = RunningSandbox[Any]


@pytest.fixture
def shell(service: Service) -> Shell:
    return shell_of(service)


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
        words,
        env={**os.environ, **shell.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert "Ctrl-C only ends it" in process.stderr.readline()

        process.send_signal(signal.SIGINT)

        output, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    (command,) = re.findall(r"casebridge (backfill show bkf_\w+ --follow)", output)
    jira.control.disarm()
    shell.says(*command.split())
    assert len(jira.control.tickets()) == len(waiting)
