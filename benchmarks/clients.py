"""CPU of a push over https, by HTTP client: what an adapter's call costs before any vendor answers.

Each contender posts the same ticket to the same server, a process of its own that answers HTTP/1.1
and HTTP/2 without looking at anything. Needs benchmarks/requirements.txt.

Run: python benchmarks/clients.py [--pushes 2000] [--at-once 8]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import ssl
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import h2.config
import h2.connection
import h2.events
import httpx
from httpx_aiohttp import AiohttpTransport

from casebridge.services.reach import LOOPBACK, Reach
from casebridge.services.transport import GuardedPool

TICKET = {"fields": {"summary": "Suspicious sign-in", "description": "x" * 1000, "labels": ["a"]}}
ANSWER = json.dumps({"id": "10001", "key": "SEC-1", "self": "x" * 900}).encode()
HEADERS = {"Authorization": "Basic dXNlcjpzZWNyZXQ=", "Accept": "application/json"}
HEAD = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
EXPENSIVE = 20
"""One contender costs as much as this many of the others."""

Post = Callable[[str], Awaitable[Any]]


class Plain(asyncio.Protocol):
    """Answers HTTP/1.1 and HTTP/2 by what was agreed on."""

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - asyncio's
        """Begin as was agreed on."""
        self.transport, self.bytes = transport, b""
        agreed = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        self.h2: Any = None
        if agreed == "h2":
            config = h2.config.H2Configuration(client_side=False)
            self.h2 = h2.connection.H2Connection(config)
            self.h2.initiate_connection()
            transport.write(self.h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        if self.h2 is None:
            self.answer_plainly(data)
            return
        for told in self.h2.receive_data(data):
            if isinstance(told, h2.events.DataReceived):
                self.h2.acknowledge_received_data(told.flow_controlled_length, told.stream_id)
            if isinstance(told, h2.events.StreamEnded):
                headers = [(":status", "201"), ("content-type", "application/json")]
                self.h2.send_headers(told.stream_id, headers)
                self.h2.send_data(told.stream_id, ANSWER, end_stream=True)
        self.transport.write(self.h2.data_to_send())

    def answer_plainly(self, data: bytes) -> None:
        """Answer by HTTP/1.1, one request at a time."""
        self.bytes += data
        head, found, body = self.bytes.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(body) >= length:
            self.bytes = body[length:]
            self.transport.write(HEAD % len(ANSWER) + ANSWER)


def serve(folder: str, port: Connection) -> None:
    """Serve until the process is terminated."""

    async def work() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
        context.set_alpn_protocols(["h2", "http/1.1"])
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Plain, "127.0.0.1", 0, ssl=context)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(work())


async def measure(name: str, post: Post, url: str, pushes: int, at_once: int) -> None:
    """Push, and print what one push cost this process."""
    left = iter(range(pushes))

    async def push() -> None:
        for _ in left:
            await post(url)

    await asyncio.gather(*(post(url) for _ in range(at_once)))  # the connections stand
    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(push() for _ in range(at_once)))
    cpu, took = time.process_time() - cpu, time.perf_counter() - began
    print(f"{name:<38} {1e6 * cpu / pushes:8.0f} us CPU, {pushes / took:7.0f} pushes/s", flush=True)


def through(client: httpx.AsyncClient) -> Post:
    """Post with a client that is there."""

    async def post(url: str) -> object:
        return (await client.post(url, json=TICKET, headers=HEADERS)).json()

    return post


def anew(context: ssl.SSLContext | str) -> Post:
    """Post with a client of its own for each push; given a path, with a TLS context of its own."""

    async def post(url: str) -> object:
        trust = context
        if isinstance(trust, str):
            trust = ssl.create_default_context()  # what httpx does for each client
            trust.load_verify_locations(str(context))
        async with httpx.AsyncClient(verify=trust) as client:
            return await through(client)(url)

    return post


@asynccontextmanager
async def with_aiohttp(context: ssl.SSLContext) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session of aiohttp."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        yield session


async def compare(url: str, certificate: str, pushes: int, at_once: int) -> None:
    """Measure every contender."""
    context = httpx.create_ssl_context()
    context.load_verify_locations(certificate)
    few = max(1, pushes // EXPENSIVE)
    await measure("httpx, client and context per push", anew(certificate), url, few, at_once)
    await measure("httpx, client per push", anew(context), url, few, at_once)
    async with httpx.AsyncClient(verify=context) as client:
        await measure("httpx, shared", through(client), url, pushes, at_once)
    async with httpx.AsyncClient(verify=context, http2=True) as client:
        await measure("httpx, shared, HTTP/2", through(client), url, pushes, at_once)
    pool = GuardedPool(Reach.of(LOOPBACK))
    pool._pool._ssl_context = context  # noqa: SLF001 - it trusts no certificate of our own
    async with httpx.AsyncClient(transport=pool) as client:
        await measure("httpx, through Casebridge's pool", through(client), url, pushes, at_once)
    async with with_aiohttp(context) as session:
        transport = AiohttpTransport(client=session)
        async with httpx.AsyncClient(transport=transport) as client:
            await measure("httpx over aiohttp", through(client), url, pushes, at_once)
    async with with_aiohttp(context) as session:

        async def post(url: str) -> object:
            async with session.post(url, json=TICKET, headers=HEADERS) as answer:
                return await answer.json()

        await measure("aiohttp", post, url, pushes, at_once)


def main() -> None:
    """Serve, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pushes", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=8)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_certificate(Path(folder))
        here, there = multiprocessing.Pipe()
        server = multiprocessing.Process(target=serve, args=(folder, there), daemon=True)
        server.start()
        url = f"https://localhost:{here.recv()}/issue"
        certificate = f"{folder}/cert.pem"
        asyncio.run(compare(url, certificate, arguments.pushes, arguments.at_once))
        server.terminate()


def make_certificate(folder: Path) -> None:
    """Make a certificate for localhost that signs itself."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
    more = "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    subprocess.run(f"{command} {more}".split(), cwd=folder, check=True, capture_output=True)


if __name__ == "__main__":
    main()
