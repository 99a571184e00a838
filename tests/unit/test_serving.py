"""Serving on a socket of our own."""

from __future__ import annotations

import asyncio
import socket

from casebridge.serving import bound_socket


async def test_an_answer_in_two_parts_is_not_held_back() -> None:
    """A connection that we accept sends at once what it is given, header and body apart."""
    undelayed = asyncio.get_running_loop().create_future()

    def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("socket")
        undelayed.set_result(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = bound_socket()
    async with await asyncio.start_server(connected, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await undelayed
        writer.close()
        await writer.wait_closed()
