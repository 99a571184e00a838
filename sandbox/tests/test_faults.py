from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from casebridge_sandbox import (
    ControlRefused,
    Fault,
    FaultKind,
    JiraSandbox,
    RunningSandbox,
    ServiceNowSandbox,
    WebhookReceiver,
)
from casebridge_sandbox.exchange import JsonObject
from casebridge_sandbox.faults import FaultPlan

Jira = RunningSandbox[JiraSandbox]
ServiceNow = RunningSandbox[ServiceNowSandbox]
MakeIssue = Callable[..., JsonObject]


def create(api: httpx.Client, issue: MakeIssue) -> httpx.Response:
    return api.post("/issue", json=issue())


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "cut_midway"])
def test_a_cut_connection_has_no_answer(
    jira: Jira,
    jira_api: httpx.Client,
    issue: MakeIssue,
    kind: FaultKind,
) -> None:
    jira.control.arm(kind, "create")

    with pytest.raises(httpx.RemoteProtocolError):
        create(jira_api, issue)

    assert len(jira.control.tickets()) == (0 if kind == "cut_before" else 1)
    (logged,) = jira.control.requests("create")
    assert (logged.status, logged.fault) == (None, kind)
    assert create(jira_api, issue).status_code == 201


def test_the_server_lives_on_after_a_cut(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira.control.arm("cut_before", count=3)
    for _ in range(3):
        with pytest.raises(httpx.RemoteProtocolError):
            create(jira_api, issue)

    assert create(jira_api, issue).json()["key"] == "SEC-1"


def test_an_unknown_outcome_may_be_either(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira.control.arm("unknown_outcome", "create", count=8)
    for _ in range(8):
        with pytest.raises(httpx.RemoteProtocolError):
            create(jira_api, issue)

    assert 0 < len(jira.control.tickets()) < 8


def test_a_status_comes_before_the_work(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira.control.arm("status", "create", status=502, headers={"X-Why": "test"})
    jira.control.arm("status", "create", status=400, body={"errors": {"labels": "no"}})
    jira.control.arm("status", "create", status=504, body="<h1>Gateway</h1>")

    first, second, third = (create(jira_api, issue) for _ in range(3))

    assert (first.status_code, first.headers["x-why"]) == (502, "test")
    assert second.json() == {"errors": {"labels": "no"}}
    assert (third.status_code, third.text) == (504, "<h1>Gateway</h1>")
    assert third.headers["content-type"].startswith("text/html")
    assert jira.control.tickets() == []


def test_a_stored_error_comes_after_the_work(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira.control.arm("stored_error", "create")

    assert create(jira_api, issue).status_code == 500
    assert len(jira.control.tickets()) == 1


def test_what_was_not_done_looks_like_success(
    jira: Jira,
    jira_api: httpx.Client,
    issue: MakeIssue,
    receiver: WebhookReceiver,
) -> None:
    create(jira_api, issue)
    jira.control.send_webhooks_to(receiver.url)
    jira.control.arm("not_done", "transition")
    jira.control.arm("not_done", "create")

    moved = jira_api.post("/issue/SEC-1/transitions", json={"transition": {"id": "21"}})
    created = create(jira_api, issue)
    jira.control.wait_until_idle()

    assert (moved.status_code, created.status_code) == (204, 201)
    assert [each.status for each in jira.control.tickets()] == ["To Do"]
    assert receiver.received == []
    assert create(jira_api, issue).json()["key"] == "SEC-2"


def test_rate_limits_of_jira_have_the_documented_headers(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira.control.arm("rate_limited", retry_after=7)

    answer = create(jira_api, issue)

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["ratelimit-reason"] == "jira-burst-based"
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert answer.headers["x-ratelimit-reset"].endswith("Z")
    assert jira.control.tickets() == []


def test_rate_limits_of_data_center_differ(jira: Jira, jira_api: httpx.Client) -> None:
    jira.control.change_scenario(deployment="data_center")
    jira.control.arm("rate_limited", retry_after=3)

    answer = jira_api.get(f"{jira.url}/rest/api/2/serverInfo")

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "3"
    assert answer.headers["x-ratelimit-interval-seconds"] == "1"


def test_pages_come_instead_of_json(jira: Jira, jira_api: httpx.Client) -> None:
    jira.control.arm("html_error")
    jira.control.arm("html_error", status=503)
    jira.control.arm("html_ok")

    answers = [jira_api.get("/myself") for _ in range(3)]

    assert [each.status_code for each in answers] == [404, 503, 200]
    assert all(each.headers["content-type"].startswith("text/html") for each in answers)


def test_half_of_the_json_is_no_json(jira: Jira, jira_api: httpx.Client, issue: MakeIssue) -> None:
    jira.control.arm("truncated_json", "create")

    answer = create(jira_api, issue)

    assert answer.status_code == 201
    with pytest.raises(ValueError, match=r"Unterminated string|Expecting"):
        answer.json()
    assert len(jira.control.tickets()) == 1


@pytest.mark.parametrize(("kind", "stored"), [("delay", 0), ("slow_answer", 1)])
def test_a_late_answer_is_late_before_or_after_the_work(
    jira: Jira,
    jira_api: httpx.Client,
    issue: MakeIssue,
    kind: FaultKind,
    stored: int,
) -> None:
    jira.control.arm(kind, "create", seconds=30)

    with pytest.raises(httpx.ReadTimeout):
        jira_api.post("/issue", json=issue(), timeout=0.1)

    assert len(jira.control.tickets()) == stored


def test_a_short_delay_ends_in_the_right_answer(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira.control.arm("delay", "create", seconds=0.05)
    began = time.monotonic()

    assert create(jira_api, issue).status_code == 201
    assert time.monotonic() - began >= 0.05


def test_every_call_has_its_latency(jira: Jira, jira_api: httpx.Client) -> None:
    jira.control.change_scenario(latency_seconds=0.02)

    jira_api.get("/myself")

    assert jira.control.requests()[0].seconds >= 0.02


def test_a_fault_strikes_its_operation_as_often_as_it_should(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira.control.arm("status", "fetch", status=503, count=2, skip=1)
    create(jira_api, issue)

    codes = [jira_api.get("/issue/SEC-1").status_code for _ in range(4)]

    assert codes == [200, 503, 503, 200]
    assert jira.control.faults() == []


def test_a_fault_without_a_count_stays_until_disarmed(jira: Jira, jira_api: httpx.Client) -> None:
    jira.control.arm("status", status=500, count=None)

    assert [jira_api.get("/myself").status_code for _ in range(3)] == [500] * 3
    assert jira.control.faults()[0].count is None
    jira.control.disarm()
    assert jira_api.get("/myself").status_code == 200


def test_chances_are_the_same_for_the_same_seed() -> None:
    def drawn(seed: int) -> list[bool]:
        plan = FaultPlan(seed)
        plan.arm(Fault(kind="cut_before", probability=0.5, count=None))
        return [plan.draw("create") is not None for _ in range(20)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert {True, False} <= set(drawn(1))


def test_a_fault_for_no_known_operation_is_refused(jira: Jira) -> None:
    with pytest.raises(ControlRefused, match="no operation 'teleport'"):
        jira.control.arm("cut_before", "teleport")


def test_servicenow_has_its_own_pages_and_limits(
    servicenow: ServiceNow, incidents: httpx.Client
) -> None:
    servicenow.control.arm("html_ok")
    servicenow.control.arm("html_error")
    servicenow.control.arm("rate_limited", retry_after=60)
    servicenow.control.arm("result_and_error")
    servicenow.control.arm("status", status=500)

    asleep, down, limited, both, broken = (incidents.get("/incident") for _ in range(5))

    assert asleep.status_code == 200
    assert "Instance Hibernating page" in asleep.text
    assert down.status_code == 503
    assert limited.status_code == 429
    assert limited.json()["error"]["message"] == "Rate limit exceeded"
    assert limited.headers["retry-after"] == "60"
    assert int(limited.headers["x-ratelimit-reset"]) > time.time()
    assert limited.headers["x-ratelimit-rule"]
    assert both.status_code == 200
    assert both.json()["result"] == []
    assert "maximum execution time exceeded" in both.json()["error"]["message"]
    assert broken.json()["status"] == "failure"


def test_jira_has_no_error_beside_a_result(jira: Jira, jira_api: httpx.Client) -> None:
    jira.control.arm("result_and_error")

    assert jira_api.get("/myself").json()["accountId"] == "bridge-account"


@pytest.mark.parametrize(
    ("body", "operation"),
    [
        ({"state": "2"}, "transition"),
        ({"incident_state": "2", "work_notes": "x"}, "transition"),
        ({"work_notes": "x"}, "comment"),
        ({"short_description": "x"}, "edit"),
    ],
)
def test_a_patch_of_servicenow_is_named_after_what_it_does(
    servicenow: ServiceNow,
    incidents: httpx.Client,
    body: JsonObject,
    operation: str,
) -> None:
    ticket = servicenow.control.create_ticket("Phishing mail")
    servicenow.control.arm("cut_after", operation)

    with pytest.raises(httpx.RemoteProtocolError):
        incidents.patch(f"/incident/{ticket.id}", json=body)

    assert [each.operation for each in servicenow.control.requests()] == [operation]
