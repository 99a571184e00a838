"""Casebridge's ServiceNow plugin."""
