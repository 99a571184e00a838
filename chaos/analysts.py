"""The analysts: they ask the API, and note what they were told."""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random
from typing import Any, Final

import httpx

from chaos.ledger import Ledger, Order, now
from chaos.script import Act
from chaos.stage import Stage, Vendor

STATUSES: Final = ("open", "triage", "contained", "resolved", "closed")
_TRIES: Final = 5
_PAUSE_SECONDS: Final = 0.5
_CONFLICT: Final = 409


class Analysts:
    """Any number of them, each with one act. A service that does not answer is not waited for.

    What can be asked for twice with one Idempotency-Key is asked for again, at the other service;
    anything else is asked for once, and may have been done or not.
    """

    def __init__(self, stage: Stage, ledger: Ledger) -> None:
        self._stage = stage
        self._ledger = ledger

    def act(self, act: Act) -> None:
        """Do what an act says."""
        chance = act.chance
        if act.what == "create":
            self.create(chance)
        elif act.what == "pause":
            self._pause(chance)
        elif cases := self._ledger.cases():
            self._on_a_case(act.what, chance.choice(cases), chance)

    def create(self, chance: Random) -> Order:
        """Create a case, half of the time with the agent's summary."""
        status = chance.choice(STATUSES[:3])
        summarised = chance.random() < 0.5  # noqa: PLR2004 - half
        order = self._ledger.order("create", status=status, summarised=summarised)
        body = {"title": f"Case {order.marker}", "status": status, "severity": "high"}
        if summarised:
            body["agent_summary"] = f"What the agent found, {order.marker}."
        answer = self._ask(order, "/v1/cases", body, chance, again=True)
        if answer is not None:
            order.case = answer.json()["id"]
        return order

    def _on_a_case(self, what: str, case: str, chance: Random) -> None:
        path = f"/v1/cases/{case}"
        match what:
            case "move":
                status = chance.choice(STATUSES)
                order = self._ledger.order("move", case, status)
                body = {"status": status, "reason": order.marker}
                self._ask(order, f"{path}/status", body, chance)
            case "contain":
                order = self._ledger.order("contain", case)
                action = {"action": order.marker, "target": "web-01", "outcome": "isolated"}
                self._ask(order, f"{path}/containment-actions", action, chance, again=True)
            case "comment":
                order = self._ledger.order("comment", case)
                self._ask(order, f"{path}/comments", {"text": order.marker}, chance, again=True)
            case "resync":
                order = self._ledger.order("resync", case)
                self._ask(order, f"{path}/resync", None, chance)
            case _:
                self._force(case, chance)

    def _force(self, case: str, chance: Random) -> None:
        """Force one of the case's tickets, if it has been minted."""
        found = self._call("GET", f"/v1/cases/{case}", None, chance)
        tickets = found.json()["tickets"] if found is not None and found.is_success else []
        if minted := [each["id"] for each in tickets if each["external_id"]]:
            order = self._ledger.order("force", case)
            path = f"/v1/tickets/{chance.choice(minted)}/force-sync"
            self._ask(order, path, {"reason": order.marker}, chance)

    def _pause(self, chance: Random) -> None:
        """Pause a connector for a moment; whatever is left paused is resumed after the storm."""
        vendor: Vendor = chance.choice(self._stage.vendors)
        path = f"/v1/connectors/{vendor.connector}"
        self._call("POST", f"{path}/pause", {"reason": "a change freeze"}, chance)
        self._ledger.struck("connector paused")
        self._call("POST", f"{path}/resume", None, chance)

    def _ask(
        self,
        order: Order,
        path: str,
        body: Mapping[str, Any] | None,
        chance: Random,
        *,
        again: bool = False,
    ) -> httpx.Response | None:
        """Ask for something; return the answer when it is a 2xx, and note it."""
        headers = {"Idempotency-Key": order.marker} if again else {}
        for attempt in range(_TRIES if again else 1):
            time.sleep(attempt * _PAUSE_SECONDS)
            answer = self._call("POST", path, body, chance, headers)
            if answer is not None and answer.is_success:
                order.acknowledged_at = now()
                return answer
            if answer is not None and answer.is_client_error:
                self._ledger.was_refused(f"{order.kind} {answer.status_code}")
                if answer.status_code != _CONFLICT:
                    return None
        return None

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        chance: Random,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response | None:
        """Call one of the services; None when it does not answer."""
        api = chance.choice(self._stage.apis)
        try:
            return api.http.request(method, path, json=body, headers=headers)
        except httpx.TransportError as error:
            self._ledger.was_refused(f"no answer: {type(error).__name__}")
            return None
