"""A stand-in ServiceNow."""

from __future__ import annotations

from casebridge_sandbox.servicenow.sandbox import ServiceNowSandbox
from casebridge_sandbox.servicenow.scenario import ServiceNowScenario
from casebridge_sandbox.servicenow.tables import (
    ServiceNowTable,
    incident_table,
    security_incident_table,
)

__all__ = (
    "ServiceNowSandbox",
    "ServiceNowScenario",
    "ServiceNowTable",
    "incident_table",
    "security_incident_table",
)
