"""The stage of the benchmarks: the service and both stand-in vendors as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from casebridge.serving import address_of, bound_socket
from casebridge_sandbox import JiraScenario, SandboxControl, ServiceNowScenario

READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """The addresses of what runs."""

    url: str
    headers: Mapping[str, str]
    vendors: Mapping[str, SandboxControl]


@contextmanager
def open_stage(folder: Path, **settings: str) -> Iterator[Stage]:
    """Start everything, connect both vendors both ways, and stop everything at the end."""
    with ExitStack() as stack:
        url = _free_url()
        environment = {
            "CASEBRIDGE_DATA_DIR": str(folder),
            "CASEBRIDGE_PUBLIC_URL": url,
            "CASEBRIDGE_LOG_LEVEL": "ERROR",
            **settings,
        }
        stack.enter_context(_process(["casebridge", "serve", "--port", _port(url)], environment))
        vendors = {}
        for vendor in ("jira", "servicenow"):
            address = _free_url()
            command = ["casebridge-sandbox", "serve", "--vendor", vendor, "--port", _port(address)]
            stack.enter_context(_process(command, {}))
            vendors[vendor] = (address, stack.enter_context(SandboxControl(address)))
        for address in (url, *(address for address, _ in vendors.values())):
            wait_for(address)
        headers = {"Authorization": f"Bearer {(folder / 'admin.key').read_text().strip()}"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False) as api:
            for vendor, (address, control) in vendors.items():
                _connect(api, vendor, address, control)
        yield Stage(url, headers, {name: control for name, (_, control) in vendors.items()})


def _connect(api: httpx.Client, vendor: str, address: str, control: SandboxControl) -> None:
    jira, servicenow = JiraScenario(), ServiceNowScenario()
    configs = {
        "jira": {"email": jira.email, "api_token": jira.api_token, "project": jira.project},
        "servicenow": {"username": servicenow.user_name, "password": servicenow.password},
    }
    config = {"base_url": address, **configs[vendor]}
    body = {"vendor": vendor, "name": vendor, "config": config}
    api.post("/v1/connectors", json=body).raise_for_status()
    token = api.post("/v1/inbox-tokens", json={"name": vendor}).raise_for_status().json()
    control.send_webhooks_to(token["url"], secret=token["secret"], token_id=token["id"])


@contextmanager
def _process(command: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    program = Path(sys.executable).parent / command[0]
    process = subprocess.Popen([program, *command[1:]], env={**os.environ, **environment})
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _free_url() -> str:
    with bound_socket() as listener:
        return address_of(listener)


def _port(url: str) -> str:
    return url.rpartition(":")[2]


def wait_for(url: str) -> None:
    """Wait until something answers there.

    Raises:
        TimeoutError: nothing did in a minute.
    """
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    msg = f"{url} did not come up"
    raise TimeoutError(msg)
