"""Connectors added and edited by the console's forms: errors at fields, secrets write-only."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from casebridge.services.tenants import Scope
from casebridge_sandbox import RunningSandbox
from tests.console import Browser
from tests.stage import Service

Vendor = RunningSandbox[Any]
SECRET = "jira-sandbox-token"
NEW = "/connectors/new"


def typed(text: str) -> dict[str, str]:
    """Return what a form would send, as it stands on a page."""
    fields = {"csrf": "", "vendor": "jira"}
    for tag in re.findall(r"<input[^>]*>", text):
        name = re.search(r'name="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name and ("checkbox" not in tag or " checked" in tag):
            fields[name[1]] = html.unescape(value[1]) if value else ""
    for name_, inner in re.findall(
        r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', text, re.DOTALL
    ):
        fields[name_] = html.unescape(inner)
    for name_, inner in re.findall(
        r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL
    ):
        chosen = re.search(r"<option selected>([^<]*)<", inner)
        fields[name_] = chosen[1] if chosen else ""
    return {name: value for name, value in fields.items() if name != "csrf"}


@pytest.fixture
def form(admin: Browser, jira: Vendor) -> dict[str, str]:
    """The form of a new Jira connector, filled in."""
    return {
        **typed(admin.open(NEW, vendor="jira").text),
        "name": "SOC <Jira>",
        "config.base_url": jira.url,
        "config.email": "bridge@example.com",
        "config.api_token": SECRET,
        "config.project": "SEC",
        "limits.calls_per_minute": "120",
    }


@pytest.fixture
def connector(service: Service, jira: Vendor) -> str:
    return service.add_jira(jira)


def config(service: Service, connector: str) -> Any:
    return service.api.get(f"/v1/connectors/{connector}")["config"]


def test_each_vendor_is_offered_with_its_own_form(admin: Browser) -> None:
    offered = admin.open(NEW).text
    shown = admin.open(NEW, vendor="jira").text

    for vendor in ("jira", "roundup", "servicenow"):
        assert f'href="/connectors/new?vendor={vendor}"' in offered
    for word in ("Project key", "as in SEC-1", 'type="password"', "<option selected>cloud<"):
        assert word in shown
    assert "OAuth access token" not in shown
    assert admin.open(NEW, vendor="nobody").status_code == 404


def test_a_connector_is_added_by_its_form_and_works(
    admin: Browser, service: Service, form: dict[str, str]
) -> None:
    form["config.labels"] = "soc\r\ncasebridge"
    form["config.priorities"] = '{"critical": "Highest"}'

    added = admin.submit(NEW, on=NEW, **form)

    (row,) = service.api.get("/v1/connectors")
    assert added.url.path == f"/connectors/{row['id']}"
    assert "Saved" in added.text
    assert "SOC &lt;Jira&gt;" in added.text
    assert row["config"]["labels"] == ["soc", "casebridge"]
    assert row["config"]["priorities"] == {"critical": "Highest"}
    assert row["config"]["category_fallback"] is True
    assert row["limits"] == {"calls_per_minute": 120, "in_flight": 8}
    service.api.linked(service.api.create_case())


def test_what_is_wrong_is_told_at_its_field_and_what_was_typed_stays(
    admin: Browser, service: Service, form: dict[str, str]
) -> None:
    wrong = [
        ("config.base_url", "ftp://x", "must be an absolute URL"),
        ("config.project", "", "is required"),
        ("config.project", "no <such> key", "must be a project key"),
        ("config.deployment", "moon", "is not one of the allowed values"),
        ("config.fields", "{", "not JSON"),
        ("config.transition_fields", '{"Done": 3}', "one of its values: Expected"),
        ("limits.in_flight", "many", "must be a whole number"),
        ("limits.in_flight", "0", "Expected"),
        ("name", "", "Expected"),
    ]
    for name, value, problem in wrong:
        answer = admin.submit(NEW, on="/connectors", **{**form, name: value})

        assert answer.status_code == 400
        assert f'<a href="#{name}">' in answer.text
        at_field = answer.text.partition(f'id="{name}"')[2].partition(f'id="{name}-hint"')[0]
        assert problem in html.unescape(at_field)
        kept = typed(answer.text)
        assert kept["config.email"] == "bridge@example.com"
        assert kept["config.api_token"] == ""
        assert kept[name] == value or name == "config.deployment"
        assert SECRET not in answer.text
    assert service.api.get("/v1/connectors") == []


def test_saving_a_form_as_it_is_changes_nothing(
    admin: Browser, service: Service, connector: str
) -> None:
    on = f"/connectors/{connector}/edit"
    before = config(service, connector)
    shown = admin.open(on)

    saved = admin.submit(on, on=on, **typed(shown.text))

    assert saved.url.path == f"/connectors/{connector}"
    assert config(service, connector) == before
    assert SECRET not in shown.text
    assert 'placeholder="unchanged"' in shown.text
    service.api.linked(service.api.create_case())


def test_a_secret_is_replaced_or_forgotten(
    admin: Browser, service: Service, connector: str, jira: Vendor
) -> None:
    on = f"/connectors/{connector}/edit"
    form = typed(admin.open(on).text)
    jira.control.change_scenario(api_token="another-token-7")

    admin.submit(on, on=on, **{**form, "config.api_token": "another-token-7"})
    service.api.linked(service.api.create_case())
    forgotten = admin.submit(on, on=on, **{**form, "forget.config.api_token": "on"})

    assert forgotten.status_code == 400
    assert "Nothing was saved" in forgotten.text
    assert "another-token-7" not in forgotten.text


def test_a_new_address_asks_for_the_secret_again(
    admin: Browser, service: Service, connector: str
) -> None:
    on = f"/connectors/{connector}/edit"
    form = typed(admin.open(on).text)

    moved = admin.submit(on, on=on, **{**form, "config.base_url": "https://evil.example"})

    assert moved.status_code == 400
    assert "give the secret again" in moved.text.partition('id="config.api_token"')[2]
    assert config(service, connector)["base_url"] == form["config.base_url"]


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
def test_only_administrators_see_the_forms(
    browser: Browser, service: Service, connector: str, scope: Scope
) -> None:
    browser.sign_in(service.new_key(scope)[0])

    assert browser.open(NEW).status_code == 403
    assert browser.open(f"/connectors/{connector}/edit").status_code == 403
    assert "/edit" not in browser.open(f"/connectors/{connector}").text
    assert NEW not in browser.open("/connectors").text
