"""Casebridge's plugin that redacts what leaves."""
