"""Inbox tokens: minted, rotated and revoked, with the guide that a vendor is set up by."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from casebridge.bridge import Bridge
from casebridge.services.events import EventFilter, StoredEvent
from casebridge.services.faults import Invalid
from casebridge.services.idempotency import ONCE_MORE, Answer, Attempt
from casebridge.services.tenants import Principal, Scope
from casebridge.services.tokens import HeldToken, IssuedToken, NewToken, Rotation
from casebridge.web.access import TheBridge
from casebridge.web.console.forms import Form, filled, moment, order
from casebridge.web.console.guide import to_html
from casebridge.web.console.pages import go, page
from casebridge.web.console.session import TheVisitor, Visitor
from casebridge.web.events import EventView
from casebridge.web.paging import decode_cursor, encode_cursor
from casebridge.web.tokens import IssuedTokenView, issued_view, token_view
from casebridge_core import InboxScheme

NONCE: Final = "nonce"
"""The field that tells two forms apart which say the same."""
_DELIVERIES: Final = 5
_OVERLAPS: Final = {0: "not at all", 1: "an hour", 24: "a day", 168: "a week", 720: "30 days"}
"""How long (hours) the secret before may stay good, and what a form calls that."""


class Guide(msgspec.Struct, frozen=True):
    """The guide for a token and a connector, or why there is none."""

    connector_id: str
    html: str = ""
    problem: str = ""


@get("/tokens", include_in_schema=False, opt={"scope": Scope.WRITE})
async def token_list(bridge: TheBridge, visitor: TheVisitor) -> Template:
    """List the tokens, those that are over last."""
    held = await bridge.tokens.list(visitor.who)
    rows = [(token_view(bridge, each), each.connector) for each in held]
    return page(
        "tokens.html",
        visitor,
        rows=sorted(rows, key=lambda row: row[0].state != "active"),
        schemes=list(InboxScheme),
        connectors=await bridge.connectors.list(visitor.who),
        nonce=secrets.token_urlsafe(),
    )


@get("/tokens/{token_id:str}", include_in_schema=False, opt={"scope": Scope.WRITE})
async def token_page(
    bridge: TheBridge,
    visitor: TheVisitor,
    token_id: FromPath[str],
    connector: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Template:
    """Show a token, its last deliveries, and the set-up guide for ``connector``.

    ``after`` is the delivery after which somebody waits for the next one.
    """
    held = await bridge.tokens.get(visitor.who, token_id)
    which = EventFilter(token_id=token_id)
    found = await bridge.events.list(visitor.who, which, limit=_DELIVERIES)
    newest = found[0].row.id if found else 0
    since = decode_cursor(after or None)
    arrived = [each for each in found if since is not None and _came_after(each, since)]
    connectors = await bridge.connectors.list(visitor.who)
    known = [row.public_id for row in connectors]
    bound = held.connector.public_id if held.connector is not None else ""
    wanted = connector or (bound if bound in known else next(iter(known), ""))
    return page(
        "token.html",
        visitor,
        token=token_view(bridge, held),
        connector=held.connector,
        deliveries=[EventView.of(each) for each in found],
        newest=encode_cursor(newest),
        waiting=since is not None and not arrived,
        arrived=EventView.of(arrived[-1]) if arrived else None,
        connectors=connectors,
        connector_names={row.public_id: row.name for row in connectors},
        guide=await _guide(bridge, visitor.who, held, wanted) if wanted else None,
        overlaps=_OVERLAPS,
        nonce=secrets.token_urlsafe(),
    )


@order("/tokens", Scope.ADMIN, answers=True)
async def mint_token(bridge: TheBridge, visitor: TheVisitor, data: Form) -> Template:
    """Mint a token; the answer shows its secret, and nothing does again."""
    asked: dict[str, str | datetime] = {
        name: data[name] for name in NewToken.__struct_fields__ if data.get(name)
    }
    if ends := data.get("expires_at"):
        asked["expires_at"] = moment(ends, field="expires_at")
    new = filled(NewToken, asked)
    issued = await _issued_once(
        bridge, visitor, data, lambda attempt: bridge.tokens.mint(visitor.who, new, attempt=attempt)
    )
    return _shown_once(visitor, issued, was="minted")


@order("/tokens/{token_id:str}/rotate", Scope.ADMIN, answers=True)
async def rotate_token(
    bridge: TheBridge, visitor: TheVisitor, token_id: FromPath[str], data: Form
) -> Template:
    """Give a token a new secret; the answer shows it, and nothing does again."""
    asked = {name: data[name] for name in Rotation.__struct_fields__ if data.get(name)}
    rotation = filled(Rotation, asked)
    issued = await _issued_once(
        bridge,
        visitor,
        {**data, "token_id": token_id},
        lambda attempt: bridge.tokens.rotate(visitor.who, token_id, rotation, attempt=attempt),
    )
    return _shown_once(visitor, issued, was="rotated")


@order("/tokens/{token_id:str}/revoke", Scope.ADMIN)
async def revoke_token(bridge: TheBridge, visitor: TheVisitor, token_id: FromPath[str]) -> Redirect:
    """Revoke a token at once and for ever."""
    await bridge.tokens.revoke(visitor.who, token_id)
    return go(f"/tokens/{token_id}")


def _came_after(event: StoredEvent, row_id: int) -> bool:
    return event.row.id > row_id and event.row.replay_of is None


async def _issued_once(
    bridge: Bridge,
    visitor: Visitor,
    data: Mapping[str, str],
    issue: Callable[[Attempt[IssuedToken]], Awaitable[IssuedToken]],
) -> IssuedTokenView:
    """Issue a secret; the same form sent twice, as by a second click, gets the same one."""
    if not data.get(NONCE):
        return issued_view(bridge, await issue(ONCE_MORE))
    what = hashlib.sha256(msgspec.json.encode(sorted(data.items()))).hexdigest()
    answer, _ = await bridge.idempotency.once(
        visitor.who,
        f"console-form-{what}",
        b"",
        issue,
        lambda issued: Answer(200, {}, msgspec.json.encode(issued_view(bridge, issued))),
    )
    return msgspec.json.decode(answer.body, type=IssuedTokenView)


def _shown_once(visitor: Visitor, issued: IssuedTokenView, *, was: str) -> Template:
    """Answer a form with the secret itself: an address to go to would have to hold it."""
    return page("token_secret.html", visitor, token=issued, was=was)


async def _guide(bridge: Bridge, who: Principal, held: HeldToken, connector_id: str) -> Guide:
    try:
        markdown = await bridge.tokens.guide(who, held.row.public_id, connector_id)
    except Invalid as fault:
        return Guide(connector_id, problem=fault.detail)
    return Guide(connector_id, html=to_html(markdown))


HANDLERS: tuple[Any, ...] = (token_list, token_page, mint_token, rotate_token, revoke_token)
