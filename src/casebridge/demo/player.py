"""Playing the script: every act becomes calls of the service and of the stand-in vendors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from casebridge.demo.acts import (
    Act,
    Ask,
    AtVendor,
    Connect,
    MapStatus,
    Mend,
    Open,
    ReplayEvent,
    Rest,
    Trouble,
    Until,
    Webhooks,
)
from casebridge.demo.calling import DemoFailed, Pace, Say, wait
from casebridge.demo.stage import Stage
from casebridge_sandbox import WebhookFaults

_MODES = {
    "flow": WebhookFaults(),
    "hold": WebhookFaults(hold=True),
    "drop": WebhookFaults(drop=1.0),
}


class Player:
    """Plays acts one after the other, and tells each with the minutes since the beginning.

    ``states`` are those in which a ticket was seen, ``cases`` the ids of the cases by number.
    """

    def __init__(self, stage: Stage, say: Say, pace: Pace) -> None:
        """Begin."""
        self._stage = stage
        self._api = stage.api
        self._say = say
        self._pace = pace
        self._began = time.monotonic()
        self._connectors: dict[str, str] = {}
        self.cases: dict[int, str] = {}
        self.states: set[str] = set()

    def play(self, act: Act) -> None:
        """Let one act happen, and tell it.

        Raises:
            DemoFailed: what the act waits for did not happen within 30 seconds.
        """
        self._do(act)
        if act.line:
            self._tell(act)

    def _do(self, act: Act) -> None:
        match act:
            case Rest():
                self._pace.rest(act.seconds)
            case Until():
                wait(_wish(act), partial(self._is_so, act), self._pace)
            case Open() | Ask() | MapStatus() | ReplayEvent():
                self._do_here(act)
            case Connect() | AtVendor() | Trouble() | Mend() | Webhooks():
                self._do_there(act)
            case _:
                msg = f"nobody plays {type(act).__name__}"
                raise TypeError(msg)

    def _do_here(self, act: Open | Ask | MapStatus | ReplayEvent) -> None:
        match act:
            case Open():
                self._open(act)
            case Ask():
                path = act.path.format_map(self._names(act.case))
                self._api.send(act.method, path, json=act.body)
            case MapStatus():
                self._map(act)
            case ReplayEvent():
                self._replay(act)

    def _do_there(self, act: Connect | AtVendor | Trouble | Mend | Webhooks) -> None:
        control = self._stage.vendor(act.vendor).control
        match act:
            case Connect():
                self._connectors[act.vendor] = self._stage.connect(act.vendor, **act.config)
            case AtVendor():
                key = self._names(act.case)[act.vendor]
                what = (act.what,) if act.what else ()
                getattr(control, act.verb)(key, *what, by=act.by)
            case Trouble():
                control.arm(
                    act.kind, act.operation, count=None, status=act.status, seconds=act.seconds
                )
            case Mend():
                control.disarm()
            case Webhooks():
                control.webhook_faults(_MODES[act.mode])
                if act.mode == "flow":
                    control.release()

    def _open(self, act: Open) -> None:
        case = self._api.post("/v1/cases", act.fields)
        self.cases[act.case] = case["id"]
        self._note(case)

    def _is_so(self, act: Until) -> bool:
        case = self._case(act.case)
        tickets = [t for t in case["tickets"] if act.vendor in {None, t["vendor"]}]
        return (
            act.status in {None, case["status"]}
            and len(tickets) == (len(self._connectors) if act.vendor is None else 1)
            and all(act.state in {None, ticket["state"]} for ticket in tickets)
            and all(act.there in {None, ticket["status"]} for ticket in tickets)
            and (act.said is None or self._was_said(act.said, case["id"]))
        )

    def _was_said(self, text: str, case_id: str) -> bool:
        rows = self._api.get(f"/v1/cases/{case_id}/timeline", limit=200)["items"]
        return any(text in row["text"] for row in rows)

    def _map(self, act: MapStatus) -> None:
        for status in self._api.get("/v1/unmapped-statuses"):
            if status["name"] == act.name:
                self._api.post(f"/v1/unmapped-statuses/{status['id']}/map", {"status": act.status})
                return
        msg = f"the status {act.name!r} is not on the list of unmapped statuses"
        raise DemoFailed(msg)

    def _replay(self, act: ReplayEvent) -> None:
        def newest() -> Any:  # noqa: ANN401 - JSON
            return self._api.get("/v1/inbox-events", reason=act.reason, limit=1)["items"]

        (event,) = wait(f"an event with the reason {act.reason}", newest, self._pace)
        self._api.post(f"/v1/inbox-events/{event['id']}/replay")

    def _case(self, number: int) -> Any:  # noqa: ANN401 - JSON
        case = self._api.get(f"/v1/cases/{self.cases[number]}")
        self._note(case)
        return case

    def _note(self, case: Mapping[str, Any]) -> None:
        self.states.update(ticket["state"] for ticket in case["tickets"])

    def _names(self, number: int) -> dict[str, str]:
        """Return what an act's texts may name."""
        names = {f"{vendor}_connector": its_id for vendor, its_id in self._connectors.items()}
        if number:
            case = self._case(number)
            names |= {"id": case["id"], "title": case["title"]}
            for ticket in case["tickets"]:
                vendor = ticket["vendor"]
                names |= {vendor: ticket["key"] or "no ticket", f"{vendor}_ticket": ticket["id"]}
        return names

    def _tell(self, act: Act) -> None:
        names = self._names(act.case)
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        self._say(f"  {minutes:3}:{seconds:02}  {act.line.format_map(names)}")
        if act.page:
            self._say(f"          {self._api.url}{act.page.format_map(names)}")


def _wish(act: Until) -> str:
    """Say what is waited for, in words."""
    wanted = {
        "the case": act.status,
        "the ticket": act.state,
        "its status there": act.there,
        "the timeline": act.said,
    }
    found = ", ".join(f"{what} to be {value!r}" for what, value in wanted.items() if value)
    return f"{found} (case {act.case}, {act.vendor or 'every vendor'})"
