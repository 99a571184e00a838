"""/health and /ready, for whatever watches the process, and /identity, for the doctor."""

from __future__ import annotations

from litestar import get
from litestar.enums import MediaType
from litestar.params import FromPath

from casebridge.web.access import TheBridge


@get("/health", media_type=MediaType.TEXT, tags=["operations"])
async def health() -> str:
    """Tell that the process answers."""
    return "ok"


@get("/ready", media_type=MediaType.TEXT, tags=["operations"])
async def ready(bridge: TheBridge) -> str:
    """Tell that the database takes what is to be kept; 503 with the reason when it does not."""
    await bridge.readiness.check()
    return "ready"


@get("/identity/{challenge:str}", media_type=MediaType.TEXT, tags=["operations"])
async def identity(bridge: TheBridge, challenge: FromPath[str]) -> str:
    """Prove which service this is: only one with the same master key answers the same.

    The proof is an HMAC of the challenge under a key of its own, and tells nothing of the master
    key.
    """
    return bridge.vault.proof(challenge)
