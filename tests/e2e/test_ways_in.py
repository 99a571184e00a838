"""Each way in which a Jira can prove itself to the inbox, from its rule or webhook to the case."""

from __future__ import annotations

from typing import Any

from casebridge_jira import JiraConfig
from casebridge_jira.automation import template
from casebridge_sandbox import RunningSandbox
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]


def mint(service: Service, scheme: str) -> Any:
    return service.api.post("/v1/inbox-tokens", {"name": scheme, "scheme": scheme})


def moved_by_a_person(service: Service, jira: Vendor, case: str) -> None:
    service.api.linked(case)
    jira.control.move("SEC-1", "Done", by="Ben Responder")
    eventually(lambda: service.api.status(case) == "resolved")
    jira.control.wait_until_idle()


def test_an_old_data_center_has_the_secret_in_its_address(service: Service, jira: Vendor) -> None:
    jira.control.change_scenario(deployment="data_center", version="9.12.1", context_path="/jira")
    service.add_jira(
        jira,
        base_url=f"{jira.url}/jira",
        deployment="data_center",
        personal_token="jira-sandbox-token",
        api_token=None,
    )
    token = mint(service, "static_url")
    jira.control.send_webhooks_to(token["url"].replace("<secret>", token["secret"]))

    moved_by_a_person(service, jira, service.api.create_case())

    assert not [d for d in jira.control.deliveries() if d.status != 200]


def test_a_rule_of_automation_has_the_secret_in_a_header(service: Service, jira: Vendor) -> None:
    body = template(JiraConfig(base_url=jira.url, project="SEC"))
    jira.control.change_scenario(webhook_format="automation_custom", automation_body=body)
    service.add_jira(jira)
    token = mint(service, "static_header")
    jira.control.send_webhooks_to(token["url"], headers={"X-AiSOC-Secret": token["secret"]})

    moved_by_a_person(service, jira, service.api.create_case())

    jira.control.send_webhooks_to(token["url"], headers={"X-AiSOC-Secret": "another"})
    jira.control.move("SEC-1", "To Do", by="Ben Responder")
    jira.control.wait_until_idle()
    assert jira.control.deliveries()[-1].status == 401
