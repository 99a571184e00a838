"""Stand-in Jira and ServiceNow over real HTTP, with faults."""

from __future__ import annotations

from casebridge_sandbox.control.client import ControlRefused, SandboxControl
from casebridge_sandbox.faults import Fault
from casebridge_sandbox.jira import JiraSandbox, JiraScenario
from casebridge_sandbox.runner import RunningSandbox, running
from casebridge_sandbox.servicenow import ServiceNowSandbox, ServiceNowScenario
from casebridge_sandbox.webhooks import WebhookEndpoint, WebhookFaults

__all__ = (
    "ControlRefused",
    "Fault",
    "JiraSandbox",
    "JiraScenario",
    "RunningSandbox",
    "SandboxControl",
    "ServiceNowSandbox",
    "ServiceNowScenario",
    "WebhookEndpoint",
    "WebhookFaults",
    "running",
)
