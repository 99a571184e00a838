"""The console's pages about inbox tokens, without scripts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from casebridge.services.tenants import Scope
from casebridge.web.console.guide import to_html
from casebridge_sandbox import RunningSandbox
from tests.console import Browser
from tests.letters import Mailbox, jira_moved
from tests.stage import Service

Vendor = RunningSandbox[Any]


def test_a_token_is_minted_and_its_secret_is_shown_this_once(
    admin: Browser, service: Service, jira: Vendor
) -> None:
    connector = service.add_jira(jira)
    fields = {"name": "webhooks <of> Jira", "scheme": "signature", "connector_id": connector}

    fresh = admin.submit("/tokens", on="/tokens", **fields, expires_at="2999-01-01T08:00")
    secret = shown_secret(fresh.text)
    token = service.api.get("/v1/inbox-tokens")[-1]

    assert fresh.headers["cache-control"] == "no-store"
    assert fresh.url.path == "/tokens"
    assert not fresh.url.query
    assert token["expires_at"] == "2999-01-01T08:00:00Z"
    assert (token["name"], token["connector_id"]) == (fields["name"], connector)
    mailbox = Mailbox(service, token["id"], secret)
    assert mailbox.deliver(jira_moved("999999", "Done"))["reason"] == "unlinked_ticket"
    listed, shown = admin.open("/tokens").text, admin.open(f"/tokens/{token['id']}").text
    assert secret not in listed + shown
    assert "webhooks &lt;of&gt; Jira" in listed
    assert "unlinked ticket" in shown
    assert "<h2>Let " in shown  # the guide, below the heading of the page


def test_a_form_that_is_sent_twice_issues_one_secret_and_shows_it_twice(
    admin: Browser, service: Service
) -> None:
    minting = hidden_fields(admin, "/tokens") | {"name": "clicked twice"}
    first, second = (admin.http.post("/tokens", data=minting).text for _ in range(2))
    (token,) = service.api.get("/v1/inbox-tokens")
    on = f"/tokens/{token['id']}"
    rotating = hidden_fields(admin, on) | {"overlap_hours": "0"}
    third, fourth = (admin.http.post(f"{on}/rotate", data=rotating).text for _ in range(2))

    assert shown_secret(first) == shown_secret(second)
    assert shown_secret(third) == shown_secret(fourth) != shown_secret(first)
    assert Mailbox(service, token["id"], shown_secret(third)).deliver(jira_moved("1", "Done"))
    admin.http.post("/tokens", data=minting | {"name": "another"})
    admin.http.post("/tokens", data=minting | hidden_fields(admin, "/tokens"))
    names = [each["name"] for each in service.api.get("/v1/inbox-tokens")]
    assert names == ["clicked twice", "another", "clicked twice"]


def hidden_fields(browser: Browser, page: str) -> dict[str, str]:
    """Return the token and the nonce that a page's forms carry."""
    text = browser.open(page).text
    return {name: field_of(text, name) for name in ("csrf", "nonce")}


def field_of(text: str, name: str) -> str:
    return text.partition(f'name="{name}" value="')[2].partition('"')[0]


def test_a_secret_in_the_address_is_shown_once_too(admin: Browser, service: Service) -> None:
    weak = {"name": "old", "scheme": "static_url"}

    fresh = admin.submit("/tokens", on="/tokens", **weak).text

    token = service.api.get("/v1/inbox-tokens")[-1]
    assert f"/{shown_secret(fresh)}</code>" in fresh
    assert "weakest" in fresh
    shown = admin.open(f"/tokens/{token['id']}").text
    assert "&lt;secret&gt;" in shown
    assert "weakest: secret in the URL" in admin.open("/tokens").text


