"""Connectors that do not know of each other, and hooks that do not hold up the service."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from casebridge_core.connectors import Capability
from casebridge_core.errors import CasebridgeError, InvalidConfig
from casebridge_core.secret import Secret
from casebridge_core.testing import faults
from casebridge_core.testing.bench import Bench, Wire
from casebridge_core.testing.rulebook.projecting import texts
from casebridge_core.testing.rules import LiveComplaints, rule
from casebridge_core.testing.secrecy import found_in, revealed
from casebridge_core.testing.vendors import NotOffered
from casebridge_core.tickets import Ticket

_ROUNDS: Final = 3


class ConnectorRules:
    """Many connectors are served by one process, and one of them may be slow."""

    @rule("connectors", Capability.PUSH_CASE)
    async def test_calls_go_through_the_connector(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """Every call goes through the connector's own client, and to its hosts only."""
        ticket = await bench.mint(wire)
        wire.transport.strike(faults.unreachable)
        for hook, call in bench.calls(wire, ticket).items():
            before = len(wire.transport.calls)
            with contextlib.suppress(CasebridgeError):
                await call()
            if len(wire.transport.calls) == before:
                yield f"{hook} did not call the vendor through connector.http"
        for host in wire.transport.strangers:
            yield f"{host} was called, and is none of the connector's hosts"

    @rule("connectors", Capability.PUSH_CASE)
    async def test_connectors_never_mix(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """Two connectors at work at once never share a credential or an answer."""
        ticket = await bench.mint(wire)
        ours = revealed(wire.connector.config)
        theirs = {path: f"kit-other-{path}-7d1f" for path in ours}
        if not ours:
            raise NotOffered("the configuration under test has no secret to tell connectors by")
        made_up = _with_secrets(wire.connector.config, "kit-other-{}-7d1f")
        try:
            bench.hooks.decode_config(made_up)
        except InvalidConfig as error:
            raise NotOffered(
                f"the configuration refuses secrets that are made up: {error}"
            ) from None
        async with bench.connect(
            made_up, name="kit-other", tenant="kit-other-tenant", inner=_Refusing()
        ) as other:
            for _ in range(_ROUNDS):
                wire.transport.heal()
                async for complaint in _both_at_once(bench, wire, other, ticket):
                    yield complaint
                for path in found_in("\n".join(_sent(wire)), theirs):
                    yield f"one connector sent the {path} of another"
                for path in found_in("\n".join(_sent(other)), ours):
                    yield f"one connector sent the {path} of another"

    @rule("connectors", Capability.PUSH_CASE)
    async def test_a_vendor_that_hangs_holds_up_nobody(
        self, bench: Bench, wire: Wire
    ) -> LiveComplaints:
        """A connector whose vendor does not answer holds up no other connector."""
        ticket = await bench.mint(wire)
        hanging = _Hanging()
        async with bench.connect(name="kit-hanging", inner=hanging) as other:
            stuck = [asyncio.ensure_future(call()) for call in bench.calls(other, ticket).values()]
            await hanging.reached.wait()
            try:
                for hook, call in bench.calls(wire, ticket).items():
                    try:
                        await asyncio.wait_for(call(), bench.vendor.patience)
                    except TimeoutError:
                        yield f"{hook} waits for another connector: keep no lock in the module"
                        break
            finally:
                for each in stuck:
                    each.cancel()
                await asyncio.gather(*stuck, return_exceptions=True)

    @rule("connectors", Capability.PUSH_CASE, packages=("blockbuster",))
    async def test_async_hooks_do_not_block(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """No async hook blocks the event loop that serves everybody else."""
        from blockbuster import BlockBuster, BlockingError  # noqa: PLC0415 - of the extra

        ticket = await bench.mint(wire)
        for call in bench.calls(wire, ticket).values():
            await call()  # once, since a first import may well read files
        package = bench.plugin.__name__.partition(".")[0]
        # Only what the adapter does: a simulator has a loop of its own, in another thread.
        watch = BlockBuster(sys.modules.get(package, bench.plugin))
        for hook, call in bench.calls(wire, await bench.mint(wire)).items():
            watch.activate()
            try:
                await call()
            except BlockingError as error:
                yield f"{hook} blocks the event loop: {error}"
            except CasebridgeError as error:
                if isinstance(error.__cause__, BlockingError):
                    yield f"{hook} blocks the event loop: {error.__cause__}"
            finally:
                watch.deactivate()


class _Hanging(httpx.AsyncBaseTransport):
    """A vendor that takes a request and never answers it."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - as below
        """Wait until the caller gives up."""
        self.reached.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")


class _Refusing(httpx.AsyncBaseTransport):
    """A vendor that refuses every credential."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - httpx's own
        """Answer 401."""
        await asyncio.sleep(0)
        return httpx.Response(401, json={"error": "unauthorized"})


async def _both_at_once(bench: Bench, wire: Wire, other: Wire, ticket: Ticket) -> LiveComplaints:
    """Call every hook for both connectors, interleaved; one must work, and the other must not."""
    good, bad = bench.calls(wire, ticket), bench.calls(other, ticket)
    names = [name for name in good if name != "itsm_check_connection"]
    answers = await asyncio.gather(
        *(call for name in names for call in (good[name](), bad[name]())), return_exceptions=True
    )
    for name, answer, refusal in zip(names, answers[::2], answers[1::2], strict=True):
        if isinstance(answer, BaseException):
            yield f"{name} fails beside another connector of this vendor: {answer}"
        if not isinstance(refusal, BaseException):
            yield f"{name} works with a credential that the vendor refuses: whose is it?"


def _sent(wire: Wire) -> list[str]:
    return texts(wire.transport.calls)


def _with_secrets(config: object, text: str) -> Mapping[str, Any]:
    """Return a configuration as JSON values, with every secret replaced."""
    paths = iter(revealed(config))

    def replaced(value: object) -> str:
        if isinstance(value, Secret):
            return text.format(next(paths))
        raise NotImplementedError

    values: Mapping[str, Any] = msgspec.to_builtins(config, enc_hook=replaced, str_keys=True)
    return values
