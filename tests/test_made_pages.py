"""The pages that are made from the code, against the code."""

from __future__ import annotations

from casebridge.cli.calling import KEY_VARIABLE, URL_VARIABLE
from casebridge.settings import OF_THE_COMMAND_LINE, Settings
from casebridge_core import Capability
from tests.reference import CAPABILITIES, PAGE, capabilities, rewritten


def test_the_reference_is_what_the_commands_say() -> None:
    page = PAGE.read_text()

    assert page == rewritten(page), "run: python -m tests.reference"


def test_the_matrix_is_what_the_plugins_claim() -> None:
    page = CAPABILITIES.read_text()

    assert page == capabilities(page), "run: python -m tests.reference"
    assert [name for name in Capability if page.count(f"| `{name}` |") != 2] == []


def test_the_variables_of_the_command_line_keep_no_service_from_starting() -> None:
    environment = dict.fromkeys(OF_THE_COMMAND_LINE, "https://casebridge.example.com")

    assert set(environment) == {URL_VARIABLE, KEY_VARIABLE}
    assert Settings.from_env(environment) == Settings()
