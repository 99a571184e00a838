"""The clock beside a request's body: it runs out, and runs only where there is a body."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import HTTPReceiveMessage, HTTPScope

from casebridge.services.faults import Invalid, TooSlow
from casebridge.web.deadline import BodyDeadline, read_body

SOME_BODY = [(b"content-length", b"5")]
GONE: HTTPReceiveMessage = {"type": "http.disconnect"}


def piece(body: bytes, *, more: bool) -> HTTPReceiveMessage:
    return {"type": "http.request", "body": body, "more_body": more}


async def received(
    headers: list[tuple[bytes, bytes]], *coming: HTTPReceiveMessage, seconds: float = 60
) -> list[HTTPReceiveMessage]:
    """Send a request whose messages come one by one, and then none; return what a handler reads."""
    waiting = list(coming)
    read: list[HTTPReceiveMessage] = []

    async def receive() -> Any:
        if waiting:
            return waiting.pop(0)
        return await asyncio.get_running_loop().create_future()

    async def send(_message: object) -> None: ...

    async def app(_scope: object, receive: Any, _send: object) -> None:
        read.extend([await receive() for _ in coming] if seconds == 60 else [await receive()])

    scope = cast("HTTPScope", {"type": "http", "headers": headers})
    await BodyDeadline(seconds).handle(scope, receive, cast("Any", send), cast("Any", app))
    return read


async def test_a_body_comes_through_in_its_pieces_and_then_the_end_of_the_connection() -> None:
    pieces = (piece(b"12", more=True), piece(b"345", more=False), GONE)

    assert await received(SOME_BODY, *pieces) == list(pieces)


async def test_a_body_that_breaks_off_is_refused() -> None:
    with pytest.raises(Invalid, match="before it was complete"):
        await received(SOME_BODY, piece(b"12", more=True), GONE)


async def test_a_body_that_does_not_come_in_time_is_too_slow() -> None:
    with pytest.raises(TooSlow, match=r"longer than 0\.01 s"):
        await received([(b"transfer-encoding", b"chunked")], seconds=0.01)


async def test_who_sends_no_body_may_leave_at_any_time() -> None:
    assert await received([], GONE) == [GONE]


def coming(*messages: HTTPReceiveMessage) -> Any:
    """Return what receives messages one by one, and then none."""
    waiting = list(messages)

    async def receive() -> Any:
        if waiting:
            return waiting.pop(0)
        return await asyncio.get_running_loop().create_future()

    return receive


async def test_a_body_is_read_to_its_end() -> None:
    receive = coming(piece(b"12", more=True), piece(b"345", more=False), GONE)

    assert await read_body(receive, announced="5", largest=5, seconds=60) == b"12345"


@pytest.mark.parametrize(
    ("announced", "messages", "fault"),
    [
        pytest.param("6", (), RequestEntityTooLarge, id="too large by what is announced"),
        pytest.param(
            "", (piece(b"123", more=True),) * 2, RequestEntityTooLarge, id="too large by what came"
        ),
        pytest.param("5", (piece(b"123", more=True), GONE), Invalid, id="broken off"),
        pytest.param("5", (piece(b"123", more=True),), TooSlow, id="too slow"),
    ],
)
async def test_a_body_that_is_not_to_be_had_is_refused(
    announced: str, messages: tuple[HTTPReceiveMessage, ...], fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        await read_body(coming(*messages), announced=announced, largest=5, seconds=0.01)
