"""What a connector tells of itself, and what it tells of the vendor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from casebridge_core.connectors import Capability
from casebridge_core.testing.bench import Bench, Wire
from casebridge_core.testing.listing import changes, changes_of
from casebridge_core.testing.rules import LiveComplaints, rule
from casebridge_core.testing.values import flaws


class CheckRules:
    """The connection check, and the changes that the reconciler asks for."""

    @rule("checks", hooks=("itsm_check_connection",))
    async def test_a_good_connection_is_well(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """The check of a connection that works says so, line by line."""
        report = await bench.hooks.check_connection(wire.connector)
        for flaw in flaws(report):
            yield f"itsm_check_connection: {flaw}"
        if not report.lines:
            yield "itsm_check_connection: the report has no lines"
        for line in report.lines:
            if line.ok is False:
                yield f"itsm_check_connection: {line.name} fails here: {line.detail}"

    @rule("checks", Capability.PUSH_CASE, Capability.LIST_CHANGES)
    async def test_changes_are_listed(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A ticket that changed is listed as it is now, with times that have a zone."""
        since = datetime.now(UTC) - timedelta(minutes=10)
        ticket = await bench.mint(wire)
        status = ticket.status
        if bench.can(Capability.PUSH_STATUS):
            change = bench.leading_away(wire, ticket)
            status = (
                await bench.hooks.push_status_change(wire.connector, ticket.ref, change)
            ).status

        own = await changes_of(bench, wire, ticket.ref, since)
        for flaw in (flaw for event in own for flaw in flaws(event)):
            yield f"itsm_list_changes: {flaw}"
        if not own:
            yield f"itsm_list_changes leaves out {ticket.ref.key}, which has just changed"
        elif own[-1].status is None or own[-1].status.name != status.name:
            yield f"itsm_list_changes tells {own[-1].status} of a ticket that is {status.name!r}"

    @rule("checks", Capability.PUSH_CASE, Capability.LIST_CHANGES)
    async def test_the_past_is_not_listed(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """Nothing is listed that did not change since the time that was asked for."""
        ticket = await bench.mint(wire)
        later = datetime.now(UTC) + timedelta(days=1)
        for event in await changes(bench, wire, later):
            if event.external_id == ticket.ref.external_id:
                yield "itsm_list_changes lists a ticket that changed before ``since``"
