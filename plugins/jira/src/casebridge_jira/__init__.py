"""Casebridge's Jira plugin."""
