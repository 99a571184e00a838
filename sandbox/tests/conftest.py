"""Running vendors, clients with good credentials, and a receiver of webhooks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import msgspec
import pytest

from casebridge_sandbox import (
    JiraSandbox,
    JiraScenario,
    RunningSandbox,
    ServiceNowSandbox,
    ServiceNowScenario,
    running,
)

Jira = RunningSandbox[JiraSandbox]
ServiceNow = RunningSandbox[ServiceNowSandbox]


@dataclass
class Received:
    """A webhook as it came in."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return msgspec.json.decode(self.raw)


@dataclass
class Receiver:
    """Where webhooks go: it keeps them, and answers what it is told to."""

    url: str
    received: list[Received] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)

    @property
    def bodies(self) -> list[Any]:
        return [each.body for each in self.received]


@pytest.fixture(scope="session")
def _jira() -> Iterator[Jira]:
    with running(JiraSandbox()) as vendor:
        yield vendor


@pytest.fixture
def jira(_jira: Jira) -> Jira:
    _jira.control.reset()
    return _jira


@pytest.fixture(scope="session")
def web() -> Iterator[httpx.Client]:
    """Call without credentials; one client for all, for it is slow to make."""
    with httpx.Client() as client:
        yield client


@pytest.fixture(scope="session")
def _jira_api(_jira: Jira) -> Iterator[httpx.Client]:
    scenario = JiraScenario()
    with httpx.Client(
        base_url=f"{_jira.url}/rest/api/3", auth=(scenario.email, scenario.api_token)
    ) as client:
        yield client


@pytest.fixture
def jira_api(jira: Jira, _jira_api: httpx.Client) -> httpx.Client:
    return _jira_api


@pytest.fixture
def issue() -> Callable[..., dict[str, Any]]:
    """Make the body of a create; keyword arguments are fields."""

    def make(**fields: object) -> dict[str, Any]:
        usual = {
            "project": {"key": "SEC"},
            "issuetype": {"name": "Task"},
            "summary": "Phishing mail",
        }
        return {"fields": {**usual, **fields}}

    return make


@pytest.fixture
def adf() -> Callable[[str], dict[str, Any]]:
    """Make a document of one paragraph."""

    def make(text: str) -> dict[str, Any]:
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
        return {"type": "doc", "version": 1, "content": [paragraph]}

    return make


@pytest.fixture(scope="session")
def _servicenow() -> Iterator[ServiceNow]:
    with running(ServiceNowSandbox()) as vendor:
        yield vendor


@pytest.fixture
def servicenow(_servicenow: ServiceNow) -> ServiceNow:
    _servicenow.control.reset()
    return _servicenow


@pytest.fixture(scope="session")
def _incidents(_servicenow: ServiceNow) -> Iterator[httpx.Client]:
    scenario = ServiceNowScenario()
    with httpx.Client(
        base_url=f"{_servicenow.url}/api/now/table",
        auth=(scenario.user_name, scenario.password),
        headers={"accept": "application/json"},
    ) as client:
        yield client


@pytest.fixture
def incidents(servicenow: ServiceNow, _incidents: httpx.Client) -> httpx.Client:
    return _incidents


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Listen on a real socket."""
    kept: list[Receiver] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept[0].received.append(Received(self.path, headers, raw))
            status = kept[0].answers.popleft() if kept[0].answers else 200
            self.send_response(status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.append(Receiver(f"http://127.0.0.1:{server.server_port}"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield kept[0]
    server.shutdown()
    thread.join()
    server.server_close()
