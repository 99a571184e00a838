"""The ASGI application of a sandbox: API, pages, control, and the faults between them."""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from casebridge_sandbox.control.api import control_operations
from casebridge_sandbox.exchange import Call, Refusal, Reply, UnreadableBody
from casebridge_sandbox.pages import Pages
from casebridge_sandbox.requests import ReceivedCall, without_credentials
from casebridge_sandbox.routing import Operation, Router
from casebridge_sandbox.striking import Outcome, strike

if TYPE_CHECKING:
    from casebridge_sandbox.faults import Fault
    from casebridge_sandbox.sandbox import VendorSandbox

__all__ = ("SandboxApplication",)

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Close = Callable[[_Scope], None]

_log = logging.getLogger(__name__)
_CONTROL = "/_sandbox"


class SandboxApplication:
    """Serves one sandbox.

    Args:
        sandbox: The vendor.
        close_connection: Closes the TCP connection of a scope at once.
    """

    def __init__(self, sandbox: VendorSandbox[Any], *, close_connection: _Close) -> None:
        self._sandbox = sandbox
        self._close_connection = close_connection
        self._pages = Pages(sandbox)
        self._control = Router([*control_operations(sandbox), *self._pages.operations()])
        self.stopping = asyncio.Event()

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Serve one connection event of the ASGI server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            call = await _read(scope, receive)
            outcome = await self._answer(call)
            await self._deliver(outcome, scope, receive, send)

    async def _live(self, receive: _Receive, send: _Send) -> None:
        await receive()
        await self._sandbox.webhooks.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._sandbox.webhooks.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, call: Call) -> Outcome:
        if call.path == _CONTROL or call.path.startswith(f"{_CONTROL}/"):
            return Outcome(await self._control_reply(call))
        entered = self._sandbox.enter(call)
        if isinstance(entered, Reply):
            return Outcome(entered)
        call = entered
        context = self._sandbox.context_path
        if context and call.path != context and not call.path.startswith(f"{context}/"):
            if call.path == "/":
                return Outcome(Reply(302, headers={"location": f"{context}/"}))
            return Outcome(self._sandbox.unknown_path(call))
        call = replace(call, path=call.path.removeprefix(context) or "/")
        if (page := self._pages.answer(call)) is not None:
            return Outcome(page)
        return await self._api(call)

    async def _control_reply(self, call: Call) -> Reply:
        if not _is_loopback(call.client_host):
            return _control_error(403, "the control API answers on the loopback interface only")
        origin = call.headers.get("origin")
        if origin and origin.partition("://")[2] != call.headers.get("host"):
            return _control_error(403, "the control API does not answer to other pages")
        found = self._control.match(call.method, call.path)
        if found is None:
            return _control_error(404, f"there is no {call.method} {call.path}")
        operation, params = found
        return await _handle(operation, replace(call, params=params))

    async def _api(self, call: Call) -> Outcome:
        sandbox = self._sandbox
        began = asyncio.get_running_loop().time()
        number = sandbox.requests.take_number()
        call = replace(call, actor=sandbox.identify(call))
        found = sandbox.router.match(call.method, call.path)
        name, fault = "", None
        if found is None:
            outcome = Outcome(sandbox.unknown_path(call))
        else:
            operation, params = found
            call = replace(call, params=params)
            name = operation.name_for(call)
            fault = sandbox.faults.draw(name)
            await self._pause(sandbox.scenario.latency_seconds)
            outcome = await self._work(call, operation, name, fault)
        if outcome.reply is not None:
            outcome = replace(outcome, reply=outcome.reply.with_headers(sandbox.headers(call)))
        sandbox.requests.add(
            ReceivedCall(
                number=number,
                at=sandbox.clock(),
                method=call.method,
                path=call.door + sandbox.context_path + call.path,
                query=without_credentials(call.query),
                operation=name,
                status=outcome.reply.status if outcome.reply and not outcome.cut else None,
                actor=call.actor.name if call.actor else None,
                fault=fault.kind if fault else None,
                seconds=round(asyncio.get_running_loop().time() - began, 4),
            )
        )
        return outcome

    async def _work(
        self, call: Call, operation: Operation, name: str, fault: Fault | None
    ) -> Outcome:
        sandbox = self._sandbox

        def perform() -> Reply:
            refused = sandbox.refuse_anonymous(call, name) if call.actor is None else None
            if refused is not None:
                return refused
            try:
                reply = operation.handler(call)
            except Refusal as refusal:
                return refusal.reply
            except UnreadableBody:
                return sandbox.failure(400)
            except Exception as error:  # noqa: BLE001 - an author's handler, told to its author
                _log.exception("the simulator's handler `%s` failed", name)
                told = f"the simulator's handler `{name}` raised {type(error).__name__}: {error}"
                return Reply.json({"error": told}, 500)
            if inspect.isawaitable(reply):
                msg = f"{name} is not answered at once"
                raise TypeError(msg)
            return reply

        if fault is None:
            return Outcome(perform())
        return await strike(sandbox, fault, perform, self._pause)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the server."""
        if seconds <= 0:
            return
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _deliver(
        self, outcome: Outcome, scope: _Scope, receive: _Receive, send: _Send
    ) -> None:
        reply = outcome.reply
        if reply is not None:
            headers = {
                "date": format_datetime(self._sandbox.clock(), usegmt=True),
                "content-length": str(len(reply.body)),
                **reply.headers,
            }
            if reply.status == 204:  # noqa: PLR2004 - a 204 has no length to declare
                del headers["content-length"]
            await send(
                {
                    "type": "http.response.start",
                    "status": reply.status,
                    "headers": [
                        (name.lower().encode("latin-1"), value.encode("latin-1"))
                        for name, value in headers.items()
                    ],
                }
            )
            if not outcome.cut:
                body = b"" if call_is_head(scope) else reply.body
                await send({"type": "http.response.body", "body": body})
                return
            half = reply.body[: len(reply.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
        self._close_connection(scope)
        # Returning before the server knows of the disconnect would make it answer 500.
        while (await receive())["type"] != "http.disconnect":
            pass


def call_is_head(scope: _Scope) -> bool:
    """Tell whether a request asks for headers only."""
    return bool(scope["method"] == "HEAD")


async def _read(scope: _Scope, receive: _Receive) -> Call:
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    client = scope.get("client")
    return Call(
        method=scope["method"],
        path=unquote(scope["path"]),
        query=scope["query_string"].decode("latin-1"),
        headers={
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        },
        body=b"".join(chunks),
        client_host=client[0] if client else "",
    )


async def _handle(operation: Operation, call: Call) -> Reply:
    try:
        reply = operation.handler(call)
        return await reply if inspect.isawaitable(reply) else reply
    except Refusal as refusal:
        return refusal.reply
    except UnreadableBody as error:
        return _control_error(400, str(error))


def _control_error(status: int, message: str) -> Reply:
    return Reply.json({"error": message}, status)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
