"""The demo: one case, two stand-in vendors, there and back, told line by line."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from casebridge.asgi import create_app
from casebridge.logs import configure
from casebridge.services.tenants import FIRST_KEY_FILE
from casebridge.serving import address_of, bound_socket, free_port, serving
from casebridge.settings import Settings
from casebridge_sandbox import JiraSandbox, RunningSandbox, ServiceNowSandbox, running

Say = Callable[[str], object]
ResultT = TypeVar("ResultT")
Vendor = RunningSandbox[Any]

_PORT: Final = 8000
_JIRA_PORT: Final = 8101
_SERVICENOW_PORT: Final = 8102
_DEADLINE_SECONDS: Final = 30.0
_LOOK_EVERY_SECONDS: Final = 0.02
_CASE: Final = {
    "title": "Credential theft on web-01",
    "summary": "lsass was read by an unsigned process; then web-01 called 203.0.113.9.",
    "severity": "high",
    "agent_summary": "Confidence 0.93: credential dumping followed by beaconing. Isolate web-01.",
    "detection_rules": ["Credential dumping from lsass", "Beaconing to a rare address"],
    "raw_events": ["evt-2211", "evt-2212", "evt-2219"],
    "entities": [
        {"kind": "host", "value": "web-01"},
        {"kind": "user", "value": "svc-backup"},
        {"kind": "ip", "value": "203.0.113.9"},
    ],
}
_ACTION: Final = {"action": "Isolate host", "target": "web-01", "outcome": "isolated by the EDR"}


class DemoFailed(Exception):
    """Something that the demo waits for did not happen; the message says what."""


def run(*, say: Say, once: bool) -> None:
    """Run the demo; ``once`` ends it when all has happened, else it stays until Ctrl-C.

    Raises:
        DemoFailed: a step did not happen within 30 seconds.
    """
    configure("ERROR")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the data is removed
    say("Casebridge demo. Everything runs on this machine, on 127.0.0.1 only.\n")
    with (
        tempfile.TemporaryDirectory(prefix="casebridge-demo-") as folder,
        running(JiraSandbox(), port=free_port(_JIRA_PORT)) as jira,
        running(ServiceNowSandbox(), port=free_port(_SERVICENOW_PORT)) as servicenow,
        _service(Path(folder)) as api,
    ):
        say(f"  Casebridge               {api.base_url}  (API: {api.base_url}/schema)")
        say(f"  stand-in for Jira        {jira.url}")
        say(f"  stand-in for ServiceNow  {servicenow.url}\n")
        story = _Story(api, say)
        _connect(api, jira, servicenow)
        story.tell("connected to both, and both send signed webhooks back")
        _there_and_back(story, jira, servicenow)
        if not once:
            say("Look at the case, and sign in with the API key:")
            say(f"  {story.case()['deep_link']}")
            say(f"  the key is in {folder}/{FIRST_KEY_FILE}")
            say("Move the tickets yourself on their pages and watch the case follow:")
            say(f"  {jira.url}/browse/SEC-1")
            say(f"  {story.ticket('servicenow')['url']}")
            say(f'  curl -H "Authorization: Bearer $(cat {folder}/{FIRST_KEY_FILE})" \\')
            say(f"       {api.base_url}/v1/cases/{story.case_id}/timeline")
            say("\nCtrl-C ends the demo and removes its data.")
            with suppress(KeyboardInterrupt):
                story.follow()


@contextmanager
def _service(folder: Path) -> Iterator[httpx.Client]:
    listener = bound_socket(_PORT)
    url = address_of(listener)
    app = create_app(Settings(data_dir=folder, public_url=url, sweep_seconds=0.2))
    with serving(app, listener):
        key = (folder / FIRST_KEY_FILE).read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False) as api:
            yield api
    listener.close()


def _connect(api: httpx.Client, jira: Vendor, servicenow: Vendor) -> None:
    """Connect both vendors, as an administrator would do it."""
    scenario = jira.sandbox.scenario
    config: dict[str, object] = {
        "base_url": jira.url,
        "email": scenario.email,
        "api_token": scenario.api_token,
        "project": scenario.project,
    }
    _connect_one(api, "jira", jira, config)
    scenario = servicenow.sandbox.scenario
    config = {
        "base_url": servicenow.url,
        "username": scenario.user_name,
        "password": scenario.password,
    }
    _connect_one(api, "servicenow", servicenow, config)


def _connect_one(
    api: httpx.Client, vendor: str, sandbox: Vendor, config: dict[str, object]
) -> None:
    connector = {"vendor": vendor, "name": f"demo {vendor}", "config": config}
    _read(api.post("/v1/connectors", json=connector))
    token = _read(api.post("/v1/inbox-tokens", json={"name": f"webhooks of {vendor}"}))
    sandbox.control.send_webhooks_to(token["url"], secret=token["secret"], token_id=token["id"])


def _there_and_back(story: _Story, jira: Vendor, servicenow: Vendor) -> None:
    """Play the case: minted twice, resolved by a human in one ITSM, followed by the other."""
    story.create(_CASE)
    for vendor in ("jira", "servicenow"):
        ticket = story.wait(f"the {vendor} ticket", partial(story.minted, vendor))
        story.tell(f"minted {ticket['key']}: {ticket['url']}")
    story.post("containment-actions", _ACTION)
    story.tell("containment recorded: web-01 isolated by the EDR")
    story.post("status", {"status": "contained"})
    story.tell("analyst: case open → contained")
    number = story.ticket("servicenow")["key"]
    story.wait("SEC-1 in progress", lambda: jira.control.ticket("SEC-1").status == "In Progress")
    story.tell("SEC-1 is In Progress")
    story.wait(
        f"{number} in progress",
        lambda: servicenow.control.ticket(number).status == "In Progress",
    )
    story.tell(f"{number} is In Progress")
    jira.control.move("SEC-1", "Done", by="Ada Analyst")
    story.tell("Ada Analyst moves SEC-1 to Done, in Jira")
    story.wait("the case to follow", lambda: story.case()["status"] == "resolved")
    story.tell("signed webhook: case contained → resolved, by itsm-webhook (jira)")
    story.wait(
        f"{number} to follow",
        lambda: servicenow.control.ticket(number).status == "Resolved",
    )
    story.tell(f"{number} is Resolved, in ServiceNow")
    story.wait("everything to be settled", story.settled)
    story.tell("nothing bounced: the case is resolved, and both tickets agree\n")
    story.show_timeline()


class _Story:
    """Tells what happens, with the seconds since the beginning."""

    def __init__(self, api: httpx.Client, say: Say) -> None:
        self._api = api
        self._say = say
        self._began = time.monotonic()
        self._shown = 0
        self.case_id = ""

    def tell(self, line: str) -> None:
        """Print one line."""
        self._say(f"  {time.monotonic() - self._began:5.2f} s  {line}")

    def wait(self, what: str, condition: Callable[[], ResultT]) -> ResultT:
        """Wait until the condition is true and return its value."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while not (value := condition()):
            if time.monotonic() > deadline:
                self.show_timeline()
                msg = f"waited {_DEADLINE_SECONDS:.0f} s for {what}"
                raise DemoFailed(msg)
            time.sleep(_LOOK_EVERY_SECONDS)
        return value

    def create(self, case: Mapping[str, object]) -> None:
        """Create the case."""
        self.case_id = _read(self._api.post("/v1/cases", json=case))["id"]
        self.tell(f"case {self.case_id} created: {case['title']!r}, severity {case['severity']}")

    def post(self, verb: str, body: dict[str, str]) -> None:
        """Do something to the case."""
        _read(self._api.post(f"/v1/cases/{self.case_id}/{verb}", json=body))

    def case(self) -> Any:  # noqa: ANN401 - JSON
        """Read the case."""
        return _read(self._api.get(f"/v1/cases/{self.case_id}"))

    def ticket(self, vendor: str) -> Any:  # noqa: ANN401 - JSON
        """Return the case's ticket at a vendor."""
        return next(t for t in self.case()["tickets"] if t["vendor"] == vendor)

    def minted(self, vendor: str) -> Any:  # noqa: ANN401 - JSON
        """Return the case's ticket at a vendor once it has a key."""
        ticket = self.ticket(vendor)
        return ticket if ticket["key"] else None

    def settled(self) -> bool:
        """Tell whether the case is still resolved and every ticket is where it should be."""
        case = self.case()
        linked = all(ticket["state"] == "linked" for ticket in case["tickets"])
        return linked and case["status"] == "resolved"

    def show_timeline(self) -> None:
        """Print the timeline's lines that were not shown yet."""
        path = f"/v1/cases/{self.case_id}/timeline"
        rows = _read(self._api.get(path, params={"limit": 200}))["items"]
        if self._shown == 0:
            self._say("The case's timeline:")
        for row in rows[self._shown :]:
            self._say(f"  {row['at'][11:19]}  {row['actor_label']:<26} {row['text']}")
        self._shown = len(rows)
        if rows:
            self._say("")

    def follow(self) -> None:
        """Print the timeline as it grows, until interrupted."""
        forever = threading.Event()
        while not forever.wait(1):
            path = f"/v1/cases/{self.case_id}/timeline"
            rows = _read(self._api.get(path, params={"limit": 200}))["items"]
            for row in rows[self._shown :]:
                self._say(f"  {row['at'][11:19]}  {row['actor_label']:<26} {row['text']}")
            self._shown = len(rows)


def _read(response: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    if not response.is_success:
        msg = f"the service answered {response.status_code}: {response.text}"
        raise DemoFailed(msg)
    return response.json() if response.content else None
