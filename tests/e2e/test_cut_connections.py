"""A machine between service and vendor cuts a connection: still one ticket, each comment once."""

from __future__ import annotations

from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from tests.proxy import Moment, cutting_proxy
from tests.stage import MovableClock, Service, eventually

Vendor = RunningSandbox[Any]

CASE = {"status": "resolved", "agent_summary": "Likely a web shell."}


@pytest.mark.parametrize("moment", ["before_send", "after_send", "in_answer"])
@pytest.mark.parametrize("path", ["", "/10001/transitions", "/10001/comment"])
def test_a_reset_connection_leaves_one_ticket_and_each_comment_once(
    service: Service, clock: MovableClock, jira: Vendor, path: str, moment: Moment
) -> None:
    with cutting_proxy(jira.url) as proxy:
        service.add_jira(jira, base_url=proxy.url)
        proxy.arm(f"POST /rest/api/3/issue{path}", moment)

        case = service.api.create_case(**CASE)

        wait_until_right(service, clock, jira, case)
        assert proxy.armed == 0


@pytest.mark.parametrize("hop", [0, 1, 2])
@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_long_way_that_is_cut_off_at_any_hop_is_walked_to_its_end(
    service: Service, clock: MovableClock, jira: Vendor, kind: Any, hop: int
) -> None:
    jira.control.use_preset("strict")
    service.add_jira(jira)
    jira.control.arm(kind, "transition", skip=hop)

    case = service.api.create_case(**CASE)

    wait_until_right(service, clock, jira, case)
    assert jira.control.faults() == []


def wait_until_right(service: Service, clock: MovableClock, jira: Vendor, case: str) -> None:
    """Wait until the ticket is where the case is, moving the clock to the next attempt."""

    def settled() -> bool:
        service.wait_until_idle()
        state = service.api.ticket(case, "jira")["state"]
        if state != "linked":
            clock.advance(seconds=8)
        return bool(state == "linked")

    eventually(settled)
    (found,) = jira.control.tickets()
    assert found.status == "Done"
    assert len(found.comments) == 1
    assert service.api.status(case) == "resolved"