def test_a_token_is_rotated_with_an_overlap_and_revoked(
    admin: Browser, service: Service, mailbox: Mailbox
) -> None:
    on = f"/tokens/{mailbox.token_id}"

    fresh = admin.submit(f"{on}/rotate", on=on, overlap_hours="24").text
    rotated = Mailbox(service, mailbox.token_id, shown_secret(fresh))

    assert "stays good until" in fresh
    assert "good until" in admin.open("/tokens").text
    for number, known in enumerate((mailbox, rotated)):
        assert known.deliver(jira_moved(str(number), "Done"))["reason"] == "unlinked_ticket"
    admin.submit(f"{on}/rotate", on=on, overlap_hours="0")
    assert rotated.post(jira_moved("2", "Done")).status_code == 401
    assert admin.submit(f"{on}/rotate", on=on, overlap_hours="-1").status_code == 400

    assert "revoked" in admin.submit(f"{on}/revoke", on=on).text
    assert f"{on}/rotate" not in admin.open(on).text
    assert admin.submit(f"{on}/rotate", on=on, overlap_hours="0").status_code == 400


@pytest.mark.parametrize(
    "fields",
    [
        {"scheme": "signature"},
        {"name": "x", "scheme": "none"},
        {"name": "x", "scheme": "static_url", "timestamp_required": "true"},
        {"name": "x", "expires_at": "soon"},
        {"name": "x", "expires_at": "2020-01-01T08:00"},
        {"name": "x", "expires_at": "9999-12-31T23:59-23:00"},
        {"name": "x" * 201},
    ],
)
def test_a_token_that_does_not_fit_is_not_minted(
    admin: Browser, service: Service, fields: dict[str, str]
) -> None:
    assert admin.submit("/tokens", on="/tokens", **fields).status_code == 400
    assert service.api.get("/v1/inbox-tokens") == []


def test_a_page_that_waits_for_a_test_event_is_told_of_it(admin: Browser, mailbox: Mailbox) -> None:
    on = f"/tokens/{mailbox.token_id}"
    old = mailbox.deliver(jira_moved("0", "Done"))["event_id"]
    (wait,) = re.findall(rf'href="({on}\?after=[^"#]+)', admin.open(on).text)
    waiting = admin.open(wait).text
    (live,) = re.findall(r'data-live="([^"]+)"', waiting)

    assert "Waiting for a test event" in waiting
    admin.submit(f"/events/{old}/replay", on=f"/events/{old}")
    assert "Waiting for a test event" in admin.open(wait).text
    with admin.http.stream("GET", live) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith(":")
        event = mailbox.deliver(jira_moved("1", "Done"))["event_id"]
        assert f"data: {event}" in lines

    assert f'It arrived: <a href="/events/{event}"' in admin.open(wait).text
    with admin.http.stream("GET", live) as stream:  # it came before the page began to listen
        assert next(line for line in stream.iter_lines() if line.startswith("data: e"))


def test_an_analyst_sees_tokens_and_changes_none(
    browser: Browser, service: Service, mailbox: Mailbox
) -> None:
    browser.sign_in(service.new_key(Scope.WRITE)[0])
    on = f"/tokens/{mailbox.token_id}"

    assert "Mint a token" not in browser.open("/tokens").text
    assert "/rotate" not in browser.open(on).text
    assert browser.submit("/tokens", on="/tokens", name="x").status_code == 403


def test_a_guide_holds_no_markup_of_its_own_and_offers_what_is_to_be_pasted() -> None:
    shown = to_html(
        "# Title\n\n<script>alert(1)</script> <b>x</b> [a](javascript:alert(2)) ![i](x.png)\n\n"
        "```js\n<img>\n```\n\n    indented & shown\n\n###### deep\n"
    )

    assert "<h2>Title</h2>" in shown
    assert "<h6>deep</h6>" in shown
    for tag in ("<script", "<b>", "<img", 'href="javascript'):
        assert tag not in shown
    blocks = re.findall(r'<pre id="([\w-]+)" tabindex="0">(.*?)</pre>', shown, re.DOTALL)
    assert [text for _, text in blocks] == ["&lt;img&gt;\n", "indented &amp; shown\n"]
    assert re.findall(r'data-copy="([\w-]+)"', shown) == [name for name, _ in blocks]


def shown_secret(page: str) -> str:
    """Return the secret that a page shows."""
    (found,) = re.findall(r'id="secret">([^<]+)<', page)
    return str(found)
