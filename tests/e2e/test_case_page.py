"""The page that a ticket's link back leads to."""

from __future__ import annotations

from typing import Any

import httpx

from casebridge_sandbox import RunningSandbox
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]


def open_page(service: Service, url: str, *, key: str | None = None) -> httpx.Response:
    own = service.api.http.headers["Authorization"].removeprefix("Bearer ")
    password = own if key is None else key
    return httpx.get(url, auth=("anybody", password), trust_env=False)


def test_the_link_in_the_ticket_leads_to_the_case(service: Service, jira: Vendor) -> None:
    service.add_jira(jira)
    case = service.api.create_case("Beacon from web-01", summary="web-01 calls out.")
    service.api.linked(case)
    (link,) = jira.control.ticket("SEC-1").links

    page = open_page(service, link.url)

    assert page.status_code == 200
    for text in ("Beacon from web-01", "web-01 calls out.", "SEC-1", "minted SEC-1"):
        assert text in page.text
    style = httpx.get(f"{service.url}/static/casebridge.css", trust_env=False)
    assert style.headers["content-type"].startswith("text/css")


def test_the_page_asks_for_a_key_and_takes_no_other(service: Service) -> None:
    url = service.api.case(service.api.create_case())["deep_link"]

    answers = [
        httpx.get(url, trust_env=False),
        httpx.get(url, headers={"Authorization": "Basic {}"}, trust_env=False),
        open_page(service, url, key="cbk_nobody"),
        open_page(service, url, key=""),
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert all(answer.headers["www-authenticate"].startswith("Basic ") for answer in answers)


def test_an_unknown_case_and_another_tenants_case_have_no_page(service: Service) -> None:
    with service.fresh_tenant() as other:
        foreign = other.api.create_case()

    for case in (foreign, "case_unknown"):
        assert open_page(service, f"{service.url}/cases/{case}").status_code == 404


def test_what_a_stranger_writes_is_text_on_the_page(service: Service) -> None:
    title = "<script>alert(1)</script>"
    url = service.api.case(service.api.create_case(title))["deep_link"]

    page = open_page(service, url)

    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_the_page_shows_who_has_a_ticket_what_was_written_on_it_and_that_it_is_gone(
    service: Service, jira: Vendor
) -> None:
    service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)
    url = service.api.case(case)["deep_link"]
    jira.control.assign("SEC-1", "Ben Responder")
    comment = jira.control.comment("SEC-1", "The host is back.", by="Ada Analyst")
    jira.control.edit_comment("SEC-1", comment.id, "The host is clean.", by="Ada Analyst")
    eventually(lambda: "The host is clean." in open_page(service, url).text)
    eventually(lambda: "assigned to Ben Responder" in open_page(service, url).text)

    jira.control.delete("SEC-1")

    eventually(lambda: "Deleted at the vendor" in open_page(service, url).text)
    assert "The host is clean." in open_page(service, url).text
    assert service.api.case(case)["assignee"] is None
