"""Fixtures of every room: async tests run under asyncio, which is what the service runs under."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Name the one event loop that async tests use."""
    return "asyncio"
