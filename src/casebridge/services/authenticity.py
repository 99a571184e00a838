"""Whether a delivery is authentic: the token that it names, and the proof that it carries.

A token that let somebody in is remembered, and lets in again without a query. Every refusal is the
same answer after the same work: two secrets are tried that are at hand (those of the token, if it
is remembered), and then, with one query, the two that the database has. To try is each scheme's MAC
under both, and each static secret compared with both. Only then is anything decided.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import select

from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import InboxTokenRow
from casebridge.services.clock import Clock
from casebridge.services.faults import Unauthenticated, Unavailable
from casebridge.services.known_tokens import KnownToken, KnownTokens
from casebridge.services.throttle import Throttle
from casebridge.services.token_terms import TokenState, state_of
from casebridge.services.vault import VaultError
from casebridge_core import (
    AISOC_SIGNATURE,
    STATIC_SECRET_HEADER,
    ConnectorCatalog,
    InboxScheme,
    SignatureScheme,
    signatures,
)
from casebridge_core.signatures import is_same_mac, is_same_secret, read_timestamp

log = logging.getLogger(__name__)

TOKEN_HEADER: Final = "x-aisoc-token-id"  # noqa: S105 - a header's name
_SMALL_BYTES: Final = 65_536


class InboundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request at the inbox's door, of which nothing is believed yet.

    ``headers`` have lower-case names; ``address`` is the sender's; ``url_secret`` is what came in
    the URL after the token id.
    """

    token_id: str
    headers: Mapping[str, str]
    body: bytes
    address: str = ""
    url_secret: str = ""


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """Whose delivery an authentic request is, and how it proved that.

    ``known`` is what the token was known to be; ``scheme`` is the header of the signature that was
    good, or the token's static scheme.
    """

    token: InboxTokenRow
    known: KnownToken
    scheme: str

    @property
    def vendor(self) -> str | None:
        """The vendor that the token is bound to, or None for any."""
        connector = self.known.connector
        return connector.vendor if connector is not None else None


