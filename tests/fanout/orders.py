"""Requests that more than one subject needs: a wall in a workflow, and what must be refused."""

from __future__ import annotations

from typing import Any, cast

import httpx

from casebridge_sandbox import RunningSandbox
from tests.stage import Service

Vendor = RunningSandbox[Any]


def wall_off_done(jira: Vendor) -> None:
    """Leave no transition into the status Done."""
    workflow = cast("dict[str, Any]", jira.control.scenario()["workflow"])
    edges = [edge for edge in workflow["transitions"] if edge["name"] != "Done"]
    jira.control.change_scenario(workflow={**workflow, "transitions": edges})


def refuse(service: Service, path: str, body: object = None) -> httpx.Response:
    """Send a request that must be refused."""
    answer = service.api.http.post(path, json=body)
    assert answer.is_client_error, f"{answer.status_code} {answer.text}"
    return answer
