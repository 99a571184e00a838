"""Casebridge's ServiceNow plugin: incidents as projections of cases, over the Table API."""

from __future__ import annotations

from casebridge_servicenow.config import ServiceNowConfig
from casebridge_servicenow.severities import Priority

__all__ = ["Priority", "ServiceNowConfig"]
