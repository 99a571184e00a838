"""The lines of a connection check."""

from __future__ import annotations

from casebridge_core import CheckLine


def well(name: str, detail: str) -> CheckLine:
    """Return a line that says that all is well."""
    return CheckLine(name=name, ok=True, detail=detail)


def failed(name: str, detail: object, cure: str) -> CheckLine:
    """Return a line that says what is wrong."""
    return CheckLine(name=name, ok=False, detail=str(detail), cure=cure)


def unsure(name: str, detail: object, cure: str = "") -> CheckLine:
    """Return a line about what cannot be seen, or is neither good nor bad."""
    return CheckLine(name=name, ok=None, detail=str(detail), cure=cure)
