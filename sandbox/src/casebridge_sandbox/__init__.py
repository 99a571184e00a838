"""Stand-in ITSMs over real HTTP, with faults: Jira, ServiceNow, and those you describe.

A test starts a vendor with `running` and drives it with `SandboxControl`. The author of an
adapter for another vendor describes it as a subclass of `Simulator`, or of `VendorSandbox` to say
every detail.
"""

from __future__ import annotations

from casebridge_sandbox.clock import Clock, SandboxClock
from casebridge_sandbox.control.client import ControlRefused, SandboxControl
from casebridge_sandbox.control.messages import (
    AboutSandbox,
    CommentView,
    HistoryView,
    LinkView,
    TicketView,
    WebhooksView,
)
from casebridge_sandbox.desk import Desk, EventKind, TicketEvent
from casebridge_sandbox.exchange import Call, Refusal, Reply, UnreadableBody
from casebridge_sandbox.faults import Fault, FaultKind
from casebridge_sandbox.jira import (
    JiraSandbox,
    JiraScenario,
    standard_workflow,
    strict_workflow,
)
from casebridge_sandbox.numbering import HexIds, IdSource, NumericIds
from casebridge_sandbox.receiving import ReceivedWebhook, WebhookReceiver, receiving
from casebridge_sandbox.requests import ReceivedCall
from casebridge_sandbox.routing import NamedByCall, Operation
from casebridge_sandbox.runner import RunningSandbox, running, serve
from casebridge_sandbox.sandbox import ActionRefused, Scenario, VendorSandbox
from casebridge_sandbox.servicenow import (
    ServiceNowSandbox,
    ServiceNowScenario,
    ServiceNowTable,
    incident_table,
    security_incident_table,
)
from casebridge_sandbox.signatures import base64_signature, hub_signature
from casebridge_sandbox.simulator import Simulator, SimulatorScenario
from casebridge_sandbox.tickets import Change, Comment, Link, Person, Ticket
from casebridge_sandbox.webhooks import (
    DeliveryAttempt,
    RetryPolicy,
    WebhookEndpoint,
    WebhookFaults,
    WebhookMessage,
)
from casebridge_sandbox.workflow import Status, Transition, Workflow, open_workflow

__all__ = (
    "AboutSandbox",
    "ActionRefused",
    "Call",
    "Change",
    "Clock",
    "Comment",
    "CommentView",
    "ControlRefused",
    "DeliveryAttempt",
    "Desk",
    "EventKind",
    "Fault",
    "FaultKind",
    "HexIds",
    "HistoryView",
    "IdSource",
    "JiraSandbox",
    "JiraScenario",
    "Link",
    "LinkView",
    "NamedByCall",
    "NumericIds",
    "Operation",
    "Person",
    "ReceivedCall",
    "ReceivedWebhook",
    "Refusal",
    "Reply",
    "RetryPolicy",
    "RunningSandbox",
    "SandboxClock",
    "SandboxControl",
    "Scenario",
    "ServiceNowSandbox",
    "ServiceNowScenario",
    "ServiceNowTable",
    "Simulator",
    "SimulatorScenario",
    "Status",
    "Ticket",
    "TicketEvent",
    "TicketView",
    "Transition",
    "UnreadableBody",
    "VendorSandbox",
    "WebhookEndpoint",
    "WebhookFaults",
    "WebhookMessage",
    "WebhookReceiver",
    "WebhooksView",
    "Workflow",
    "base64_signature",
    "hub_signature",
    "incident_table",
    "open_workflow",
    "receiving",
    "running",
    "security_incident_table",
    "serve",
    "standard_workflow",
    "strict_workflow",
)
