"""Whatever a stranger sends, signed or not, is answered from the list and never with a 500."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casebridge_core.signatures import digest, sign
from casebridge_sandbox import RunningSandbox
from tests.letters import INBOX, Mailbox, jira_moved, servicenow_moved
from tests.stage import Service

Vendor = RunningSandbox[Any]

ANSWERS = {200, 400, 401, 413, 429}

texts = st.text(max_size=300) | st.sampled_from(["", "\x00", "\ud800", "é" * 200, "9" * 400])
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | texts
    | st.sampled_from(["Done", "10002", "6", "In Progress", "ada-account", "9999-12-31T23:59:59Z"])
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
paths = st.lists(st.integers(0, 8), min_size=1, max_size=5)
fuzz = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def mailbox(shared_service: Service) -> Mailbox:
    return Mailbox.mint(shared_service)


@pytest.fixture
def bodies(bridged: Service) -> list[dict[str, Any]]:
    """Bodies of both vendors about tickets that are there."""
    case = bridged.api.create_case()
    tickets = bridged.api.linked(case)
    jira = json.loads(jira_moved(tickets["jira"]["external_id"], "Done"))
    jira["comment"] = {"id": "1", "body": "text", "author": {"accountId": "ada-account"}}
    servicenow = json.loads(servicenow_moved(tickets["servicenow"]["external_id"], "6"))
    servicenow["sys_updated_on"] = "2999-01-01 00:00:00"
    servicenow["comment"] = {"sys_id": "1", "value": "text", "element": "work_notes"}
    return [jira, servicenow]


def encoded(body: object) -> bytes:
    return json.dumps(body).encode("utf-8", "surrogatepass")


def mutate(body: object, path: list[int], value: object) -> object:
    """Return a body with one of its values, named by a path of positions, replaced."""
    if not path or not isinstance(body, dict | list) or not body:
        return value
    if isinstance(body, list):
        at = path[0] % len(body)
        return [mutate(v, path[1:], value) if n == at else v for n, v in enumerate(body)]
    name = sorted(body)[path[0] % len(body)]
    return {**body, name: mutate(body[name], path[1:], value)}


@fuzz
@given(body=st.binary(max_size=400))
def test_any_bytes_with_a_good_signature_are_answered(mailbox: Mailbox, body: bytes) -> None:
    assert mailbox.post(body).status_code in ANSWERS


@fuzz
@given(body=values)
def test_any_json_with_a_good_signature_is_answered(mailbox: Mailbox, body: object) -> None:
    assert mailbox.post(encoded(body)).status_code in ANSWERS


@fuzz
@given(data=st.data(), which=st.integers(0, 1), path=paths, value=values)
def test_a_webhook_with_any_value_anywhere_is_answered(
    bridged: Service,
    bodies: list[dict[str, Any]],
    data: st.DataObject,
    which: int,
    path: list[int],
    value: object,
) -> None:
    mailbox = Mailbox.mint(bridged)

    answer = mailbox.post(encoded(mutate(bodies[which], path, value)))

    assert answer.status_code in ANSWERS, answer.text


header_values = st.binary(max_size=120).map(
    lambda raw: bytes(b for b in raw if b >= 0x20 and b != 0x7F).strip()
)


@fuzz
@given(signature=header_values, token=header_values, kind=header_values)
def test_any_headers_are_answered(
    mailbox: Mailbox, signature: bytes, token: bytes, kind: bytes
) -> None:
    body = jira_moved("1", "Done")
    headers = [
        (b"X-Hub-Signature", signature),
        (b"X-AiSOC-Signature", signature),
        (b"X-AiSOC-Timestamp", token),
        (b"X-AiSOC-Secret", signature),
        (b"X-AiSOC-Token-Id", token),
        (b"Content-Type", kind),
    ]

    answer = httpx.post(mailbox.service.url + INBOX, content=body, headers=headers, trust_env=False)

    assert answer.status_code == 401


@fuzz
@given(timestamp=header_values | st.from_regex(rb"[0-9]{0,14}", fullmatch=True))
def test_any_timestamp_is_answered(mailbox: Mailbox, timestamp: bytes) -> None:
    body = jira_moved("1", "Done")
    message = timestamp.strip() + b"." + body
    mac = digest(mailbox.secret, message).hex().encode()

    answer = mailbox.post(body, {b"X-AiSOC-Signature": mac, b"X-AiSOC-Timestamp": timestamp})

    assert answer.status_code in ANSWERS - {400}


@fuzz
@given(secret=st.text(max_size=60))
def test_any_secret_in_the_address_is_answered(mailbox: Mailbox, secret: str) -> None:
    path = f"{INBOX}/{mailbox.token_id}/".encode()
    path += b"".join(b"%%%02x" % b for b in secret.encode("utf-8", "replace"))
    address = httpx.URL(mailbox.service.url).copy_with(raw_path=path)

    answer = mailbox.service.api.http.post(address, content=jira_moved("1", "Done"))

    assert answer.status_code == 401


@fuzz
@given(kind=header_values, delivery=header_values)
def test_a_good_signature_with_any_other_headers_is_answered(
    mailbox: Mailbox, kind: bytes, delivery: bytes
) -> None:
    body = jira_moved("1", "Done")
    headers = {
        b"X-Hub-Signature": sign(mailbox.secret, body).encode(),
        b"Content-Type": kind,
        b"X-Atlassian-Webhook-Identifier": delivery,
    }

    assert mailbox.post(body, headers).status_code == 200


@fuzz
@given(token=st.text(max_size=60))
def test_any_token_in_the_address_is_answered(mailbox: Mailbox, token: str) -> None:
    address = httpx.URL(mailbox.service.url).copy_with(
        raw_path=INBOX.encode()
        + b"/"
        + b"".join(b"%%%02x" % b for b in token.encode("utf-8", "replace"))
    )

    answer = httpx.post(address, content=jira_moved("1", "Done"), trust_env=False)

    assert answer.status_code in {401, 404, 405}
