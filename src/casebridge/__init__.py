"""Casebridge keeps a security case canonical and its ITSM tickets in step."""
