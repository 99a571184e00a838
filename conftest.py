"""Fixtures of every room, and what makes all of their tests cheaper."""

import gc
import os

import pytest

# A pytest that a test starts loads what an author of a plugin has: these two take it a second.
os.environ.setdefault("PYTEST_ADDOPTS", "-p no:schemathesis -p no:faker")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Name the one event loop that async tests use, which is what the service runs under."""
    return "asyncio"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spare the garbage collector what stays: it would walk every module and test over and over."""
    gc.collect()
    gc.freeze()
