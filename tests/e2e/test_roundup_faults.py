"""Lost webhooks, cut connections and a killed server: a real Roundup is brought into line."""

from __future__ import annotations

import pytest

from tests.proxy import Moment, cutting_proxy
from tests.roundup import Person, Tracker, annotated, connect, minted
from tests.stage import MovableClock, Service, eventually


def test_what_no_webhook_told_is_repaired_by_the_reconciler(
    service: Service, clock: MovableClock, tracker: Tracker, joe: Person
) -> None:
    connector = connect(service, tracker)
    case, issue = minted(service)
    message = joe.comment(issue, "Looked into it.")
    annotated(service, case, "Looked into it.")
    tracker.subscribe("http://127.0.0.1:9/nowhere", "a secret of nobody's")
    joe.edit(message, "It was the backup.")
    joe.assign(issue, "joe")
    joe.move(issue, "resolved")
    assert service.api.status(case) != "resolved"

    clock.advance(seconds=20)  # a webhook has so long to arrive
    service.api.post(f"/v1/connectors/{connector}/reconcile?wait_seconds=30")

    eventually(lambda: service.api.status(case) == "resolved")
    annotated(service, case, "It was the backup.")
    eventually(lambda: (service.api.case(case)["assignee"] or {}).get("name") == "joe")


def wait_until_right(
    service: Service, clock: MovableClock, joe: Person, case: str, title: str
) -> None:
    """Wait until the ticket is where the case is, moving the clock to the next attempt."""

    def settled() -> bool:
        service.wait_until_idle()
        state = service.api.ticket(case, "roundup")["state"]
        if state != "linked":
            clock.advance(seconds=8)
        return bool(state == "linked")

    eventually(settled)
    (issue,) = joe.issues(title=title)
    assert issue["status"]["name"] == "resolved"
    assert [text.partition("\n")[0] for text in joe.texts(issue["id"])] == ["Agent summary"]


@pytest.mark.parametrize(
    ("call", "moment"),
    [
        ("POST /soc/rest/data/issue/@poe/", "before_send"),
        ("POST /soc/rest/data/issue/@poe/", "after_send"),
        ("POST /soc/rest/data/issue/@poe/", "in_answer"),
        ("PATCH /soc/rest/data/issue/", "after_send"),
    ],
)
def test_a_cut_connection_leaves_one_ticket_and_each_comment_once(
    service: Service, clock: MovableClock, tracker: Tracker, joe: Person, call: str, moment: Moment
) -> None:
    title = f"Cut {moment} of {call}"
    with cutting_proxy(tracker.url.removesuffix("/soc")) as proxy:
        connect(service, tracker, base_url=f"{proxy.url}/soc", web_url=tracker.url)
        proxy.arm(call, moment)

        case = service.api.create_case(
            title, status="resolved", agent_summary="Likely a web shell."
        )

        wait_until_right(service, clock, joe, case, title)
        assert proxy.armed == 0


@pytest.mark.parametrize("call", ["POST /soc/rest/data/issue/@poe/", "POST /soc/rest/data/msg"])
def test_a_server_that_is_killed_in_the_middle_leaves_one_ticket(
    service: Service, clock: MovableClock, tracker: Tracker, joe: Person, call: str
) -> None:
    title = f"Killed at {call}"
    with cutting_proxy(tracker.url.removesuffix("/soc")) as proxy:
        connect(service, tracker, base_url=f"{proxy.url}/soc", web_url=tracker.url)
        proxy.arm(call, "after_send")
        case = service.api.create_case(
            title, status="resolved", agent_summary="Likely a web shell."
        )
        eventually(lambda: proxy.armed == 0)

        tracker.kill()
        service.api.ticket_in(case, "roundup", "failing")
        tracker.start()

        wait_until_right(service, clock, joe, case, title)
