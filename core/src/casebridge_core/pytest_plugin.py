"""The pytest plugin: it prints the report card at the end, and writes it where it is told to.

pytest loads it wherever casebridge-core is installed (entry point ``casebridge`` of ``pytest11``).
It imports the conformance kit when it meets one of its tests and not before, so that it costs
other runs nothing; ``-p no:casebridge`` switches it off.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pytest

_ADAPTER: Final = "casebridge-adapter"
_RULE: Final = "casebridge-rule"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the card."""
    parser.getgroup("casebridge").addoption(
        "--report-card",
        action="append",
        default=[],
        metavar="FILE",
        help="write the report cards of the conformance kit: as JSON to a FILE.json, else as"
        " Markdown (can be given more than once)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to keep results."""
    config.pluginmanager.register(_Results(config), "casebridge-results")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Note on each rule's test which adapter and which rule it is about.

    Properties travel with a test's report, also from the workers of pytest-xdist.
    """
    facts = getattr(getattr(item, "function", None), "casebridge_rule", None)
    plugin = getattr(getattr(item, "cls", None), "plugin", None)
    if facts is None or plugin is None:
        return
    from casebridge_core.testing.card import describe  # noqa: PLC0415 - see the module's docstring

    rule = {"subject": facts.subject, "rule": item.name.partition("[")[0], "title": facts.title}
    item.user_properties += [(_ADAPTER, describe(plugin)), (_RULE, rule)]


class _Results:
    """What became of the rules so far, and the cards at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._runs: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what became of a rule."""
        properties: dict[str, Any] = dict(report.user_properties)
        if _RULE in properties and (report.when == "call" or not report.passed):
            outcome, reason = _outcome(report)
            run = {**properties[_RULE], "outcome": outcome, "reason": reason}
            self._runs.append((properties[_ADAPTER], run))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's own
        """Print the cards, and write them to the files that were named."""
        if not self._runs:
            return
        from casebridge_core.testing.card import cards_of, encode  # noqa: PLC0415

        cards = cards_of(self._runs)
        text = "\n".join(card.as_markdown() for card in cards)
        terminalreporter.section("casebridge report card")
        terminalreporter.write_line(text)
        files: list[str] = self._config.getoption("--report-card") or []
        for name in files:
            path = Path(name)
            path.write_bytes(encode(cards) if path.suffix == ".json" else text.encode())
            terminalreporter.write_line(f"written to {path}")


def _outcome(report: pytest.TestReport) -> tuple[str, str]:
    """Return what a report says of its rule; a failure that is expected is a failure here."""
    if report.passed:
        return "kept", ""
    if isinstance(report.longrepr, tuple):
        return "skipped", str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    message = str(getattr(crash, "message", report.longrepr))
    return "broken", message.removeprefix("Failed: ")
