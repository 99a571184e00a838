"""Connections that really break, on real sockets: what was stored and what certainly was not."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from casebridge_core import InvalidRequest, OutcomeUnknown, PushError, VendorUnavailable
from casebridge_core.http import VendorApi

MARKER = "s3cr3t-marker"

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[[Answer], AbstractAsyncContextManager[VendorApi]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[VendorApi]:
    """Serve raw bytes on a free port, and yield a client of it."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        patience = httpx.Timeout(60, read=0.3)  # `silence` is waited for, a busy machine is not
        async with httpx.AsyncClient(timeout=patience, trust_env=False) as http:
            yield VendorApi(
                http, f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {MARKER}"}
            )
    finally:
        server.close()
        await server.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return head + await reader.readexactly(length)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.transport.abort()


async def half_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"id": ')


async def no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


async def false_gzip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!")


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await reader.read()


async def well(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{"id": 1}')


@pytest.mark.parametrize("answer", [hang_up, reset, half_an_answer, no_http, false_gzip, silence])
@pytest.mark.parametrize(
    ("method", "error"), [("GET", VendorUnavailable), ("POST", OutcomeUnknown)]
)
async def test_a_connection_cut_after_the_request_leaves_a_write_unknown(
    answer: Answer, method: str, error: type[PushError]
) -> None:
    async with serving(answer) as api:
        with pytest.raises(PushError) as caught:
            await api.request(method, "/issue", payload={"summary": "x"})

    assert type(caught.value) is error
    assert caught.value.retryable
    assert MARKER not in "".join(traceback.format_exception(caught.value))


async def test_a_vendor_that_answers_is_read() -> None:
    async with serving(well) as api:
        assert await api.request("POST", "/issue", payload={"summary": "x"}) == {"id": 1}


async def test_a_closed_port_is_certainly_not_done() -> None:
    async with serving(well) as api:
        pass
    async with httpx.AsyncClient(trust_env=False) as http:
        api = VendorApi(http, api._base_url)
        with pytest.raises(VendorUnavailable, match=r"could not connect to 127\.0\.0\.1:"):
            await api.request("POST", "/issue")


async def test_a_line_break_in_the_credential_is_refused_before_anything_is_sent() -> None:
    received: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read())

    async with serving(listen) as api:
        api._headers["Authorization"] = f"Bearer {MARKER}\r\nX-Injected: yes"
        with pytest.raises(InvalidRequest, match="a line break in the credential") as caught:
            await api.request("POST", "/issue", payload={"summary": "x"})

    assert MARKER not in "".join(traceback.format_exception(caught.value))
    assert b"".join(received) == b""
