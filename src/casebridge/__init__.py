"""Casebridge, the host: cases become tickets, and signed webhooks bring their status back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litestar import Litestar

__all__ = ["create_app"]


def create_app() -> Litestar:
    """Build the ASGI application from the environment (see `casebridge.settings.Settings`).

    Raises:
        InvalidSettings: an environment variable cannot be used.
    """
    from casebridge.asgi import create_app as create  # noqa: PLC0415 - keeps the command line quick

    return create()
