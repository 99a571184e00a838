"""The plugin keeps every rule of the contract with a real Roundup."""

from __future__ import annotations

import pytest

from casebridge_core import TicketRef
from casebridge_core.testing import AdapterTests, VendorUnderTest
from casebridge_roundup import plugin
from tests.roundup import ACCOUNT, Tracker


class RoundupUnderTest(VendorUnderTest):
    """A tracker, and the people who work there."""

    patience = 2.0
    """The detector sends before a change is answered, and nothing of what the bridge does."""

    def __init__(self, tracker: Tracker) -> None:
        super().__init__({"base_url": tracker.url, **ACCOUNT})
        self.tracker = tracker

    def subscribe(self, url: str, secret: str) -> None:
        self.tracker.subscribe(url, secret)

    def move(self, ticket: TicketRef, native: str) -> None:
        with self.tracker.acting() as joe:
            joe.move(ticket.external_id, native)

    def assign(self, ticket: TicketRef) -> None:
        with self.tracker.acting() as joe:
            joe.assign(ticket.external_id, "joe")

    def comment(self, ticket: TicketRef, text: str) -> None:
        with self.tracker.acting() as joe:
            joe.comment(ticket.external_id, text)

    def delete(self, ticket: TicketRef) -> None:
        with self.tracker.acting("admin") as admin:
            admin.retire(ticket.external_id)


class TestRoundup(AdapterTests):
    plugin = plugin
    payloads = (
        {"roundup": {"id": "12", "class": "issue", "status": {"id": "8", "name": "resolved"}}},
        {"roundup": {"id": "12", "event": "retired", "activity": "2026-11-23.10:56:43"}},
    )

    @pytest.fixture(scope="module")
    @staticmethod
    def vendor(tracker: Tracker) -> RoundupUnderTest:
        return RoundupUnderTest(tracker)
