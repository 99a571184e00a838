"""Secrets in everything that is said."""

from __future__ import annotations

from typing import Final

from casebridge_core.connectors import Capability
from casebridge_core.errors import PluginError
from casebridge_core.testing import faults
from casebridge_core.testing.bench import Bench, Wire
from casebridge_core.testing.rules import LiveComplaints, rule
from casebridge_core.testing.secrecy import found_in, overhearing, revealed, told_by
from casebridge_core.tickets import InboxAddress

_INBOX: Final = InboxAddress(
    url="https://soc.example.com/v1/inbox/itsm/kit-token-7d1f",
    token_id="kit-token-7d1f",  # noqa: S106 - the public id
)
_FAULTS: Final = (
    faults.unreachable,
    faults.timed_out,
    faults.answered(400, content='{"error": "bad request"}'),
    faults.answered(401, content='{"error": "unauthorized"}'),
    faults.answered(500, content='{"error": "internal"}'),
    faults.echoed,
    faults.html(),
    faults.redirected(),
)


class SecrecyRules:
    """A secret goes to the vendor and to nobody else."""

    @rule("secrets", Capability.PUSH_CASE)
    async def test_no_secret_is_told(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """No secret is logged, printed, returned or put in an error, whatever happens."""
        secrets = revealed(wire.connector.config)
        ticket = await bench.mint(wire)
        for fault in (None, *_FAULTS):
            for hook, call in bench.calls(wire, ticket).items():
                wire.transport.heal()
                if fault is not None:
                    wire.transport.strike(fault)
                said = ""
                with overhearing() as heard:
                    try:
                        said = repr(await call())
                    except Exception as error:  # noqa: BLE001 - what it says is the question
                        said = told_by(error)
                for path in found_in(heard.getvalue(), secrets):
                    yield f"{hook} logs or prints {path}"
                for path in found_in(said, secrets):
                    yield f"{hook} tells {path} in what it returns or raises"

    @rule("secrets", hooks=("itsm_setup_guide",))
    async def test_guide_tells_where_and_no_secret(
        self, bench: Bench, wire: Wire
    ) -> LiveComplaints:
        """The set-up guide has the inbox's address, and no secret."""
        wire.transport.strike(faults.unreachable)
        try:
            guide = bench.hooks.setup_guide(wire.connector, _INBOX) or ""
        except PluginError as error:
            yield f"{error} ({error.__cause__!r})"
            return
        if _INBOX.url not in guide and _INBOX.token_id not in guide:
            yield "the guide does not hold the inbox's address"
        for path in found_in(guide, revealed(wire.connector.config)):
            yield f"the guide holds {path}"
        if wire.transport.calls:
            yield "itsm_setup_guide called the vendor: it is pure"
