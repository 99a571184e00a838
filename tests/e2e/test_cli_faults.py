"""What commands say when something is wrong, and what holds for all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import click
import pytest
from click.testing import CliRunner

from casebridge.cli import main
from casebridge.cli.calling import EXIT_CODES, KEY_VARIABLE, URL_VARIABLE
from casebridge_sandbox import RunningSandbox
from tests.shell import PROGRAM, Environment, Shell, shell_of
from tests.stage import Service

Vendor = RunningSandbox[Any]


@pytest.fixture
def shell(service: Service) -> Shell:
    return shell_of(service)


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


def test_what_answers_in_json_of_another_shape_is_recognised(shell: Shell) -> None:
    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            assert "is that Casebridge" in shell.fails("case", "list", "--url", url)
            assert "is that Casebridge" in shell.fails("case", "show", "case_x", "--url", url)
        finally:
            server.shutdown()
            serving.join()


@pytest.mark.parametrize("wrong", ["../flags", "x?limit=1", "a b", "", "%2e", "caf\xe9"])
def test_an_id_that_is_none_leads_nowhere_else(shell: Shell, wrong: str) -> None:
    assert "that is no id" in shell.fails("case", "show", wrong)


def test_a_reader_that_goes_away_ends_a_command_without_a_word(shell: Shell) -> None:
    ours, theirs = os.pipe()
    os.close(ours)

    ended = subprocess.run(  # noqa: S603 - our own command
        [*PROGRAM, "plugins", "--json"],
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
    )
    os.close(theirs)

    assert (ended.returncode, ended.stderr) == (1, "")


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


def test_every_command_that_calls_a_service_is_tried_here() -> None:
    assert {name.split()[0] for name in CALLING} == {
        "backfill",
        "case",
        "connector",
        "event",
        "flag",
        "force-sync",
        "push",
        "reconcile",
        "replay",
        "resync",
        "token",
        "unmapped",
    }


STAYING = {"completion", "demo", "serve", "worker"}
"""Commands that run until they are ended, or print what a shell reads."""


@pytest.mark.parametrize("name", [name for name, _ in commands(main)])
def test_every_command_offers_json_and_tells_its_exit_codes(name: str) -> None:
    result = CliRunner().invoke(main, [*name.split(), "--help"])

    assert result.exit_code == 0
    assert ("--json" in result.output) is (name not in STAYING)
    assert EXIT_CODES in " ".join(result.output.split())


def test_help_loads_neither_the_service_nor_what_commands_print_with() -> None:
    script = (
        "import sys\nfrom casebridge.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'litestar', 'sqlalchemy', 'httpx', 'rich', 'msgspec', 'asyncio'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )

    result = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert result.stderr == ""
    assert result.returncode == 0