class _Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that was proven to be known, and how; ``timestamp`` is what the MAC covers."""

    kind: InboxScheme
    by: str
    timestamp: str | None = None


class Authenticity:
    """Lets authentic requests in, and tells nobody else why not."""

    def __init__(
        self,
        database: Database,
        known: KnownTokens,
        catalog: ConnectorCatalog,
        throttle: Throttle,
        clock: Clock,
        *,
        tolerance: timedelta = timedelta(minutes=5),
    ) -> None:
        """Bind what a proof is checked against; ``tolerance`` is how old a timestamp may be."""
        self._database = database
        self._known = known
        self._schemes = _schemes(catalog)
        self._throttle = throttle
        self._clock = clock
        self._tolerance = tolerance

    async def admit(self, request: InboundRequest) -> Admission:
        """Return whose delivery this is.

        Raises:
            Unauthenticated: it does not prove to be authentic, for whatever reason.
            TooMany: it is authentic, and its token is over its rate.
            Unavailable: the secrets cannot be opened; the vendor shall send it again.
            sqlalchemy.exc.SQLAlchemyError: the tokens cannot be read.
        """
        admission, _ = await self._try(request, self._known.get(request.token_id))
        if admission is None:
            known = await self._look_up(request.token_id)
            admission, proofs = await self._try(request, known)
            if admission is None:
                log.warning("webhook refused: %s", self._why(known.row, proofs))
                self._throttle.refused(request.address)
                raise Unauthenticated("the token or the signature is not valid")
            self._known.keep(known)
        self._throttle.admitted(request.address, admission.token.public_id)
        return admission

    def forget(self, admission: Admission) -> None:
        """Read the token of an admission anew for the next delivery: it has changed."""
        self._known.forget(admission.token.public_id)

    async def _try(
        self, request: InboundRequest, known: KnownToken
    ) -> tuple[Admission | None, tuple[_Proof, ...]]:
        """Tell whose delivery it is by what is known of its token, and what it proves."""
        proofs = await self._prove(request, known.secrets)
        token = known.row
        accepted = [proof for proof in proofs if token and self._suffices(proof, token)]
        if token is None or not accepted:
            return None, proofs
        return Admission(token=token, known=known, scheme=accepted[0].by), proofs

    async def _look_up(self, token_id: str) -> KnownToken:
        query = (
            select(InboxTokenRow, ConnectorRow)
            .outerjoin(ConnectorRow, ConnectorRow.id == InboxTokenRow.connector_id)
            .where(InboxTokenRow.public_id == token_id)
        )
        async with self._database.read() as session:
            found = (await session.execute(query)).one_or_none()
        row, connector = (found[0], found[1]) if found is not None else (None, None)
        try:
            return self._known.learn(row, connector)
        except VaultError as error:
            log.error("webhook not taken: %s", error)  # noqa: TRY400 - the sentence says it all
            raise Unavailable("the delivery could not be checked; send it again") from error

    async def _prove(self, request: InboundRequest, secrets: tuple[str, str]) -> tuple[_Proof, ...]:
        """Find what the request proves; a large body is hashed beside the event loop."""
        if len(request.body) <= _SMALL_BYTES:
            return tuple(self._proofs(request, secrets))
        return await asyncio.to_thread(lambda: tuple(self._proofs(request, secrets)))

    def _proofs(self, request: InboundRequest, secrets: tuple[str, str]) -> Iterator[_Proof]:
        """Try every scheme with every secret, whatever the request holds.

        Schemes that sign the same share the MAC, which costs more than all the rest.
        """
        headers, body = request.headers, request.body
        macs: dict[str | None, list[tuple[str, bytes]]] = {}
        for scheme in self._schemes:
            value, timestamp = headers.get(scheme.header, ""), None
            if scheme.timestamp_header is not None:
                timestamp = headers.get(scheme.timestamp_header)
            if timestamp not in macs:
                message = signatures.stamped(body, timestamp)
                macs[timestamp] = [(each, signatures.digest(each, message)) for each in secrets]
            if any([is_same_mac(value, mac) and secret for secret, mac in macs[timestamp]]):  # noqa: C419 - all of them, always
                yield _Proof(kind=InboxScheme.SIGNATURE, by=scheme.header, timestamp=timestamp)
        given = {
            InboxScheme.STATIC_HEADER: headers.get(STATIC_SECRET_HEADER, ""),
            InboxScheme.STATIC_URL: request.url_secret,
        }
        for kind, value in given.items():
            if any([is_same_secret(value, secret) for secret in secrets]):  # noqa: C419 - all of them, always
                yield _Proof(kind=kind, by=kind)

    def _suffices(self, proof: _Proof, token: InboxTokenRow) -> bool:
        """Tell whether a proof is the one that the token demands, now."""
        now = self._clock()
        if state_of(token, now) is not TokenState.ACTIVE or proof.kind != token.scheme:
            return False
        if proof.timestamp is None:
            return not token.timestamp_required
        at = read_timestamp(proof.timestamp)
        return at is not None and abs(now - at) <= self._tolerance

    def _why(self, token: InboxTokenRow | None, proofs: tuple[_Proof, ...]) -> str:
        """Say for the log, and for nobody else, why a request was refused."""
        if token is None:
            return "there is no such token"
        if (state := state_of(token, self._clock())) is not TokenState.ACTIVE:
            return f"token {token.public_id} is {state}"
        if not proofs:
            return f"nothing in it proves the secret of token {token.public_id}"
        if all(proof.kind != token.scheme for proof in proofs):
            return f"token {token.public_id} takes no {proofs[0].kind}, but {token.scheme}"
        return f"its timestamp is missing or too far from the present, for token {token.public_id}"


def _schemes(catalog: ConnectorCatalog) -> tuple[SignatureScheme, ...]:
    declared = (scheme for hooks in catalog.values() for scheme in hooks.manifest.signature_schemes)
    return tuple(dict.fromkeys((AISOC_SIGNATURE, *declared)))
