"""Decisions: pure functions over plain values. No database, no network, no clock of its own."""
