"""The console as a browser without scripts sees it: signing in, looking, and acting by forms."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from casebridge.services.tenants import Scope
from casebridge_sandbox import RunningSandbox
from tests.console import Browser
from tests.stage import MovableClock, Service, eventually

Vendor = RunningSandbox[Any]


def test_who_is_not_signed_in_is_asked_to_and_then_gets_the_page(
    browser: Browser, service: Service
) -> None:
    case = service.api.create_case("Beacon from web-01")

    asked = browser.open(f"/cases/{case}", actor="api (x)")
    query = parse_qs(urlsplit(str(asked.url)).query)

    assert asked.url.path == "/sign-in"
    assert query["next"] == [f"/cases/{case}?actor=api%20(x)"] or query["next"] == [
        f"/cases/{case}?actor=api+%28x%29"
    ]
    shown = browser.sign_in(service.key(), to=f"/cases/{case}")
    assert shown.url.path == f"/cases/{case}"
    assert "Beacon from web-01" in shown.text


@pytest.mark.parametrize("key", ["", "cbk_nobody", "naïve", "x" * 5000])
def test_a_key_of_nobodys_signs_nobody_in(browser: Browser, key: str) -> None:
    answer = browser.sign_in(key)

    assert answer.status_code == 401
    assert "not a valid API key" in answer.text
    assert "casebridge_session" not in browser.http.cookies
    if key:
        assert key not in answer.text


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\n/x"],
)
def test_signing_in_leads_to_this_service_only(
    browser: Browser, service: Service, elsewhere: str
) -> None:
    browser.http.follow_redirects = False

    assert browser.sign_in(service.key(), to=elsewhere).headers["location"] == "/"


def test_the_session_is_out_of_reach_of_scripts_and_other_sites(
    browser: Browser, service: Service
) -> None:
    browser.http.follow_redirects = False

    cookie = browser.sign_in(service.key()).headers["set-cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert service.key() not in cookie


def test_a_cookie_that_was_changed_is_no_session(admin: Browser) -> None:
    name = "casebridge_session"
    value = admin.http.cookies[name]
    for wrong in (value[:-4] + "AAAA", "", "x", "é"):
        answer = httpx.get(
            str(admin.http.base_url.join("/cases")),
            headers={b"cookie": f"{name}={wrong}".encode()},
            trust_env=False,
        )
        assert answer.status_code == 303


def test_a_session_ends_by_itself_and_with_its_key(
    service: Service, clock: MovableClock, browser: Browser
) -> None:
    key, key_id = service.new_key(Scope.READ)
    browser.sign_in(key)
    assert browser.open("/cases").url.path == "/cases"

    service.revoke_key(key_id)
    clock.advance(seconds=6)  # for so long a key is remembered
    assert browser.open("/cases").url.path == "/sign-in"

    browser.sign_in(service.key())
    clock.advance(hours=13)
    assert browser.open("/cases").url.path == "/sign-in"


def test_signing_out_ends_the_session(admin: Browser) -> None:
    admin.submit("/sign-out", on="/cases")

    assert admin.open("/cases").url.path == "/sign-in"


def test_a_case_and_its_tickets_are_shown(admin: Browser, service: Service, jira: Vendor) -> None:
    service.add_jira(jira)
    case = service.api.create_case("Beacon from web-01", summary="web-01 calls out.")
    service.api.linked(case)
    (link,) = jira.control.ticket("SEC-1").links

    page = admin.open(link.url)

    for text in ("Beacon from web-01", "web-01 calls out.", "SEC-1", "minted SEC-1", "<svg"):
        assert text in page.text
    assert "needs attention" not in page.text.lower()


def test_a_form_moves_the_case_and_the_ticket_follows(
    admin: Browser, service: Service, jira: Vendor
) -> None:
    service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)
    on = f"/cases/{case}"

    shown = admin.submit(f"{on}/status", on=on, status="resolved", reason="it was a test")

    assert shown.url.path == on
    assert "it was a test" in shown.text
    eventually(lambda: jira.control.ticket("SEC-1").status == "Done")


def test_who_looked_at_an_older_case_is_told_so(admin: Browser, service: Service) -> None:
    case = service.api.create_case()
    service.api.move(case, "triage")
    on = f"/cases/{case}"

    answer = admin.submit(f"{on}/status", on=on, status="closed", expected_version="1")

    assert answer.status_code == 409
    assert "read it again" in answer.text
    assert service.api.status(case) == "triage"


@pytest.mark.parametrize("fields", [{"status": "gone"}, {}, {"status": "open", "odd": "x"}])
def test_a_form_that_does_not_fit_is_answered_with_a_page(
    admin: Browser, service: Service, fields: dict[str, str]
) -> None:
    case = service.api.create_case()
    on = f"/cases/{case}"

    answer = admin.submit(f"{on}/status", on=on, **fields)

    assert answer.status_code in {200, 400}
    assert answer.headers["content-type"].startswith("text/html")


def test_a_form_without_its_token_does_nothing(admin: Browser, service: Service) -> None:
    case = service.api.create_case()

    answers = [
        admin.http.post(f"/cases/{case}/status", data={"status": "closed", **token})
        for token in ({}, {"csrf": ""}, {"csrf": "é"}, {"csrf": "x" * 32})
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert service.api.status(case) == "open"


@pytest.mark.parametrize(
    ("scope", "moves", "forces"), [(Scope.READ, 403, 403), (Scope.WRITE, 200, 403)]
)
def test_the_keys_scope_decides_what_one_may_do(
    browser: Browser, service: Service, jira: Vendor, scope: Scope, moves: int, forces: int
) -> None:
    service.add_jira(jira)
    case = service.api.create_case()
    ticket = service.api.linked(case)["jira"]
    browser.sign_in(service.new_key(scope)[0])
    on = f"/cases/{case}"

    assert browser.submit(f"{on}/status", on=on, status="triage").status_code == moves
    forced = browser.submit(
        f"{on}/tickets/{ticket['id']}/force-sync", on=on, reason="because I say so"
    )
    assert forced.status_code == forces
    assert ("Force-sync" in browser.open(on).text) is (scope is Scope.ADMIN)


def test_a_dead_letter_is_seen_first_and_replayed_by_a_button(
    admin: Browser, service: Service, jira: Vendor
) -> None:
    service.add_jira(jira)
    jira.control.arm("status", "create", status=400)
    case = service.api.create_case("Stuck in the middle")
    dead = service.api.ticket_in(case, "jira", "dead")

    listed = admin.open("/cases")
    on = f"/cases/{case}"
    shown = admin.submit(f"{on}/tickets/{dead['id']}/replay", on=on)

    assert "Needs attention" in listed.text
    assert shown.url.path == on
    service.api.linked(case)
    assert "Needs attention" not in admin.open("/cases").text


def test_cases_are_found_by_what_people_know_of_them(
    admin: Browser, service: Service, jira: Vendor
) -> None:
    connector = service.add_jira(jira)
    beacon = service.api.create_case("Beacon from 100% of web-01", severity="high")
    service.api.linked(beacon)
    login = service.api.create_case("Odd sign-in", severity="low", status="triage")
    service.api.linked(login)

    def found(**params: str) -> set[str]:
        text = admin.open("/cases", **params).text
        table = text.partition("What was found")[2]
        return {case for case in (beacon, login) if f"/cases/{case}" in table}

    assert found(search="BEACON") == {beacon}
    assert found(search="100%") == {beacon}
    assert found(search="_") == set()
    assert found(search=login) == {login}
    assert found(search="sec-1") == {beacon}
    assert found(status="triage") == {login}
    assert found(severity="high") == {beacon}
    assert found(sync="linked") == {beacon, login}
    assert found(sync="dead") == set()
    assert found(connector=connector) == {beacon, login}
    assert found(connector="con_other") == set()
    assert found(status="triage", severity="high") == set()
    assert admin.open("/cases", status="odd").status_code == 400
    assert admin.open("/cases", cursor="odd").status_code == 400


def test_more_cases_than_a_page_are_turned_page_by_page(admin: Browser, service: Service) -> None:
    made = [service.api.create_case(f"case {number}") for number in range(60)]

    first = admin.open("/cases").text
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = admin.open(older.replace("&amp;", "&")).text

    def shown(text: str) -> list[str]:
        return re.findall(r'href="/cases/(case_[a-z2-7]+)"', text)

    assert shown(first) + shown(second) == made[::-1]
    assert 'rel="next"' not in second


def test_another_tenants_case_is_not_there(admin: Browser, service: Service) -> None:
    with service.fresh_tenant() as other:
        foreign = other.api.create_case("Theirs")

    for path in (f"/cases/{foreign}", "/cases/case_unknown"):
        answer = admin.open(path)
        assert answer.status_code == 404
        assert "There is nothing here" in answer.text
    assert "Theirs" not in admin.open("/cases").text
    own = f"/cases/{service.api.create_case()}"
    assert admin.submit(f"/cases/{foreign}/status", on=own, status="closed").status_code == 404


def test_what_a_stranger_writes_is_text_on_the_page(admin: Browser, service: Service) -> None:
    title = "<script>alert(1)</script>"
    case = service.api.create_case(title, summary='"><img src=x onerror=alert(2)>')

    for page in (admin.open("/cases"), admin.open(f"/cases/{case}")):
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert "&lt;script&gt;" in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_the_timeline_is_filtered_by_who_and_by_connector(
    admin: Browser, service: Service, jira: Vendor
) -> None:
    connector = service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)

    def rows(**params: str) -> str:
        return admin.open(f"/cases/{case}", **params).text.partition('class="timeline"')[2]

    assert "case created" in rows()
    assert "case created" not in rows(actor="itsm-webhook (jira)")
    assert "minted SEC-1" in rows(actor="itsm-webhook (jira)")
    assert "case created" not in rows(connector=connector)
    assert "minted SEC-1" in rows(connector=connector)
    assert "Nothing on the timeline" in admin.open(f"/cases/{case}", actor="nobody").text


def test_a_page_that_does_not_exist_is_a_page_too(admin: Browser) -> None:
    for path in ("/static/console.js", "/static/casebridge.css"):
        assert admin.open(path).status_code == 200
    answer = admin.open("/live/nothing/at/all")
    assert answer.status_code == 404


def test_an_open_page_is_told_of_changes_to_its_case_and_of_no_other(
    admin: Browser, service: Service
) -> None:
    mine, other = service.api.create_case("mine"), service.api.create_case("other")

    with admin.http.stream("GET", f"/live/cases/{mine}", timeout=60) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith(":")
        service.api.move(other, "triage")
        service.api.move(mine, "triage")
        told = []
        for line in lines:
            if line.startswith("data: case"):
                told.append(line.removeprefix("data:").strip())
                break

    assert told == [mine]


def test_a_page_is_told_of_what_changed_while_it_was_on_its_way(
    admin: Browser, service: Service
) -> None:
    case = service.api.create_case()
    for path in (f"/cases/{case}", "/cases"):
        (live,) = re.findall(r'data-live="([^"]+)"', admin.open(path).text)
        service.api.patch(f"/v1/cases/{case}", {"severity": "high"})

        with admin.http.stream("GET", live) as stream:
            assert any(line == f"data: {case}" for line in stream.iter_lines())


def test_an_open_page_is_told_what_somebody_else_does_to_a_connector(
    admin: Browser, service: Service, jira: Vendor
) -> None:
    connector = service.add_jira(jira)
    pause, resume = (f"/v1/connectors/{connector}/{verb}" for verb in ("pause", "resume"))

    with admin.http.stream("GET", "/live/cases") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith(":")
        case = service.api.create_case()
        assert f"data: {case}" in lines  # from here on it watches
        for verb, body in ((pause, {"reason": "tonight"}), (resume, None)):
            service.api.post(verb, body)
            assert f"data: {connector}" in lines
        service.api.patch(f"/v1/connectors/{connector}", {"name": "another name"})
        assert f"data: {connector}" in lines


def test_the_page_shows_who_has_a_ticket_what_was_written_on_it_and_that_it_is_gone(
    admin: Browser, service: Service, jira: Vendor
) -> None:
    service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)
    jira.control.assign("SEC-1", "Ben Responder")
    comment = jira.control.comment("SEC-1", "The host is back.", by="Ada Analyst")
    jira.control.edit_comment("SEC-1", comment.id, "The host is clean.", by="Ada Analyst")
    eventually(lambda: "The host is clean." in admin.open(f"/cases/{case}").text)
    eventually(lambda: "<dd>Ben Responder</dd>" in admin.open(f"/cases/{case}").text)

    jira.control.delete("SEC-1")

    eventually(lambda: "Deleted at the vendor" in admin.open(f"/cases/{case}").text)
    assert "The host is clean." in admin.open(f"/cases/{case}").text
    assert service.api.case(case)["assignee"] is None
