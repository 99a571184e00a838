"""A stand-in Jira, Cloud or Data Center."""

from __future__ import annotations

from casebridge_sandbox.jira.sandbox import JiraSandbox
from casebridge_sandbox.jira.scenario import JiraScenario, standard_workflow, strict_workflow

__all__ = ("JiraSandbox", "JiraScenario", "standard_workflow", "strict_workflow")
