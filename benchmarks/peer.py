"""What the inbox is compared with: FastAPI and the SQLAlchemy ORM on PostgreSQL, plainly written.

The same work as the service's webhook: the signature, the detection, the decision, the duplicate,
case and ref updated, three timeline rows, and the event stored, in one durable transaction. It is
written as the documentation of its parts would have it: a session for each request as a
dependency, models, an answer model. The pool is fixed.

Run: uvicorn peer:app, with PEER_DATABASE_URL and PEER_SECRET
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from jira_bodies import issue_id
from pydantic import BaseModel
from sqlalchemy import JSON, DateTime, ForeignKey, String, Text, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

STATUSES = {"To Do": "open", "In Progress": "triage", "Done": "resolved"}
MOMENT = DateTime(timezone=True)


class Model(DeclarativeBase):
    """A table."""

    id: Mapped[int] = mapped_column(primary_key=True)


class Token(Model):
    """A right to deliver."""

    __tablename__ = "tokens"
    public_id: Mapped[str] = mapped_column(String(40), unique=True)
    secret: Mapped[str] = mapped_column(String(64))
    last_used_at: Mapped[datetime | None] = mapped_column(MOMENT)


class Case(Model):
    """A case."""

    __tablename__ = "cases"
    title: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    version: Mapped[int] = mapped_column(default=1)
    status_changed_at: Mapped[datetime] = mapped_column(MOMENT)
    updated_at: Mapped[datetime] = mapped_column(MOMENT)
    refs: Mapped[list[Ref]] = relationship(back_populates="case")


class Ref(Model):
    """A case's ticket."""

    __tablename__ = "refs"
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    vendor: Mapped[str] = mapped_column(String(32))
    external_id: Mapped[str] = mapped_column(String(200))
    external_key: Mapped[str] = mapped_column(String(200))
    ticket_status: Mapped[str] = mapped_column(String(200))
    last_inbound_status: Mapped[str | None] = mapped_column(String(16))
    status_seen_at: Mapped[datetime | None] = mapped_column(MOMENT)
    due_at: Mapped[datetime | None] = mapped_column(MOMENT)
    case: Mapped[Case] = relationship(back_populates="refs")

    __table_args__ = (UniqueConstraint("vendor", "external_id"),)


class Event(Model):
    """A stored webhook."""

    __tablename__ = "events"
    token_id: Mapped[int] = mapped_column(ForeignKey("tokens.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    received_at: Mapped[datetime] = mapped_column(MOMENT)
    digest: Mapped[str] = mapped_column(String(64))
    headers: Mapped[dict[str, Any]] = mapped_column(JSON)
    body: Mapped[bytes]
    applied: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (UniqueConstraint("token_id", "digest"),)


class TimelineRow(Model):
    """A line of a case's timeline."""

    __tablename__ = "timeline"
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    at: Mapped[datetime] = mapped_column(MOMENT)
    kind: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class Answer(BaseModel):
    """What the vendor is told."""

    applied: bool
    reason: str | None = None
    event_id: int | None = None


engine = create_async_engine(os.environ["PEER_DATABASE_URL"], pool_size=20, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


async def get_session() -> AsyncIterator[AsyncSession]:
    """Open a session for a request."""
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


@app.post("/{token_id}")
async def receive(token_id: str, request: Request, session: Session) -> Answer:
    """Take a webhook."""
    body = await request.body()
    token = await session.scalar(select(Token).where(Token.public_id == token_id))
    mac = hmac.new((token.secret if token else "").encode(), body, hashlib.sha256).hexdigest()
    given = request.headers.get("x-hub-signature", "").removeprefix("sha256=")
    if token is None or not hmac.compare_digest(mac, given):
        raise HTTPException(401, "not authentic")
    event = Event(
        token_id=token.id,
        received_at=datetime.now(UTC),
        digest=hashlib.sha256(body).hexdigest(),
        headers=dict(request.headers),
        body=body,
    )
    token.last_used_at = event.received_at
    known = await session.scalar(
        select(Event).where(Event.token_id == token.id, Event.digest == event.digest)
    )
    if known is not None:
        return Answer(applied=False, reason="duplicate_delivery", event_id=known.id)
    session.add(event)
    event.reason = await reflect(session, event, json.loads(body))
    event.applied = event.reason is None
    await session.commit()
    return Answer(applied=event.applied, reason=event.reason, event_id=event.id)


async def reflect(session: AsyncSession, event: Event, payload: dict[str, Any]) -> str | None:
    """Take over what an event says; return why not, if it is not."""
    issue, user = payload.get("issue") or {}, payload.get("user") or {}
    items = (payload.get("changelog") or {}).get("items") or []
    changed = next((item for item in items if item.get("field") == "status"), None)
    if changed is None:
        return "no_status_change"
    ref = await session.scalar(
        select(Ref)
        .where(Ref.vendor == "jira", Ref.external_id == str(issue.get("id")))
        .options(selectinload(Ref.case).selectinload(Case.refs))
        .with_for_update()
    )
    if ref is None:
        return "unlinked_ticket"
    case, native = ref.case, changed["toString"]
    event.case_id = case.id
    occurred_at = datetime.fromtimestamp(payload["timestamp"] / 1000, UTC)
    if ref.status_seen_at is not None and occurred_at <= ref.status_seen_at:
        return "stale"
    status = STATUSES.get(native)
    if status is None:
        return "unmapped_status"
    if status == case.status:
        return "already_there"
    before, now = case.status, event.received_at
    case.status, case.version = status, case.version + 1
    case.status_changed_at = case.updated_at = now
    ref.ticket_status, ref.last_inbound_status = native, status
    ref.status_seen_at = occurred_at
    for other in case.refs:
        if other is not ref:
            other.due_at = now
    await session.flush()
    who = user.get("displayName") or "somebody"
    for kind, text in (
        ("status_changed", f"{before} → {status}"),
        ("inbound_actor", f"{who} moved {ref.external_key} to {native}"),
        ("inbound_payload", f"payload {event.id}"),
    ):
        session.add(
            TimelineRow(
                case_id=case.id,
                event_id=event.id,
                at=now,
                kind=kind,
                actor="itsm-webhook (jira)",
                text=text,
                detail={"before": before, "after": status},
            )
        )
    return None


async def set_up(refs: int, secret: str) -> None:
    """Create the tables and as many cases, each with its ticket."""
    now = datetime.now(UTC)
    async with engine.begin() as connection:
        await connection.run_sync(Model.metadata.create_all)
    async with sessions.begin() as session:
        session.add(Token(public_id="tok_peer", secret=secret))
        for number in range(1, refs + 1):
            case = Case(title="Suspicious sign-in", status="open", status_changed_at=now)
            case.updated_at = now
            ref = Ref(vendor="jira", external_id=issue_id(number), external_key=f"SEC-{number}")
            ref.ticket_status = "To Do"
            case.refs = [ref]
            session.add(case)
    await engine.dispose()
