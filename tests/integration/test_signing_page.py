"""docs/vendors/signing.md: its test vectors, computed anew and delivered to a real inbox."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import update

from casebridge.bridge import Bridge
from casebridge.persistence.inbox import InboxTokenRow
from casebridge.services.token_secrets import TokenSecrets
from casebridge.services.vault import Vault
from casebridge_core.signatures import sign
from tests.integration.desk import Desk

PAGE: Final = (Path(__file__).parents[2] / "docs" / "vendors" / "signing.md").read_text()
SHOWN: Final = json.loads(re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0])
SECRET: Final[str] = SHOWN["secret"]
VECTORS: Final[list[dict[str, Any]]] = SHOWN["vectors"]
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def clock() -> Any:
    """Let the service live at the moment of the vectors' timestamp."""
    return lambda: NOON


def titled(vector: dict[str, Any]) -> str:
    return str(vector["title"])


@pytest.fixture
def token_id(desk: Desk) -> str:
    """Mint a token, and give it the secret of the page."""
    bridge: Bridge = desk.app.state.bridge
    token_id = str(desk.admin.mint_token()["id"])
    vault = Vault.from_settings("", desk.data_dir / "casebridge.key")
    sealed = TokenSecrets(vault, lambda: NOON).seal(token_id, SECRET)

    async def write() -> None:
        async with bridge.database.write() as session:
            of_the_page = update(InboxTokenRow).where(InboxTokenRow.public_id == token_id)
            await session.execute(of_the_page.values(secret_sealed=sealed))

    desk.http.blocking_portal.call(write)
    return token_id


@pytest.mark.parametrize("vector", VECTORS, ids=titled)
def test_a_vector_is_what_the_standard_library_computes(vector: dict[str, Any]) -> None:
    headers, body = vector["headers"], vector["body"].encode()
    stamp = headers.get("X-AiSOC-Timestamp")
    message = body if stamp is None else stamp.encode() + b"." + body
    mac = hmac.new(SECRET.encode(), message, hashlib.sha256).digest()

    written = [v for name, v in headers.items() if name.endswith("Signature")]
    written += vector["notations"]
    allowed = {mac.hex(), base64.b64encode(mac).decode()}
    assert {text.removeprefix("sha256=") for text in written} <= allowed
    assert written[0] == sign(SECRET, body, None if stamp is None else int(stamp))


@pytest.mark.parametrize("vector", VECTORS, ids=titled)
def test_the_inbox_takes_a_vector_in_every_notation(
    desk: Desk, token_id: str, vector: dict[str, Any]
) -> None:
    headers, body = dict(vector["headers"]), vector["body"].encode()
    if "X-Hub-Signature" in headers:  # a header that this desk's vendor does not declare
        headers = {"X-AiSOC-Signature": headers["X-Hub-Signature"]}

    for notation in (headers["X-AiSOC-Signature"], *vector["notations"]):
        answer = desk.nobody.send(
            "POST",
            f"/v1/inbox/itsm/{token_id}",
            content=body,
            headers=headers | {"X-AiSOC-Signature": notation},
        )
        assert answer.status_code == 200, notation


def test_no_vector_holds_for_another_body(desk: Desk, token_id: str) -> None:
    for vector in VECTORS:
        body = vector["body"].encode() + b" "
        path = f"/v1/inbox/itsm/{token_id}"
        answer = desk.nobody.send("POST", path, content=body, headers=vector["headers"])
        assert answer.status_code == 401
