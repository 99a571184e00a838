"""The control API: everything about a sandbox that is not the vendor's own API."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from casebridge_sandbox.control.messages import AboutSandbox, ClockOrder, HeldOrder, IdleView
from casebridge_sandbox.control.people import PeopleControl, order, refuse
from casebridge_sandbox.control.views import webhooks_view
from casebridge_sandbox.exchange import Call, Reply
from casebridge_sandbox.faults import Fault
from casebridge_sandbox.routing import Operation
from casebridge_sandbox.webhooks import WebhookEndpoint, WebhookFaults

if TYPE_CHECKING:
    from casebridge_sandbox.sandbox import VendorSandbox

__all__ = ("control_operations",)

_IDLE_SECONDS = 10.0


def control_operations(sandbox: VendorSandbox[Any]) -> list[Operation]:
    """Return the calls of the control API."""
    return [*PeopleControl(sandbox).operations(), *_MachineControl(sandbox).operations()]


class _MachineControl:
    """Scenario, faults, webhooks, and logs."""

    def __init__(self, sandbox: VendorSandbox[Any]) -> None:
        self._sandbox = sandbox

    def operations(self) -> list[Operation]:
        calls = [
            ("about", "GET", "", self.about),
            ("reset", "POST", "/reset", self.reset),
            ("clock", "POST", "/clock", self.advance),
            ("scenario", "GET", "/scenario", self.scenario),
            ("change-scenario", "PATCH", "/scenario", self.change_scenario),
            ("preset", "PUT", "/scenario/{preset}", self.use_preset),
            ("faults", "GET", "/faults", self.faults),
            ("arm", "POST", "/faults", self.arm),
            ("disarm", "DELETE", "/faults", self.disarm),
            ("webhooks", "GET", "/webhooks", self.webhooks),
            ("set-webhooks", "PUT", "/webhooks", self.set_webhooks),
            ("release", "POST", "/webhooks/release", self.release),
            ("webhook-faults", "GET", "/webhook-faults", self.webhook_faults),
            ("set-webhook-faults", "PUT", "/webhook-faults", self.set_webhook_faults),
            ("deliveries", "GET", "/deliveries", self.deliveries),
            ("requests", "GET", "/requests", self.requests),
        ]
        listed = [
            Operation(name, method, f"/_sandbox{path}", handler)
            for name, method, path, handler in calls
        ]
        return [*listed, Operation("idle", "GET", "/_sandbox/idle", self.idle)]

    def about(self, call: Call) -> Reply:  # noqa: ARG002 - a handler
        sandbox = self._sandbox
        return Reply.json(
            AboutSandbox(
                vendor=sandbox.vendor,
                title=sandbox.title,
                base_url=sandbox.base_url,
                presets=tuple(sandbox.presets),
                operations=sandbox.operation_names,
                people=tuple(each.display_name for each in sandbox.desk.people.values()),
                revision=sandbox.revision,
            )
        )

    def reset(self, call: Call) -> Reply:  # noqa: ARG002 - a handler
        self._sandbox.reset()
        return Reply.empty()

    def advance(self, call: Call) -> Reply:
        seconds = order(call, ClockOrder).advance_seconds
        if not 0 <= seconds < math.inf:
            raise refuse(400, "the clock moves forward only")
        self._sandbox.clock.advance(seconds)
        self._sandbox.time_passed()
        return Reply.json({"now": self._sandbox.clock()})

    def scenario(self, call: Call) -> Reply:  # noqa: ARG002 - a handler
        return Reply.json(self._sandbox.scenario)

    def change_scenario(self, call: Call) -> Reply:
        present = msgspec.to_builtins(self._sandbox.scenario)
        try:
            changed = msgspec.convert(
                {**present, **call.json_object()}, type=type(self._sandbox.scenario)
            )
        except msgspec.ValidationError as error:
            raise refuse(400, str(error)) from error
        self._sandbox.configure(changed)
        return Reply.json(changed)

    def use_preset(self, call: Call) -> Reply:
        name = call.params["preset"]
        preset = self._sandbox.presets.get(name)
        if preset is None:
            raise refuse(404, f"no preset {name!r}; there are: {', '.join(self._sandbox.presets)}")
        self._sandbox.configure(preset)
        return Reply.json(preset)

    def faults(self, call: Call) -> Reply:  # noqa: ARG002 - a handler
        return Reply.json(self._sandbox.faults.armed())

    def arm(self, call: Call) -> Reply:
        fault = order(call, Fault)
        known = ("any", *self._sandbox.operation_names)
        if fault.operation not in known:
            raise refuse(400, f"no operation {fault.operation!r}; there are: {', '.join(known)}")
        self._sandbox.faults.arm(fault)
        return Reply.json(self._sandbox.faults.armed())

    def disarm(self, call: Call) -> Reply:  # noqa: ARG002 - a handler
        self._sandbox.faults.disarm()
        return Reply.empty()

    def webhooks(self, call: Call) -> Reply:  # noqa: ARG002 - a handler
        return Reply.json(webhooks_view(self._sandbox))

    def set_webhooks(self, call: Call) -> Reply:
        self._sandbox.webhooks.set_endpoints(order(call, list[WebhookEndpoint]))
        return Reply.json(webhooks_view(self._sandbox))

    def release(self, call: Call) -> Reply:
        released = self._sandbox.webhooks.release(order(call, HeldOrder).order)
        return Reply.json({"released": released})

    def webhook_faults(self, call: Call) -> Reply:  # noqa: ARG002 - a handler
        return Reply.json(self._sandbox.webhooks.faults)

    def set_webhook_faults(self, call: Call) -> Reply:
        self._sandbox.webhooks.set_faults(order(call, WebhookFaults))
        return Reply.json(self._sandbox.webhooks.faults)

    def deliveries(self, call: Call) -> Reply:
        after = _after(call)
        attempts = self._sandbox.webhooks.attempts
        return Reply.json([each for each in attempts if each.number > after])

    def requests(self, call: Call) -> Reply:
        operation, after = call.argument("operation"), _after(call)
        return Reply.json(
            [
                each
                for each in self._sandbox.requests.calls
                if each.number > after and (operation is None or each.operation == operation)
            ]
        )

    async def idle(self, call: Call) -> Reply:
        try:
            seconds = float(call.argument("timeout") or _IDLE_SECONDS)
        except ValueError as error:
            raise refuse(400, "the timeout is a number of seconds") from error
        idle = await self._sandbox.webhooks.wait_until_idle(seconds)
        return Reply.json(IdleView(idle=idle, pending=self._sandbox.webhooks.pending))


def _after(call: Call) -> int:
    """Return the number in a log after which to begin.

    Raises:
        Refusal: If it is no number.
    """
    try:
        return int(call.argument("after") or 0)
    except ValueError as error:
        raise refuse(400, "after is a number in the log") from error
