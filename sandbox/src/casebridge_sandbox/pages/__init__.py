"""The HTML pages of a sandbox."""

from __future__ import annotations

from typing import Any

from casebridge_sandbox.exchange import Call, Reply
from casebridge_sandbox.sandbox import VendorSandbox

__all__ = ("Pages",)


class Pages:
    def __init__(self, sandbox: VendorSandbox[Any]) -> None:
        self._sandbox = sandbox

    def answer(self, call: Call) -> Reply | None:
        return None
