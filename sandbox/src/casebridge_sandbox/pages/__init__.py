"""The HTML pages of a sandbox."""

from __future__ import annotations

from casebridge_sandbox.pages.site import Pages

__all__ = ("Pages",)
