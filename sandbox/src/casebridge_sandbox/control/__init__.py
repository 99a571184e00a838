"""The control API of a sandbox: play the people, arm faults, read what happened."""

from __future__ import annotations

__all__ = ()
