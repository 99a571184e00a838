"""`casebridge demo` as somebody at a terminal meets it."""

from __future__ import annotations

import re
import webbrowser

import pytest
from click.testing import CliRunner

from casebridge.cli import main
from casebridge.demo import running
from casebridge.demo.calling import HumanPace


def test_it_begins_with_a_link_tells_the_story_and_ends_cleanly_with_ctrl_c(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(HumanPace, "rest", interrupted)
    monkeypatch.setattr(running, "_has_a_desktop", lambda: True)
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)

    result = CliRunner().invoke(main, ["demo"])

    assert result.exit_code == 0, result.output
    (link,) = re.findall(r"http://127\.0\.0\.1:\d+/sign-in/demo/\S+", result.output)
    assert opened == [link]
    assert re.search(r"http://\S+/cases/case_\w+\n", result.output)
    assert "resolved" in result.output
    assert result.output.endswith("The demo is over, and its data is removed.\n")


def test_a_live_demo_has_no_end_that_once_could_wait_for() -> None:
    result = CliRunner().invoke(main, ["demo", "--live", "--once"])

    assert result.exit_code == 2
    assert "exclude each other" in result.output


@pytest.mark.parametrize(
    ("output", "variables", "opened"),
    [
        ("terminal", {"DISPLAY": ":0"}, True),
        ("terminal", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("terminal", {}, False),
        ("file", {"DISPLAY": ":0"}, False),
        ("terminal", {"DISPLAY": ":10", "SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}, False),
    ],
)
def test_a_browser_is_opened_only_where_somebody_sees_it(
    monkeypatch: pytest.MonkeyPatch, output: str, variables: dict[str, str], *, opened: bool
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: output == "terminal")
    monkeypatch.setattr("sys.platform", "linux")

    assert running._has_a_desktop() is opened


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt
