"""Webhooks: whose a payload is, what it says, and whatever else may come."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import msgspec
from msgspec import UNSET

from casebridge_core.connectors import Capability
from casebridge_core.errors import CasebridgeError
from casebridge_core.signatures import AISOC_SIGNATURE, SignatureScheme
from casebridge_core.testing.bench import Bench, Wire
from casebridge_core.testing.hearing import Heard, hearing
from casebridge_core.testing.listener import SECRET, Webhook
from casebridge_core.testing.parts import damaged
from casebridge_core.testing.payloads import FOREIGN_PAYLOADS
from casebridge_core.testing.rules import Complaints, LiveComplaints, rule
from casebridge_core.testing.values import flaws
from casebridge_core.testing.vendors import NotOffered
from casebridge_core.tickets import Delivery, NativeStatus, Person

_DETECTS: Final = ("itsm_detect_inbound",)
_DAMAGED: Final = 3_000
"""How many payloads with a gap are tried in all."""
_FUZZES: Final = ("hypothesis",)


class WebhookRules:
    """Detection, signatures, and what an event says."""

    payloads: tuple[Mapping[str, Any], ...] = ()
    """Samples of the vendor's own payloads, for a vendor that cannot be made to send them."""

    @rule("webhooks", hooks=_DETECTS)
    def test_samples_are_claimed(self, bench: Bench) -> Complaints:
        """Every sample of the vendor's own payloads is claimed."""
        if not self.payloads:
            raise NotOffered("there are no samples: set payloads on the test class")
        for number, payload in enumerate(self.payloads):
            event = bench.hooks.detect(Delivery(headers={}, payload=payload))
            if event is None:
                yield f"payloads[{number}] is not claimed"
            yield from (f"payloads[{number}]: {flaw}" for flaw in flaws(event))

    @rule("webhooks", hooks=_DETECTS)
    def test_nobody_elses_payload_is_claimed(self, bench: Bench) -> Complaints:
        """No payload of another vendor is claimed."""
        for vendor, payload in FOREIGN_PAYLOADS:
            if vendor == bench.hooks.manifest.vendor:
                continue
            try:
                event = bench.hooks.detect(Delivery(headers={}, payload=payload))
            except CasebridgeError as error:
                yield f"a payload of {vendor}: {error} ({error.__cause__!r})"
                continue
            if event is not None:
                yield f"a payload of {vendor} is claimed, {_shown(payload)}: ask for more of yours"

    @rule("webhooks", hooks=_DETECTS, packages=_FUZZES)
    async def test_detection_survives_any_json(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """Detection neither fails nor changes the payload, whatever JSON object comes."""
        from casebridge_core.testing.fuzz import payloads_like, smallest_breaking  # noqa: PLC0415

        own = [*self.payloads, *await _own_payloads(bench, wire)]

        def complain(payload: dict[str, Any]) -> str | None:
            before = copy.deepcopy(payload)
            try:
                event = bench.plugin.itsm_detect_inbound(Delivery(headers={}, payload=payload))
            except Exception as error:  # noqa: BLE001 - any is one too many
                return f"itsm_detect_inbound raised {error!r} for {_shown(before)}"
            if payload != before:
                return "itsm_detect_inbound changed a payload, which is not its own to change"
            return next((f"{flaw}, for {_shown(before)}" for flaw in flaws(event)), None)

        foreign = [payload for _, payload in FOREIGN_PAYLOADS]
        most = _DAMAGED // (len(own) or 1)
        gaps = cast("Iterator[dict[str, Any]]", (p for each in own for p in damaged(each, most)))
        complaint = next(filter(None, map(complain, gaps)), None)
        complaint = complaint or smallest_breaking(payloads_like(own or foreign), complain)
        if complaint:
            yield complaint

    @rule("webhooks", Capability.INBOUND_STATUS, packages=_FUZZES)
    async def test_inbound_map_survives_any_text(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """The inbound map answers for any status that somebody may make up."""
        from casebridge_core.testing.fuzz import ANY_TEXT, smallest_breaking  # noqa: PLC0415

        def complain(text: str) -> str | None:
            for native in (NativeStatus(name=text), NativeStatus(name="Kit", id=text)):
                try:
                    bench.hooks.meanings_of(wire.connector, native)
                except CasebridgeError as error:
                    return f"{error} ({error.__cause__!r}), for {native}"
            return None

        complaint = smallest_breaking(ANY_TEXT, complain)
        if complaint:
            yield complaint

    @rule("webhooks", Capability.PUSH_CASE, Capability.INBOUND_STATUS)
    async def test_a_persons_move_comes_in(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A move that a person makes comes in, signed, for its ticket, with its status."""
        async with hearing(bench, wire) as ears:
            target = bench.leading_away(wire, ears.ticket).native
            bench.vendor.move(ears.ticket.ref, target)
            heard = await ears.wait_for(lambda e: e.status is not None and e.status.matches(target))
            if heard is None:
                yield f"no webhook told that a person moved the ticket to {target!r}"
                return
            for complaint in _about_a_move(bench, wire, heard):
                yield complaint
            if await _is_us(bench, wire, heard.event.actor):
                yield (
                    "a person's move came in from our own account, and would be left out: tell who"
                    " moved the ticket, not who made it; a vendor under test needs a person of its"
                    " own for move()"
                )

    @rule(
        "webhooks",
        Capability.PUSH_CASE,
        Capability.PUSH_STATUS,
        Capability.INBOUND_STATUS,
        hooks=("itsm_identify_account",),
    )
    async def test_our_own_writes_are_known(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """The actor of our own writes is the account that itsm_identify_account tells."""
        account = await bench.hooks.identify_account(wire.connector)
        for flaw in flaws(account):
            yield f"itsm_identify_account: {flaw}"
        async with hearing(bench, wire) as ears:
            change = bench.leading_away(wire, ears.ticket)
            await bench.hooks.push_status_change(wire.connector, ears.ticket.ref, change)
            heard = await ears.wait_for(
                lambda e: e.status is not None and e.status.matches(change.native)
            )
            if heard is None:
                return  # a vendor may keep our own changes from us
            actor, native = heard.event.actor, heard.event.status
            if actor is None or actor.id != account.id:
                yield f"our own write came in from {actor}, and we are {account.id!r}"
            if native and change.status not in bench.hooks.meanings_of(wire.connector, native):
                yield f"the echo of {change.status} came in as {native}, which means something else"

    @rule("webhooks", Capability.PUSH_CASE, Capability.INBOUND_ASSIGNEE)
    async def test_an_assignee_comes_in(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """An assignment comes in with the person, and without a status."""
        async with hearing(bench, wire) as ears:
            bench.vendor.assign(ears.ticket.ref)
            heard = await ears.wait_for(lambda e: e.assignee not in {UNSET, None})
            if heard is None:
                yield "no webhook told that a person was given the ticket"
                return
            if heard.event.status is not None:
                yield "an assignment came in with a status: give it only when it may have changed"
            if heard.event.comments:
                yield f"an assignment came in with a comment, {heard.event.comments[0]}"

    @rule("webhooks", Capability.PUSH_CASE, Capability.INBOUND_COMMENTS)
    async def test_a_persons_comment_comes_in(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A comment that a person writes comes in with text and author, as theirs."""
        text = "Kit looked into it."
        async with hearing(bench, wire) as ears:
            bench.vendor.comment(ears.ticket.ref, text)
            heard = await ears.wait_for(lambda e: bool(e.comments))
            if heard is None:
                yield "no webhook told of a person's comment"
                return
            for flaw in flaws(heard.event):
                yield f"itsm_detect_inbound: {flaw}"
            comment, *_ = heard.event.comments
            if comment.text.strip() != text:
                yield f"a comment came in as {comment.text!r}"
            if comment.author is None:
                yield "a comment came in without its author"
            if comment.key is not None:
                yield f"a person's comment passes for ours, {comment.key}"
            for who, person in (("actor", heard.event.actor), ("author", comment.author)):
                if await _is_us(bench, wire, person):
                    yield (
                        f"the {who} of a person's comment is our own account: tell who wrote it; a"
                        " vendor under test needs a person of its own for comment()"
                    )

    @rule("webhooks", Capability.PUSH_CASE, Capability.PUSH_COMMENT, Capability.INBOUND_COMMENTS)
    async def test_our_comments_are_known(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """Our own comment comes in with its key, so that it is left out."""
        comment, *_ = bench.comments(wire)
        async with hearing(bench, wire) as ears:
            await bench.hooks.push_comment(wire.connector, ears.ticket.ref, comment)
            heard = await ears.wait_for(lambda e: bool(e.comments))
            if heard is not None and heard.event.comments[0].key != comment.key:
                yield (
                    f"our comment {comment.key} came in with the key"
                    f" {heard.event.comments[0].key!r}: it will be taken for a person's"
                )

    @rule("webhooks", Capability.PUSH_CASE, hooks=_DETECTS)
    async def test_a_deletion_comes_in(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A ticket that is deleted comes in as deleted, and with no status."""
        async with hearing(bench, wire) as ears:
            bench.vendor.delete(ears.ticket.ref)
            heard = await ears.wait_for(lambda e: e.deleted)
            if heard is None:
                yield (
                    "no webhook told that the ticket was deleted; where the vendor never tells of"
                    " deletions, the vendor under test raises NotOffered in its delete()"
                )
            elif heard.event.status is not None:
                yield f"a deletion came in with the status {heard.event.status.name!r}"


def _about_a_move(bench: Bench, wire: Wire, heard: Heard) -> Complaints:
    event, webhook = heard.event, heard.webhook
    yield from (f"itsm_detect_inbound: {flaw}" for flaw in flaws(event))
    if event.occurred_at is None:
        yield "the event has no occurred_at: late webhooks would pass for news"
    if event.comments:
        yield f"a move came in with a comment, {event.comments[0]}: an empty note is none"
    if event.site is not None and event.site not in wire.connector.config.hosts():
        yield f"the event's site {event.site!r} is none of the connector's hosts"
    schemes = (AISOC_SIGNATURE, *bench.hooks.manifest.signature_schemes)
    if not any(_is_signed(webhook, scheme) for scheme in schemes):
        names = " or ".join(scheme.header for scheme in schemes)
        yield f"the webhook is not signed in {names}: declare how in signature_schemes"
    payload = msgspec.json.decode(webhook.body)
    if bench.hooks.detect(Delivery(headers=webhook.headers, payload=payload)) != event:
        yield "the same webhook, delivered twice, is read as two different events"


async def _is_us(bench: Bench, wire: Wire, person: Person | None) -> bool:
    """Tell whether somebody is the account that the connector works with."""
    if person is None or not bench.hooks.has("itsm_identify_account"):
        return False
    return person.id == (await bench.hooks.identify_account(wire.connector)).id


def _is_signed(webhook: Webhook, scheme: SignatureScheme) -> bool:
    timestamp = webhook.headers.get(scheme.timestamp_header or "")
    return scheme.verify(SECRET, webhook.body, webhook.headers.get(scheme.header, ""), timestamp)


async def _own_payloads(bench: Bench, wire: Wire) -> list[dict[str, Any]]:
    """Return payloads that the vendor sends, if it can be made to send any."""
    if not bench.can(Capability.PUSH_CASE):
        return []
    try:
        async with hearing(bench, wire) as ears:
            target = bench.leading_away(wire, ears.ticket).native
            bench.vendor.comment(ears.ticket.ref, "Kit.")
            bench.vendor.move(ears.ticket.ref, target)
            await ears.wait_for(lambda e: e.status is not None and e.status.matches(target))
            return ears.payloads()
    except NotOffered:
        return []


def _shown(payload: object) -> str:
    return msgspec.json.encode(payload).decode()[:300]
