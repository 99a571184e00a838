"""Who gets into the inbox, by which signature, and what everybody else is told."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from casebridge_core.signatures import digest, sign
from casebridge_sandbox import RunningSandbox
from tests.letters import INBOX, Mailbox, jira_moved
from tests.stage import Service

Vendor = RunningSandbox[Any]

BODY = jira_moved("4711", "Done")


@pytest.fixture
def mailbox(service: Service) -> Mailbox:
    return Mailbox.mint(service)


@pytest.mark.parametrize("header", ["X-Hub-Signature", "X-AiSOC-Signature"])
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda mac: f"sha256={mac.hex()}", id="sha256=hex"),
        pytest.param(lambda mac: mac.hex(), id="hex"),
        pytest.param(lambda mac: mac.hex().upper(), id="upper-case hex"),
        pytest.param(lambda mac: base64.b64encode(mac).decode(), id="base64"),
        pytest.param(lambda mac: f"sha256={base64.b64encode(mac).decode()}", id="sha256=base64"),
    ],
)
def test_a_signature_is_accepted_in_every_declared_form(
    mailbox: Mailbox, header: str, write: Any
) -> None:
    signature = write(digest(mailbox.secret, BODY))

    by_url = mailbox.post(BODY, {header: signature})
    by_header = mailbox.post(
        BODY, {header: signature, "X-AiSOC-Token-Id": mailbox.token_id}, path=INBOX
    )

    assert by_url.json() | {"event_id": None} == by_header.json() | {"event_id": None}
    assert by_url.status_code == by_header.status_code == 200
    assert by_url.json()["reason"] == "unlinked_ticket"


def test_everybody_who_is_not_let_in_is_told_the_same(
    shared_service: Service, service: Service, mailbox: Mailbox
) -> None:
    revoked = Mailbox.mint(service)
    service.api.delete(f"/v1/inbox-tokens/{revoked.token_id}")
    good = {"X-Hub-Signature": sign(mailbox.secret, BODY)}
    with shared_service.fresh_tenant() as stranger:
        foreign = Mailbox.mint(stranger)

        answers = {
            "unknown token": mailbox.post(BODY, good, token_id="tok_nobody"),
            "no token": mailbox.post(BODY, good, path=INBOX),
            "odd token": mailbox.post(BODY, good, token_id="%00%ff/../x"),
            "revoked token": revoked.post(BODY),
            "no signature": mailbox.post(BODY, {}),
            "empty signature": mailbox.post(BODY, {"X-Hub-Signature": ""}),
            "bad signature": mailbox.post(BODY, {"X-Hub-Signature": "sha256=" + "0" * 64}),
            "garbled signature": mailbox.post(BODY, {"X-Hub-Signature": "sha256=zz"}),
            "non-ASCII signature": mailbox.post(BODY, {b"X-Hub-Signature": "sha256=é".encode()}),
            "of another body": mailbox.post(BODY + b" ", good),
            "another tenant's secret": mailbox.post(
                BODY, {"X-Hub-Signature": sign(foreign.secret, BODY)}
            ),
            "another tenant's token": mailbox.post(BODY, good, token_id=foreign.token_id),
            "the secret itself": mailbox.post(BODY, {"X-Hub-Signature": mailbox.secret}),
            "not even JSON": mailbox.post(b"{", {}),
        }

    bodies = {(answer.status_code, answer.text) for answer in answers.values()}
    assert {name for name, answer in answers.items() if answer.status_code != 401} == set()
    assert len(bodies) == 1
    assert mailbox.stored() == []


def test_a_rotated_secret_is_good_beside_the_one_before_until_the_overlap_ends(
    mailbox: Mailbox, clock: Any
) -> None:
    rotated = mailbox.service.api.post(
        f"/v1/inbox-tokens/{mailbox.token_id}/rotate", {"overlap_hours": 1}
    )
    renewed = Mailbox(mailbox.service, mailbox.token_id, rotated["secret"])
    assert mailbox.post(BODY).status_code == renewed.post(BODY).status_code == 200

    clock.advance(hours=1)

    assert (mailbox.post(BODY).status_code, renewed.post(BODY).status_code) == (401, 200)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"", "not JSON", id="empty"),
        pytest.param(b"{'a': 1}", "not JSON", id="not JSON"),
        pytest.param(b'{"a": "\xff\xfe"}', "not JSON", id="bad UTF-8"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, "not JSON", id="nested 100,000 deep"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "not JSON", id="objects 100,000"),
        pytest.param(b"[1]", "JSON object", id="a list"),
        pytest.param(b'"text"', "JSON object", id="a text"),
        pytest.param(b"null", "JSON object", id="null"),
    ],
)
def test_an_authentic_body_that_is_no_json_object_is_refused_with_the_reason(
    mailbox: Mailbox, body: bytes, words: str
) -> None:
    answer = mailbox.post(body)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


def test_a_body_beyond_the_limit_is_refused_whether_its_length_is_told_or_not(
    mailbox: Mailbox,
) -> None:
    body = b'{"a": "' + b"x" * 1_048_576 + b'"}'

    told = mailbox.post(body)
    untold = mailbox.service.api.http.post(
        f"{INBOX}/{mailbox.token_id}",
        content=iter([body]),
        headers={"X-Hub-Signature": sign(mailbox.secret, body)},
    )

    assert (told.status_code, untold.status_code) == (413, 413)
