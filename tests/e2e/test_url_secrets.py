"""A secret in the URL: taken by the inbox, and written down by nobody on our side."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from casebridge_sandbox import RunningSandbox
from tests.letters import INBOX, Mailbox, jira_moved
from tests.processes import free_port, service_process
from tests.stage import Service

BODY = jira_moved("4711", "Done")


@pytest.fixture
def mailbox(service: Service) -> Mailbox:
    return Mailbox.mint(service, scheme="static_url")


def written_by(service: Service) -> str:
    """Return everything that stands in the service's database, its journal included."""
    files = sorted(Path(service.data_dir).glob("casebridge.db*"))
    return "".join(file.read_bytes().decode("latin-1") for file in files)


def wandering(mailbox: Mailbox, http: httpx.Client) -> list[httpx.Response]:
    """Send the secret wherever it could be mistaken for something harmless; return the answers."""
    where = f"{INBOX}/{mailbox.token_id}/{mailbox.secret}"
    proxy = {"X-Original-URI": where, "X-Forwarded-Uri": where, "Referer": f"https://x{where}"}
    answers = [
        http.post(where, content=BODY, headers=proxy),
        http.post(where, content=b"{", headers=proxy),
        http.post(INBOX, content=BODY, headers={"X-AiSOC-Token-Id": mailbox.secret}),
        http.get(where),
        http.put(where, content=BODY),
    ]
    elsewhere = (
        f"{where}x",
        f"{where}/",
        f"{where}/more/of/it",
        f"{where}%2f..%2f",
        where.replace("/v1/", "//v1//"),
        f"{INBOX}/{mailbox.secret}",
        f"{INBOX}/{mailbox.secret}/{mailbox.token_id}",
    )
    answers += [http.post(f"{http.base_url}{path}", content=BODY) for path in elsewhere]
    assert {answer.status_code for answer in answers} <= {200, 400, 401, 404, 405}
    return answers


def assert_absent(mailbox: Mailbox, text: str) -> None:
    assert mailbox.secret not in text
    assert mailbox.secret[:20] not in text


def test_the_secret_reaches_no_log_no_row_and_no_answer(
    service: Service, mailbox: Mailbox, jira: RunningSandbox[Any], caplog: pytest.LogCaptureFixture
) -> None:
    service.add_jira(jira)
    jira.control.set_webhooks()
    case = service.api.create_case()
    issue = str(service.api.linked(case)["jira"]["external_id"])
    where = f"{INBOX}/{mailbox.token_id}/{mailbox.secret}"

    with caplog.at_level(logging.DEBUG):
        applied = mailbox.post(jira_moved(issue, "Done"), {"Referer": where}, path=where)
        answers = wandering(mailbox, service.api.http)

    assert applied.json()["applied"] is True
    assert [answer.status_code for answer in answers[:2]] == [200, 400]
    ours = [each for each in caplog.records if not each.name.startswith(("httpx", "httpcore"))]
    assert any("webhook refused" in each.getMessage() for each in ours)
    for record in ours:  # the others are this test's client
        assert_absent(mailbox, record.getMessage())
    for answer in (applied, *answers):
        assert_absent(mailbox, answer.text + str(answer.headers))
    assert_absent(mailbox, str(service.api.timeline(case)))
    assert_absent(mailbox, str(service.api.get("/v1/inbox-tokens")))
    assert_absent(mailbox, written_by(service))


def test_a_secret_that_came_in_a_header_is_written_down_by_nobody_either(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox = Mailbox.mint(service, scheme="static_header")
    with caplog.at_level(logging.DEBUG):
        answers = [mailbox.post(body, {"X-AiSOC-Secret": mailbox.secret}) for body in (BODY, b"{")]

    assert [answer.status_code for answer in answers] == [200, 400]
    for record in caplog.records:
        if not record.name.startswith(("httpx", "httpcore")):  # those are this test's client
            assert_absent(mailbox, record.getMessage())
    for answer in answers:
        assert_absent(mailbox, answer.text)
    assert_absent(mailbox, written_by(service))


def test_a_server_that_writes_an_access_log_writes_a_mask(tmp_path: Path) -> None:
    with service_process(tmp_path / "data", free_port()) as running:
        mailbox = Mailbox.mint(running.service, scheme="static_url")
        wandering(mailbox, running.service.api.http)

    log = unquote((tmp_path / "data.log").read_text())
    assert f"POST {INBOX}/{mailbox.token_id}/******** HTTP" in log
    assert f"POST {INBOX}/******** HTTP" in log
    assert_absent(mailbox, log)


def test_the_address_is_shown_whole_only_where_the_secret_is_shown(service: Service) -> None:
    minted = service.api.post("/v1/inbox-tokens", {"name": "old Jira", "scheme": "static_url"})

    (listed,) = [t for t in service.api.get("/v1/inbox-tokens") if t["id"] == minted["id"]]
    rotated = service.api.post(f"/v1/inbox-tokens/{minted['id']}/rotate", {})

    assert minted["url"] == f"{service.url}{INBOX}/{minted['id']}/{minted['secret']}"
    assert listed["url"] == f"{service.url}{INBOX}/{minted['id']}/<secret>"
    assert rotated["url"].endswith(f"/{rotated['secret']}")
    assert httpx.post(minted["url"], content=BODY, trust_env=False).status_code == 200
    assert httpx.post(rotated["url"], content=BODY, trust_env=False).status_code == 200
    assert httpx.post(listed["url"], content=BODY, trust_env=False).status_code == 401
