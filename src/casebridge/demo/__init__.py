"""The demo: the service beside two stand-in vendors, on this machine alone."""

from casebridge.demo.calling import DemoFailed
from casebridge.demo.running import run

__all__ = ("DemoFailed", "run")
