"""What the demo runs: the service on SQLite, a stand-in Jira and a stand-in ServiceNow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from casebridge.asgi import create_app
from casebridge.demo.calling import Api
from casebridge.demo.sign_in import SignInLink
from casebridge.services.clock import Clock, utc_now
from casebridge.services.tenants import FIRST_KEY_FILE
from casebridge.serving import address_of, bound_socket, free_port, serving
from casebridge.settings import Settings
from casebridge_sandbox import (
    JiraSandbox,
    JiraScenario,
    RunningSandbox,
    ServiceNowSandbox,
    ServiceNowScenario,
    running,
)

_PORT: Final = 8000
_JIRA_PORT: Final = 8101
_SERVICENOW_PORT: Final = 8102


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that runs; ``sign_in`` is the address that signs a browser in, once."""

    api: Api
    jira: RunningSandbox[JiraSandbox]
    servicenow: RunningSandbox[ServiceNowSandbox]
    folder: Path
    sign_in: str

    @property
    def key_file(self) -> Path:
        """Where the API key is."""
        return self.folder / FIRST_KEY_FILE

    def vendor(self, name: str) -> RunningSandbox[Any]:
        """Return a vendor by its name."""
        return self.jira if name == "jira" else self.servicenow

    def connect(self, vendor: str, **config: object) -> str:
        """Connect a vendor both ways, as an administrator would; return the connector's id.

        ``config`` goes before what the stand-in asks for.
        """
        own = self._jira_config() if vendor == "jira" else self._servicenow_config()
        body = {"vendor": vendor, "name": f"demo {vendor}", "config": {**own, **config}}
        connector = self.api.post("/v1/connectors", body)
        token = self.api.post("/v1/inbox-tokens", {"name": f"webhooks of {vendor}"})
        self.vendor(vendor).control.send_webhooks_to(
            token["url"], secret=token["secret"], token_id=token["id"]
        )
        return str(connector["id"])

    def _jira_config(self) -> dict[str, object]:
        scenario = self.jira.sandbox.scenario
        return {
            "base_url": self.jira.url,
            "email": scenario.email,
            "api_token": scenario.api_token,
            "project": scenario.project,
        }

    def _servicenow_config(self) -> dict[str, object]:
        scenario = self.servicenow.sandbox.scenario
        return {
            "base_url": self.servicenow.url,
            "username": scenario.user_name,
            "password": scenario.password,
        }


@contextmanager
def staged(
    *,
    jira: JiraScenario | None = None,
    servicenow: ServiceNowScenario | None = None,
    clock: Clock = utc_now,
) -> Iterator[Stage]:
    """Start everything on 127.0.0.1, at the usual ports where they are free; then remove it all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="casebridge-demo-")))
        jira_there = stack.enter_context(
            running(JiraSandbox(jira, clock=clock), port=free_port(_JIRA_PORT))
        )
        servicenow_there = stack.enter_context(
            running(ServiceNowSandbox(servicenow, clock=clock), port=free_port(_SERVICENOW_PORT))
        )
        listener = stack.enter_context(closing(bound_socket(_PORT)))
        url = address_of(listener)
        settings = Settings(data_dir=folder, public_url=url, sweep_seconds=0.2)
        app, link = create_app(settings, clock=clock), SignInLink(clock)
        app.register(link.route())
        stack.enter_context(serving(app, listener))
        key = (folder / FIRST_KEY_FILE).read_text().strip()
        http = stack.enter_context(
            httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False)
        )
        yield Stage(
            api=Api(http),
            jira=jira_there,
            servicenow=servicenow_there,
            folder=folder,
            sign_in=url + link.offer(key),
        )
