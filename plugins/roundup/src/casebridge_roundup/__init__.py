"""Casebridge's Roundup plugin, for Roundup 2 trackers over their REST interface.

The entry point names `casebridge_roundup.plugin`; `RoundupConfig` is what a connector is configured
with. `casebridge_roundup.detector` is the file that goes into the tracker.
"""

from __future__ import annotations

from casebridge_roundup.config import RoundupConfig

__all__ = ["RoundupConfig"]
