"""/v1/inbox-tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Controller, Request, Response, delete, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, JSONBody

from casebridge.bridge import Bridge
from casebridge.services.tenants import Scope
from casebridge.services.token_terms import TokenState
from casebridge.services.tokens import HeldToken, IssuedToken, NewToken, Rotation
from casebridge.web.access import Caller, TheBridge
from casebridge.web.idempotency import KEY_REUSED, Create, once
from casebridge_core import InboxScheme


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """An inbox token; its secret is not shown.

    ``url`` is where the vendor delivers; ``scheme`` is how deliveries prove themselves, and
    ``warnings`` say what is weak about that, or which vendor's signature is not taken.
    """

    id: str
    name: str
    template: str
    state: TokenState
    scheme: InboxScheme
    timestamp_required: bool
    warnings: tuple[str, ...]
    connector_id: str | None
    url: str
    created_at: datetime
    expires_at: datetime | None
    rotated_at: datetime | None
    previous_secret_until: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class IssuedTokenView(TokenView, frozen=True, kw_only=True):
    """A token with its new secret: it is shown this once, in ``url`` too where it belongs there."""

    secret: str


class TokenController(Controller):
    """The right to deliver webhooks."""

    path = "/inbox-tokens"
    tags = ("inbox",)

    @post(opt={"scope": Scope.ADMIN}, operation_class=Create, responses=KEY_REUSED)
    async def mint_inbox_token(
        self,
        bridge: TheBridge,
        who: Caller,
        request: Request[Any, Any, Any],
        data: JSONBody[NewToken],
    ) -> Response[IssuedTokenView]:
        """Mint a token; the secret in the answer is not shown again."""
        return await once(
            request,
            bridge,
            who,
            lambda attempt: bridge.tokens.mint(who, data, attempt=attempt),
            lambda issued: Response(issued_view(bridge, issued)),
        )

    @get(opt={"scope": Scope.WRITE})
    async def list_inbox_tokens(self, bridge: TheBridge, who: Caller) -> list[TokenView]:
        """List the tenant's tokens."""
        return [token_view(bridge, held) for held in await bridge.tokens.list(who)]

    @post(
        "/{token_id:str}/rotate",
        status_code=200,
        opt={"scope": Scope.ADMIN},
        operation_class=Create,
        responses=KEY_REUSED,
    )
    async def rotate_inbox_token(
        self,
        bridge: TheBridge,
        who: Caller,
        request: Request[Any, Any, Any],
        token_id: FromPath[str],
        data: JSONBody[Rotation],
    ) -> Response[IssuedTokenView]:
        """Give a token a new secret; the one before stays good for the overlap."""
        return await once(
            request,
            bridge,
            who,
            lambda attempt: bridge.tokens.rotate(who, token_id, data, attempt=attempt),
            lambda issued: Response(issued_view(bridge, issued)),
        )

    @delete("/{token_id:str}", opt={"scope": Scope.ADMIN})
    async def revoke_inbox_token(
        self, bridge: TheBridge, who: Caller, token_id: FromPath[str]
    ) -> None:
        """Revoke a token at once."""
        await bridge.tokens.revoke(who, token_id)

    @get(
        "/{token_id:str}/guide/{connector_id:str}",
        media_type=MediaType.TEXT,
        opt={"scope": Scope.WRITE},
    )
    async def read_setup_guide(
        self, bridge: TheBridge, who: Caller, token_id: FromPath[str], connector_id: FromPath[str]
    ) -> str:
        """Read the vendor's set-up guide for this token, in Markdown."""
        return await bridge.tokens.guide(who, token_id, connector_id)


def token_view(bridge: Bridge, held: HeldToken) -> TokenView:
    """Show a token."""
    return TokenView(**_fields(bridge, held))


def issued_view(bridge: Bridge, issued: IssuedToken) -> IssuedTokenView:
    """Show a token with its new secret."""
    url = bridge.tokens.address(issued.row, issued.secret).url
    return IssuedTokenView(**{**_fields(bridge, issued), "url": url}, secret=issued.secret)


def _fields(bridge: Bridge, held: HeldToken) -> dict[str, Any]:
    row = held.row
    return {
        "id": row.public_id,
        "name": row.name,
        "template": row.template,
        "state": bridge.tokens.state(row),
        "scheme": InboxScheme(row.scheme),
        "timestamp_required": row.timestamp_required,
        "warnings": bridge.tokens.warnings(held),
        "connector_id": held.connector.public_id if held.connector is not None else None,
        "url": bridge.tokens.address(row).url,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "rotated_at": row.rotated_at,
        "previous_secret_until": row.previous_until,
        "last_used_at": row.last_used_at,
        "revoked_at": row.revoked_at,
    }
