"""The story of one case: minted twice, resolved by a human in one ITSM, followed by the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from casebridge.demo.calling import DemoFailed, Pace, Say, wait
from casebridge.demo.stage import Stage

ResultT = TypeVar("ResultT")

_CASE: Final = {
    "title": "Credential theft on web-01",
    "summary": "lsass was read by an unsigned process; then web-01 called 203.0.113.9.",
    "severity": "high",
    "agent_summary": "Confidence 0.93: credential dumping followed by beaconing. Isolate web-01.",
    "detection_rules": ["Credential dumping from lsass", "Beaconing to a rare address"],
    "raw_events": ["evt-2211", "evt-2212", "evt-2219"],
    "entities": [
        {"kind": "host", "value": "web-01"},
        {"kind": "user", "value": "svc-backup"},
        {"kind": "ip", "value": "203.0.113.9"},
    ],
}
_ACTION: Final = {"action": "Isolate host", "target": "web-01", "outcome": "isolated by the EDR"}


class Story:
    """Plays the case and tells what happens, with the seconds since the beginning."""

    def __init__(self, stage: Stage, say: Say, pace: Pace) -> None:
        """Begin."""
        self._stage = stage
        self._api = stage.api
        self._say = say
        self._pace = pace
        self._began = time.monotonic()
        self._shown = 0
        self._case_id = ""

    def play(self) -> None:
        """Play it to its end.

        Raises:
            DemoFailed: a step did not happen within 30 seconds.
        """
        for vendor in ("jira", "servicenow"):
            self._stage.connect(vendor)
        self._tell("connected to both, and both send signed webhooks back")
        self._mint()
        self._contain()
        self._resolve()
        self._show_timeline()

    def follow(self) -> None:
        """Print the timeline as it grows, until interrupted."""
        while True:
            self._pace.rest(1)
            self._show_news()

    def case(self) -> Any:  # noqa: ANN401 - JSON
        """Read the case."""
        return self._api.get(f"/v1/cases/{self._case_id}")

    def ticket(self, vendor: str) -> Any:  # noqa: ANN401 - JSON
        """Return the case's ticket at a vendor."""
        return next(t for t in self.case()["tickets"] if t["vendor"] == vendor)

    def _mint(self) -> None:
        case = self._api.post("/v1/cases", _CASE)
        self._case_id = case["id"]
        self._tell(f"case {_CASE['title']!r} created, severity {_CASE['severity']}:")
        self._tell(f"  {case['deep_link']}")
        for vendor in ("jira", "servicenow"):
            ticket = self._wait(f"the {vendor} ticket", partial(self._minted, vendor))
            self._tell(f"minted {ticket['key']}: {ticket['url']}")

    def _contain(self) -> None:
        self._api.post(f"/v1/cases/{self._case_id}/containment-actions", _ACTION)
        self._tell("containment recorded: web-01 isolated by the EDR")
        self._api.post(f"/v1/cases/{self._case_id}/status", {"status": "contained"})
        self._tell("analyst: case open → contained")
        for vendor in ("jira", "servicenow"):
            self._wait_for_ticket(vendor, "In Progress")
            self._tell(f"{self.ticket(vendor)['key']} is In Progress")

    def _resolve(self) -> None:
        self._stage.jira.control.move("SEC-1", "Done", by="Ada Analyst")
        self._tell("Ada Analyst moves SEC-1 to Done, in Jira")
        self._wait("the case to follow", lambda: self.case()["status"] == "resolved")
        self._tell("signed webhook: case contained → resolved, by itsm-webhook (jira)")
        self._wait_for_ticket("servicenow", "Resolved")
        self._tell(f"{self.ticket('servicenow')['key']} is Resolved, in ServiceNow")
        self._wait("everything to be settled", self._settled)
        self._tell("nothing bounced: the case is resolved, and both tickets agree\n")

    def _wait_for_ticket(self, vendor: str, status: str) -> None:
        key, control = self.ticket(vendor)["key"], self._stage.vendor(vendor).control
        self._wait(f"{key} to be {status}", lambda: control.ticket(key).status == status)

    def _minted(self, vendor: str) -> Any:  # noqa: ANN401 - JSON
        ticket = self.ticket(vendor)
        return ticket if ticket["key"] else None

    def _settled(self) -> bool:
        case = self.case()
        linked = all(ticket["state"] == "linked" for ticket in case["tickets"])
        return linked and case["status"] == "resolved"

    def _wait(self, what: str, condition: Callable[[], ResultT]) -> ResultT:
        try:
            return wait(what, condition, self._pace)
        except DemoFailed:
            self._show_timeline()
            raise

    def _tell(self, line: str) -> None:
        self._say(f"  {time.monotonic() - self._began:5.2f} s  {line}")

    def _show_timeline(self) -> None:
        if self._case_id:
            self._say("The case's timeline:")
            self._show_news()
            self._say("")

    def _show_news(self) -> None:
        rows = self._api.get(f"/v1/cases/{self._case_id}/timeline", limit=200)["items"]
        for row in rows[self._shown :]:
            self._say(f"  {row['at'][11:19]}  {row['actor_label']:<26} {row['text']}")
        self._shown = len(rows)
