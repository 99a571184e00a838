"""Bodies and headers that are made to hurt, on authentic deliveries: each has its answer."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from casebridge_core.signatures import sign
from tests.letters import INBOX, Mailbox, jira_moved
from tests.stage import Service

BODY = jira_moved("4711", "Done")


@pytest.fixture(scope="module")
def mailbox(shared_service: Service) -> Mailbox:
    return Mailbox.mint(shared_service)


def good(mailbox: Mailbox, body: bytes = BODY) -> dict[str, str]:
    return {"X-AiSOC-Signature": sign(mailbox.secret, body)}


def told(mailbox: Mailbox, body: bytes, **headers: str) -> httpx.Response:
    return mailbox.post(body, {**good(mailbox, body=body), **headers})


def untold(mailbox: Mailbox, body: bytes, **headers: str) -> httpx.Response:
    """Deliver in chunks, without saying how much there is."""
    return mailbox.service.api.http.post(
        f"{INBOX}/{mailbox.token_id}",
        content=iter([body[:1000], body[1000:]]),
        headers={**good(mailbox, body=body), **headers},
    )


@pytest.mark.parametrize("deliver", [told, untold])
def test_a_size_bomb_is_not_read_to_its_end(mailbox: Mailbox, deliver: Any) -> None:
    kept = len(mailbox.stored())

    answer = deliver(mailbox, b'{"a": "' + b"x" * 2_000_000 + b'"}')

    assert answer.status_code == 413
    assert len(mailbox.stored()) == kept


def test_a_compressed_bomb_is_not_unpacked(mailbox: Mailbox) -> None:
    bomb = gzip.compress(b'{"a": "' + b"x" * 50_000_000 + b'"}')
    assert len(bomb) < 100_000

    answer = told(mailbox, bomb, **{"Content-Encoding": "gzip"})

    assert answer.status_code == 400
    assert "not JSON" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"[" * 100_000 + b"]" * 100_000, 400, id="nested lists"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, id="nested objects"),
        pytest.param(b'{"issue":' + b"[" * 900 + b"]" * 900 + b"}", 200, id="nested a little"),
        pytest.param(b'{"a": ' + b"9" * 100_000 + b"}", None, id="a huge number"),
        pytest.param(b'{"a": 1e999999}', None, id="a number beyond all numbers"),
        pytest.param(b'{"a": NaN}', 400, id="NaN"),
        pytest.param(b'{"a": Infinity}', 400, id="Infinity"),
        pytest.param(b'{"a": "\\ud800"}', None, id="a lone surrogate, escaped"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', 400, id="a lone surrogate, in UTF-8"),
        pytest.param(b'{"a": "\xff"}', 400, id="bad UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", 400, id="a byte order mark"),
        pytest.param('{"a": 1}'.encode("utf-16"), 400, id="UTF-16"),
        pytest.param(b'{"a": 1, "a": 2}', 200, id="one name twice"),
        pytest.param(b"{" + b",".join(b'"%d":0' % n for n in range(90_000)) + b"}", 200, id="wide"),
    ],
)
def test_a_bomb_is_answered_from_the_list(mailbox: Mailbox, body: bytes, status: Any) -> None:
    answer = told(mailbox, body)

    assert answer.status_code in ({status} if status else {200, 400})


@pytest.mark.parametrize(
    "value",
    [0, -1, 10**30, 1.5, True, None, [], {}, ["6"], {"name": 6}, {"id": {}}, "\ud800", "x" * 5000],
)
@pytest.mark.parametrize("vendor", ["jira", "servicenow"])
def test_another_type_than_a_text_is_answered(mailbox: Mailbox, vendor: str, value: Any) -> None:
    if vendor == "jira":
        payload = json.loads(BODY)
        payload["issue"]["id"] = payload["issue"]["fields"]["status"] = value
        payload["timestamp"] = value
    else:
        payload = {"sys_id": value, "state": value, "sys_updated_by": value}

    assert told(mailbox, json.dumps(payload).encode()).status_code in {200, 400}


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Type", "text/plain")],
        [("Content-Type", "multipart/form-data; boundary=x")],
        [("Content-Type", "application/x-www-form-urlencoded")],
        [("Content-Type", "application/json; charset=utf-16")],
        [("Content-Type", "")],
        [("Content-Type", "application/json"), ("Content-Type", "text/xml")],
        [("X-Atlassian-Webhook-Identifier", "one"), ("X-Atlassian-Webhook-Identifier", "two")],
    ],
    ids=str,
)
def test_other_headers_do_not_stop_an_authentic_delivery(
    mailbox: Mailbox, headers: list[tuple[str, str]]
) -> None:
    answer = mailbox.service.api.http.post(
        f"{INBOX}/{mailbox.token_id}",
        content=BODY,
        headers=[*good(mailbox).items(), *headers],
    )

    assert answer.status_code == 200


def test_what_proves_a_delivery_counts_once(mailbox: Mailbox) -> None:
    proof = good(mailbox)
    for twice in (
        [*proof.items(), *proof.items()],
        [*proof.items(), ("X-AiSOC-Signature", "0" * 64)],
        [*proof.items(), ("X-AiSOC-Token-Id", mailbox.token_id), ("X-AiSOC-Token-Id", "tok_x")],
    ):
        by_header = len(twice) > 2
        path = INBOX if by_header else f"{INBOX}/{mailbox.token_id}"
        answer = mailbox.service.api.http.post(path, content=BODY, headers=twice)
        assert answer.status_code == 401
