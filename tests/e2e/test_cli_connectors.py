"""`casebridge connector add` and `connector map`, against a running service."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import termios
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from casebridge.cli import main
from casebridge_sandbox import RunningSandbox
from tests.shell import PROGRAM, Shell, shell_of
from tests.stage import Service

Vendor = RunningSandbox[Any]
TOKEN = "jira-sandbox-token"


@pytest.fixture
def shell(service: Service) -> Shell:
    return shell_of(service)


@pytest.fixture
def plain(jira: Vendor) -> tuple[str, ...]:
    fields = {"base_url": jira.url, "email": "bridge@example.com", "project": "SEC"}
    return tuple(word for name, value in fields.items() for word in ("--set", f"{name}={value}"))


def test_a_connector_is_added_from_a_file_and_works(
    shell: Shell, jira: Vendor, tmp_path: Path
) -> None:
    file = tmp_path / "jira.json"
    config = {"base_url": jira.url, "email": "bridge@example.com", "project": "SEC"}
    file.write_text(json.dumps({**config, "api_token": TOKEN, "labels": ["soc"]}))

    made = shell.json("connector", "add", "jira", "desk", "--config", str(file))

    assert made["config"]["labels"] == ["soc"]
    assert made["config"]["api_token"] == "********"
    shell.says("connector", "check", made["id"])


def test_options_go_before_the_file_and_secrets_come_from_files_and_variables(
    shell: Shell, plain: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, file = tmp_path / "secret", tmp_path / "jira.json"
    secret.write_text(TOKEN + "\n")
    file.write_text('{"project": "OPS", "api_token": "wrong"}')
    monkeypatch.setenv("JIRA_TOKEN", TOKEN)
    words = ["--in-flight", "2", "--calls-per-minute", "60", "--set", "category_fallback=no"]
    words += ["--set", "labels=a", "--set", "labels=b", "--disabled"]

    first = shell.json(
        "connector", "add", "jira", "one", *plain, *words, "--secret-file", f"api_token={secret}"
    )
    printed = shell.says(
        *("connector", "add", "jira", "two", *plain),
        *("--config", str(file), "--secret-env", "api_token=JIRA_TOKEN"),
    )

    assert first["config"]["labels"] == ["a", "b"]
    assert first["config"]["category_fallback"] is False
    assert first["limits"] == {"calls_per_minute": 60, "in_flight": 2}
    assert first["state"] == "disabled"
    assert TOKEN not in printed
    (command,) = (line.partition("casebridge ")[2] for line in printed.splitlines())
    shell.says(*command.split())


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--set", "api_token=swordfish"), 2, "api_token is a secret"),
        (("--set", "nonsense=1"), 2, "config.nonsense is not a field"),
        (("--set", "project"), 2, "NAME=VALUE"),
        (("--set", "category_fallback=perhaps"), 2, "config.category_fallback: must be true"),
        (("--set", "fields={"), 2, "config.fields: this is not JSON"),
        (("--secret-file", "api_token=/nowhere"), 1, "config.api_token: the file '/nowhere'"),
        (("--secret-env", "api_token=NOBODY"), 1, "the variable NOBODY is not set"),
        (("--set", "deployment=mainframe"), 1, "config.deployment"),
        (("--set", "base_url=ftp://jira"), 1, "config.base_url"),
    ],
)
def test_what_is_wrong_is_told_with_the_path_of_its_field(
    shell: Shell, plain: tuple[str, ...], words: tuple[str, ...], code: int, sentence: str
) -> None:
    refused = shell.fails("connector", "add", "jira", "x", *plain, *words, code=code)

    assert sentence in refused
    assert "swordfish" not in refused
    assert shell.json("connector", "list") == []


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\0\xff", b'"' + b"[" * 100_000])
def test_a_file_that_is_no_configuration_is_told_and_not_quoted(
    shell: Shell, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(content)

    assert "JSON" in shell.fails("connector", "add", "jira", "x", "--config", str(file))


def test_a_vendor_without_a_plugin_and_a_missing_field_are_told(shell: Shell) -> None:
    assert "installed: jira" in shell.fails("connector", "add", "lotus", "x")
    assert "config.base_url" in shell.fails("connector", "add", "jira", "x", "--set", "project=A")


def test_at_a_terminal_everything_is_asked_and_secrets_are_not_echoed(
    shell: Shell, jira: Vendor
) -> None:
    answers = {
        "Address": jira.url,
        "Project key": "SEC",
        "E-mail": "bridge@example.com",
        "API token": TOKEN,
        "Go by category": "no",
    }
    ours, theirs = pty.openpty()
    words = (*PROGRAM, "connector", "add", "jira", "desk", "--json")
    with subprocess.Popen(  # noqa: S603 - our own command
        words,
        env={**os.environ, **shell.environment, "TERM": "dumb"},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        echoes = termios.tcgetattr(theirs)[3] & termios.ECHO
        os.close(theirs)
        drawn = b""
        with suppress(OSError):  # what reading says when the other end is closed
            while piece := os.read(ours, 65536):
                drawn += piece
                if drawn.endswith(b": "):
                    question = drawn.decode().splitlines()[-1]
                    label = question.partition(" (")[0].partition(" [")[0].rstrip(": ")
                    os.write(ours, answers.get(label, "").encode() + b"\n")
        assert process.stdout is not None
        made = json.loads(process.stdout.read())
    os.close(ours)

    assert process.returncode == 0
    assert echoes
    assert b"SEC" in drawn
    assert TOKEN.encode() not in drawn
    assert made["config"]["category_fallback"] is False
    shell.says("connector", "check", "desk")


def test_maps_are_shown_and_edited_in_both_directions(
    shell: Shell, service: Service, jira: Vendor
) -> None:
    service.add_jira(jira)

    edited = shell.json(
        *("connector", "map", "jira", "--out", "contained=Blocked"),
        *("--in", "A = B=triage", "--in", "in review=contained"),
    )
    printed = shell.says("connector", "map", "jira", "--drop-in", "In Review")

    trips = {trip["status"]: trip for trip in edited["trips"]}
    assert (trips["contained"]["native"], trips["contained"]["own"]) == ("Blocked", "Blocked")
    own = {each["native"]["name"]: each["own"] for each in edited["meanings"]}
    assert (own["A = B"], own["In Review"]) == ("triage", "contained")
    assert "A = B" in printed
    (card,) = service.api.get("/v1/connectors")
    assert card["statuses"] == {
        "outbound": {"contained": "Blocked"},
        "inbound": {"A = B": "triage"},
    }
    shell.says("connector", "map", "jira", "--drop-out", "contained", "--drop-in", "a = b")
    assert service.api.get("/v1/connectors")[0]["statuses"] == {"outbound": {}, "inbound": {}}


@pytest.mark.parametrize(
    "words", [("--out", "limbo=Done"), ("--in", "Done=limbo"), ("--in", "Done"), ("--out", "=x")]
)
def test_an_entry_that_is_none_is_called_wrong(
    shell: Shell, service: Service, jira: Vendor, words: tuple[str, ...]
) -> None:
    service.add_jira(jira)

    shell.fails("connector", "map", "jira", *words, code=2)


def test_names_of_connectors_are_completed(shell: Shell, service: Service, jira: Vendor) -> None:
    service.add_jira(jira)

    def completed(line: str, **environment: str) -> list[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
        how = {"_CASEBRIDGE_COMPLETE": "bash_complete", **words, **environment}
        environ = {**shell.environment, **how}
        result = CliRunner().invoke(main, [], env=environ, prog_name="casebridge")
        return [word.partition(",")[2] for word in result.stdout.split()]

    assert completed("casebridge connector show ji") == ["jira"]
    assert completed("casebridge token mint x --connector ji") == ["jira"]
    assert completed("casebridge connector show ji", CASEBRIDGE_API_KEY="cbk_nobody") == []
    assert "doctor" in completed("casebridge do")
