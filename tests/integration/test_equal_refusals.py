"""Whatever is wrong with a delivery, the refusal is the same: in every byte, and in work done."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import event, update

from casebridge.bridge import Bridge
from casebridge.persistence.inbox import InboxTokenRow
from casebridge.services.vault import Vault
from casebridge_core import signatures
from casebridge_core.signatures import sign
from tests.integration.desk import Desk

BODY = b'{"hello": "there"}'
INBOX = "/v1/inbox/itsm"


@pytest.fixture
def work(desk_of_both: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count what an answer costs: statements, secrets opened, MACs made, secrets compared."""
    done: Counter[str] = Counter()

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            done[name] += 1
            return function(*args, **kwargs)

        return counted

    def on_statement(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        done[statement.split(None, 1)[0]] += 1

    monkeypatch.setattr(signatures, "digest", counting("MACs", signatures.digest))
    same = counting("comparisons", signatures.is_same_secret)
    monkeypatch.setattr("casebridge.services.authenticity.is_same_secret", same)
    monkeypatch.setattr(Vault, "open", counting("openings", Vault.open))
    bridge: Bridge = desk_of_both.app.state.bridge
    engine = bridge.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", on_statement)
    yield done
    event.remove(engine, "before_cursor_execute", on_statement)


def post(desk: Desk, token_id: str, headers: Mapping[str, str], secret: str = "") -> httpx.Response:
    path = f"{INBOX}/{token_id}" + (f"/{secret}" if secret else "")
    return desk.nobody.send("POST", path, content=BODY, headers=dict(headers))


def end(desk: Desk, token_id: str) -> None:
    """Let a token have expired a minute ago."""
    change(desk, token_id, expires_at=datetime.now(UTC) - timedelta(minutes=1))


def change(desk: Desk, token_id: str, **values: Any) -> None:
    """Change a token in the database, as another process does."""
    bridge: Bridge = desk.app.state.bridge
    changed = update(InboxTokenRow).where(InboxTokenRow.public_id == token_id).values(**values)

    async def write() -> None:
        async with bridge.database.write() as session:
            await session.execute(changed)

    desk.http.blocking_portal.call(write)


def refusals(desk: Desk) -> dict[str, Callable[[], httpx.Response]]:
    """Return every way to be refused, each with what an attacker could have best."""
    mint, admin = desk.admin.mint_token, desk.admin
    token, revoked, expired, rotated, known = mint(), mint(), mint(), mint(), mint()
    strict = mint(timestamp_required=True)
    header, url = mint(scheme="static_header"), mint(scheme="static_url")
    for used in (revoked, rotated, known):  # and so remembered
        post(desk, used["id"], {"X-AiSOC-Signature": sign(used["secret"], BODY)})
    admin.ask("DELETE", f"/v1/inbox-tokens/{revoked['id']}")
    admin.ask("POST", f"/v1/inbox-tokens/{rotated['id']}/rotate", {"overlap_hours": 0})
    end(desk, expired["id"])

    def signed(by: Any, at: int | None = None, **more: str) -> dict[str, str]:
        stamp = {} if at is None else {"X-AiSOC-Timestamp": str(at)}
        return {"X-AiSOC-Signature": sign(by["secret"], BODY, at), **stamp, **more}

    stale = int(time.time()) - 3600
    bad = {"X-AiSOC-Signature": "sha256=" + "0" * 64}
    sent: dict[str, tuple[str, dict[str, str], str]] = {
        "unknown token": ("tok_nobody", signed(token), ""),
        "odd token": ("tok_" + "x" * 500, signed(token), ""),
        "unknown token, with a secret in the URL": ("tok_nobody", {}, "secret"),
        "revoked": (revoked["id"], signed(revoked), ""),
        "expired": (expired["id"], signed(expired), ""),
        "rotated away": (rotated["id"], signed(rotated), ""),
        "no signature": (token["id"], {}, ""),
        "empty signature": (token["id"], {"X-AiSOC-Signature": ""}, ""),
        "bad signature": (token["id"], bad, ""),
        "bad signature for a token that is in use": (known["id"], bad, ""),
        "garbled signature": (token["id"], {"X-AiSOC-Signature": "sha256=zz"}, ""),
        "another token's secret": (token["id"], signed(strict), ""),
        "stale": (token["id"], signed(token, stale), ""),
        "garbled timestamp": (token["id"], signed(token) | {"X-AiSOC-Timestamp": "now"}, ""),
        "no timestamp where one is demanded": (strict["id"], signed(strict), ""),
        "the secret in a header for a token that signs": (
            token["id"],
            {"X-AiSOC-Secret": token["secret"]},
            "",
        ),
        "the secret in the URL for a token that signs": (token["id"], {}, token["secret"]),
        "a signature for a static header": (header["id"], signed(header), ""),
        "the secret in the URL for a static header": (header["id"], {}, header["secret"]),
        "wrong static header": (header["id"], {"X-AiSOC-Secret": "x"}, ""),
        "wrong static URL": (url["id"], {}, "x"),
        "the secret in a header for a static URL": (
            url["id"],
            {"X-AiSOC-Secret": url["secret"]},
            "",
        ),
    }
    return {
        name: lambda what=what: post(desk, what[0], what[1], what[2])  # type: ignore[misc]
        for name, what in sent.items()
    }


def _headers(answer: httpx.Response) -> list[tuple[str, str]]:
    """Return the headers but for the one that names the request."""
    return sorted(pair for pair in answer.headers.items() if pair[0] != "x-request-id")


def test_every_refusal_is_the_same_answer_after_the_same_work(
    desk_of_both: Desk, work: Counter[str]
) -> None:
    answers, costs = {}, {}
    for name, send in refusals(desk_of_both).items():
        work.clear()
        answers[name] = send()
        costs[name] = dict(work)

    first = answers["unknown token"]
    assert first.status_code == 401
    for name, answer in answers.items():
        assert (answer.status_code, answer.content) == (401, first.content), name
        assert _headers(answer) == _headers(first), name
        assert costs[name] == costs["unknown token"], name
    cost = costs["unknown token"]
    assert cost["SELECT"] == 1
    assert (cost["openings"], cost["comparisons"]) == (2, 8)  # at hand, and in the database
    assert cost["MACs"] == 4  # four secrets, and acme declares no scheme of its own


def test_the_log_alone_says_why(desk_of_both: Desk, caplog: pytest.LogCaptureFixture) -> None:
    for send in refusals(desk_of_both).values():
        send()

    lines = [line for line in caplog.messages if line.startswith("webhook refused: ")]
    assert len(lines) == len(refusals(desk_of_both))
    for words in (
        "there is no such token",
        " is revoked",
        " is expired",
        "nothing in it proves the secret of token tok_",
        " takes no static_header, but signature",
        " takes no signature, but static_header",
        "its timestamp is missing or too far from the present",
    ):
        assert any(words in line for line in lines), words


def test_an_accepted_delivery_is_checked_with_the_same_work(
    desk_of_both: Desk, work: Counter[str]
) -> None:
    token = desk_of_both.admin.mint_token()
    good = {"X-AiSOC-Signature": sign(token["secret"], BODY)}
    work.clear()
    assert post(desk_of_both, "tok_nobody", good).status_code == 401
    refused = dict(work)
    work.clear()

    answer = post(desk_of_both, token["id"], good)

    assert answer.status_code == 200
    for name in ("openings", "comparisons", "MACs"):
        assert work[name] == refused[name]


def test_a_token_in_use_needs_no_query_and_no_key(desk_of_both: Desk, work: Counter[str]) -> None:
    token = desk_of_both.admin.mint_token()
    good = {"X-AiSOC-Signature": sign(token["secret"], BODY)}
    first = post(desk_of_both, token["id"], good)
    work.clear()

    assert post(desk_of_both, token["id"], good).status_code == first.status_code == 200
    assert (work["openings"], work["MACs"]) == (0, 2)


@pytest.mark.parametrize("how", ["revoked", "expired", "rotated"])
def test_a_token_in_use_is_over_at_once_whatever_process_ended_it(
    desk_of_both: Desk, how: str
) -> None:
    token = desk_of_both.admin.mint_token()
    good = {"X-AiSOC-Signature": sign(token["secret"], BODY)}
    assert post(desk_of_both, token["id"], good).status_code == 200

    past = datetime.now(UTC) - timedelta(minutes=1)
    match how:  # past this process, as another one does it
        case "revoked":
            change(desk_of_both, token["id"], revoked_at=past)
        case "expired":
            change(desk_of_both, token["id"], expires_at=past)
        case _:
            sealed = desk_of_both.app.state.bridge.tokens._secrets.seal(token["id"], "another")
            change(desk_of_both, token["id"], secret_sealed=sealed)

    assert post(desk_of_both, token["id"], good).status_code == 401


def test_a_master_key_that_is_gone_lets_nobody_in_and_loses_nothing(
    desk_of_both: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = desk_of_both.admin.mint_token()
    good = {"X-AiSOC-Signature": sign(token["secret"], BODY)}
    with monkeypatch.context() as patch:
        bridge: Bridge = desk_of_both.app.state.bridge
        vault = bridge.tokens._secrets._vault
        patch.setattr(vault, "_keys", {})
        answer = post(desk_of_both, token["id"], good)

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert post(desk_of_both, token["id"], good).status_code == 200
