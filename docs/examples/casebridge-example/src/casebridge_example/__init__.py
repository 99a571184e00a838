"""Casebridge's plugin for the imaginary tracker acme."""
