"""Comments that the case puts on its ticket, each exactly once."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Final

import msgspec

from casebridge_core.connectors import Capability
from casebridge_core.errors import CasebridgeError
from casebridge_core.testing import faults
from casebridge_core.testing.bench import Bench, Wire
from casebridge_core.testing.faults import Strike
from casebridge_core.testing.rules import LiveComplaints, rule
from casebridge_core.testing.values import flaws

_POSTS: Final = (Capability.PUSH_CASE, Capability.PUSH_COMMENT)
_LONG: Final = "word " * 4_000


class CommentRules:
    """Posting a comment, finding it again, and never a second one."""

    @rule("comments", *_POSTS)
    async def test_a_comment_is_found_by_its_key(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A comment is found by its key, and by no other."""
        ref = (await bench.mint(wire)).ref
        comment, *_ = bench.comments(wire)
        longer = msgspec.structs.replace(comment, key=f"{comment.key}0")
        if await bench.hooks.find_comment(wire.connector, ref, comment.key):
            yield "itsm_find_comment finds a comment on a new ticket"
        other = await bench.hooks.push_comment(wire.connector, ref, longer)
        if await bench.hooks.find_comment(wire.connector, ref, comment.key):
            yield f"itsm_find_comment takes {longer.key} for {comment.key}: compare the whole key"
        posted = await bench.hooks.push_comment(wire.connector, ref, comment)
        for flaw in flaws(posted):
            yield f"itsm_push_comment: {flaw}"
        for key, wanted in ((comment.key, posted), (longer.key, other)):
            found = await bench.hooks.find_comment(wire.connector, ref, key)
            if found != (wanted,):
                yield f"itsm_find_comment finds {found} for {key}, which was posted as {wanted}"

    @rule("comments", *_POSTS)
    async def test_a_quoted_key_is_not_ours(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A comment in which a person quotes a key is not taken for ours."""
        ref = (await bench.mint(wire)).ref
        comment, *_ = bench.comments(wire)
        bench.vendor.comment(ref, f"Did you see {comment.key} in the case?")
        if await bench.hooks.find_comment(wire.connector, ref, comment.key):
            yield "itsm_find_comment takes a person's comment that quotes the key for ours"

    @rule("comments", *_POSTS)
    async def test_a_comment_survives_faults(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """One comment, when its answer is lost, broken or a 500, or the process is killed."""
        async for complaint in _struck(
            bench,
            wire,
            faults.timed_out,
            faults.stored_but_500,
            faults.stored_but_html,
            faults.half_json,
            faults.killed_before,
            faults.killed_after,
        ):
            yield complaint

    @rule("comments", *_POSTS)
    async def test_a_long_comment_is_posted(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A comment of 20,000 characters is posted, and still found by its key."""
        ref = (await bench.mint(wire)).ref
        comment = msgspec.structs.replace(bench.comments(wire)[0], text=f"kit {_LONG}")
        try:
            posted = await bench.hooks.push_comment(wire.connector, ref, comment)
        except CasebridgeError as error:
            yield f"a long comment was not posted: {error}"
            return
        if await bench.hooks.find_comment(wire.connector, ref, comment.key) != (posted,):
            yield "a long comment is not found by its key: shorten the text, never the key"


async def _struck(bench: Bench, wire: Wire, *strikes: Strike) -> LiveComplaints:
    """Strike each request of a post in turn; do what the host does; count the comments."""
    transport, hooks = wire.transport, bench.hooks
    ref = (await bench.mint(wire)).ref
    comment, *_ = bench.comments(wire)
    transport.heal()
    await hooks.push_comment(wire.connector, ref, comment)
    requests = len(transport.calls)
    for fault, number in product(strikes, range(1, requests + 1)):
        name = getattr(fault, "__name__", "a-fault").replace("_", "-")
        struck = msgspec.structs.replace(comment, key=f"{comment.key}.{name}.{number}")
        transport.strike(fault, first=number, count=1)
        trouble = await bench.converge(
            wire,
            partial(hooks.push_comment, wire.connector, ref, struck),
            partial(hooks.find_comment, wire.connector, ref, struck.key),
        )
        transport.heal()
        found = await hooks.find_comment(wire.connector, ref, struck.key)
        where = f"{name} at request {number} of {requests}"
        if trouble:
            yield f"{where}: the comment {trouble}"
        if len(found) != 1:
            yield (
                f"{where}: there are {len(found)} comments with the key. Post the key with the"
                " comment, and raise OutcomeUnknown when the answer is not clear"
            )
