"""What is counted on the way from a case to its tickets and back."""

from __future__ import annotations

from typing import Any

from prometheus_client import REGISTRY

from casebridge_sandbox import RunningSandbox
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"casebridge_{name}_count", labels) or 0


def test_each_step_each_call_and_the_whole_way_are_counted(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    def figures() -> list[float]:
        return [
            count("push_seconds", vendor="jira", step="Mint", outcome="ok"),
            count("push_seconds", vendor="servicenow", step="PushStatus", outcome="ok"),
            count("vendor_call_seconds", vendor="jira", outcome="ok"),
            count("sync_outbound_seconds", vendor="servicenow"),
            count("inbox_seconds", vendor="jira", outcome="applied"),
            REGISTRY.get_sample_value(
                "casebridge_echoes_suppressed_total", {"vendor": "servicenow"}
            )
            or 0,
        ]

    before = figures()
    case = bridged.api.create_case()
    bridged.api.linked(case)
    jira.control.move("SEC-1", "Done", by="Ada Analyst")

    eventually(
        lambda: all(after > earlier for after, earlier in zip(figures(), before, strict=True))
    )
