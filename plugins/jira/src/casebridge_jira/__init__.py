"""Casebridge's Jira plugin, for Jira Cloud and Jira Data Center.

The entry point names `casebridge_jira.plugin`; `JiraConfig` is what a connector is configured with.
"""

from __future__ import annotations

from casebridge_jira.config import Deployment, JiraConfig

__all__ = ["Deployment", "JiraConfig"]
