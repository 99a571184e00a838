"""One delivery, many times at once, to two processes that share a database: applied once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from casebridge_core.signatures import sign
from casebridge_sandbox import RunningSandbox
from tests.letters import Mailbox, jira_moved
from tests.processes import free_port, service_process
from tests.stage import Service, running_service

TIMES = 10


@pytest.fixture(params=["sqlite", "postgresql"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Service, Service]]:
    """Two service processes on one database, of each kind: this one and one of its own."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    data_dir = tmp_path / "data"
    with (
        running_service(data_dir, database_url=url) as here,
        service_process(data_dir, free_port(), database_url=url) as elsewhere,
    ):
        yield here, elsewhere.service


@pytest.fixture
def case(pair: tuple[Service, Service], jira: RunningSandbox[Any]) -> str:
    """A case with its issue; Jira itself sends nothing."""
    service, _ = pair
    service.add_jira(jira)
    jira.control.set_webhooks()
    case = service.api.create_case()
    service.api.linked(case)
    return case


def test_a_delivery_that_comes_to_two_processes_at_once_is_applied_once(
    pair: tuple[Service, Service], case: str
) -> None:
    service, other = pair
    issue = str(service.api.ticket(case, "jira")["external_id"])
    minted = Mailbox.mint(service)
    doors = [minted, Mailbox(other, minted.token_id, minted.secret)] * (TIMES // 2)
    names: dict[str, list[str | None]] = {
        "without an id": [None] * TIMES,
        "with one id": ["one"] * TIMES,
        "with ids that a stranger changed": [f"forged-{n}" for n in range(TIMES)],
    }

    for status, ids in zip(("In Progress", "Done", "To Do"), names.values(), strict=True):
        body = jira_moved(issue, status, at=datetime.now(UTC))
        signed = {"X-Hub-Signature": sign(minted.secret, body)}
        headers = [
            signed | ({"X-Atlassian-Webhook-Identifier": name} if name else {}) for name in ids
        ]
        with ThreadPoolExecutor(TIMES) as pool:
            answers = list(pool.map(lambda box, h, b=body: box.post(b, h), doors, headers))

        assert {answer.status_code for answer in answers} == {200}
        told = [answer.json() for answer in answers]
        assert sorted(each["applied"] for each in told) == [False] * (TIMES - 1) + [True], status
        assert {each["reason"] for each in told if not each["applied"]} == {"duplicate_delivery"}

    kinds = [row["kind"] for row in service.api.timeline(case)]
    assert kinds.count("status_changed") == len(names)
    assert service.api.status(case) == "open"
