"""What leaves of a case."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import unquote_plus

from casebridge_core import projection
from casebridge_core.cases import Severity
from casebridge_core.connectors import Capability
from casebridge_core.testing.bench import Bench, Wire
from casebridge_core.testing.faults import Call
from casebridge_core.testing.parts import scalars
from casebridge_core.testing.rules import LiveComplaints, rule
from casebridge_core.testing.sample_case import (
    HOST,
    RAW_EVENT,
    RULE,
    TENANT,
    TITLE,
    new_key,
    sample_case,
)
from casebridge_core.testing.secrecy import found_in, revealed


class ProjectionRules:
    """The ticket is a projection: what informs the investigation stays with the case."""

    @rule("projection")
    async def test_severity_is_the_initial_one(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A change of severity after creation is not projected."""
        key = new_key()
        calm, grave = (
            bench.hooks.project_case(wire.connector, sample_case(severity=severity), key)
            for severity in (Severity.LOW, Severity.CRITICAL)
        )
        if calm != grave or grave.severity is not Severity.LOW:
            yield "the projection depends on case.severity: use case.severity_initial"

    @rule("projection")
    async def test_only_the_two_kinds_of_comments(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """No comments are projected but the agent's summary and the containment actions."""
        key, case = new_key(), sample_case()
        default = projection.itsm_project_case(case, key)
        known = {comment.key for comment in default.comments}
        for comment in bench.hooks.project_case(wire.connector, case, key).comments:
            if comment.key not in known:
                yield f"the projection adds the comment {comment.key}"

    @rule("projection", Capability.PUSH_CASE)
    async def test_nothing_else_leaves(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """Raw events, the tenant and what else the case keeps never reach the vendor."""
        await _everything(bench, wire)
        for text in texts(wire.transport.calls):
            for what, mark in (("a raw event", RAW_EVENT), ("the tenant's id", TENANT)):
                if mark in text:
                    yield f"{what} was sent to the vendor, in: {text[:80]}"

    @rule("projection", Capability.PUSH_CASE)
    async def test_ticket_tells_what_people_need(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """The ticket tells title, link to the case, rules, entities and correlation key."""
        projected = bench.projection(wire)
        await bench.hooks.push_case(wire.connector, projected)
        sent = "\n".join(texts(wire.transport.calls))
        wanted = {
            "the title": TITLE,
            "the link to the case": projected.deep_link,
            "the detection rules": RULE.split()[0],
            "the involved entities": HOST,
            "the correlation key": projected.correlation_key,
        }
        for what, text in wanted.items():
            if text not in sent:
                yield f"{what} did not reach the vendor: documents.describe(projection) has it"

    @rule("projection", Capability.PUSH_CASE)
    async def test_no_secret_in_a_url(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """No secret stands in a URL, where every proxy would log it."""
        await _everything(bench, wire)
        secrets = revealed(wire.connector.config)
        for call in wire.transport.calls:
            for secret in found_in(str(call.request.url), secrets):
                yield f"{secret} stands in the URL of {call.request.method}: send it in a header"


async def _everything(bench: Bench, wire: Wire) -> None:
    """Push a case, its comments and its status, and read it all again."""
    ticket = await bench.mint(wire)
    for call in bench.calls(wire, ticket).values():
        await call()


def texts(calls: Iterable[Call]) -> list[str]:
    """Return every text that left, as the vendor reads it: URLs, JSON texts, form fields."""
    found: list[str] = []
    for call in calls:
        found += [unquote_plus(str(call.request.url)), *map(str, call.request.headers.values())]
        raw = call.content.decode(errors="replace")
        try:
            found += map(str, scalars(json.loads(raw)))
        except ValueError:
            found += [raw, unquote_plus(raw)]
    return found
