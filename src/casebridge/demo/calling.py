"""Calling the demo's own service, and waiting for what it does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

import httpx

Say = Callable[[str], object]
ResultT = TypeVar("ResultT")

_DEADLINE_SECONDS: Final = 30.0
_LOOK_EVERY_SECONDS: Final = 0.02


class DemoFailed(Exception):
    """Something that the demo waits for did not happen; the message says what."""


class Pace(Protocol):
    """How the demo spends time: people rest between two things that they do."""

    def rest(self, seconds: float) -> None:
        """Let so much of the story's time pass."""

    def glance(self) -> None:
        """Let a moment pass between two looks at what is waited for."""


class HumanPace:
    """The time of day."""

    def rest(self, seconds: float) -> None:
        """Sleep; Ctrl-C ends it."""
        time.sleep(seconds)

    def glance(self) -> None:
        """Sleep for a moment."""
        time.sleep(_LOOK_EVERY_SECONDS)


class Api:
    """The service's REST API, as its administrator calls it."""

    def __init__(self, http: httpx.Client) -> None:
        """Call with a client that knows address and key."""
        self._http = http

    @property
    def url(self) -> str:
        """The address of the service, without a slash at its end."""
        return str(self._http.base_url).rstrip("/")

    def get(self, path: str, **params: str | int) -> Any:  # noqa: ANN401 - JSON
        """Read something."""
        return self.send("GET", path, params=params)

    def post(self, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Have something done."""
        return self.send("POST", path, json=body)

    def send(self, method: str, path: str, **how: Any) -> Any:  # noqa: ANN401 - what httpx takes
        """Call, and return the JSON of the answer.

        Raises:
            DemoFailed: the service refuses.
        """
        answer = self._http.request(method, path, **how)
        if not answer.is_success:
            msg = f"the service answered {answer.status_code}: {answer.text}"
            raise DemoFailed(msg)
        return answer.json() if answer.content else None


def wait(what: str, condition: Callable[[], ResultT], pace: Pace) -> ResultT:
    """Wait until the condition is true and return its value.

    Raises:
        DemoFailed: it is not true within 30 seconds; ``what`` says what was waited for.
    """
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not (value := condition()):
        if time.monotonic() > deadline:
            msg = f"waited {_DEADLINE_SECONDS:.0f} s for {what}"
            raise DemoFailed(msg)
        pace.glance()
    return value
