"""The configuration: what is refused, with the field's path and never its value."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from casebridge_core import InvalidConfig, Severity, decode_config, visible_config
from casebridge_core.connectors import config_schema
from casebridge_servicenow import Priority, ServiceNowConfig

VALID: dict[str, Any] = {
    "base_url": "https://example.service-now.com",
    "username": "svc.casebridge",
    "password": "correct horse",
}


def decoded(**settings: object) -> ServiceNowConfig:
    raw = {name: value for name, value in {**VALID, **settings}.items() if value is not None}
    return decode_config(ServiceNowConfig, raw)


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("base_url", {"base_url": "http://example.service-now.com"}),
        ("username", {"username": None}),
        ("username", {"username": ""}),
        ("username", {"username": "svc^ORuser_name=admin"}),
        ("username", {"username": "javascript:gs.getUserName()"}),
        ("password", {"password": None}),
        ("password", {"password": ""}),
        ("api_key", {"api_key": "k-secret"}),
        ("api_key", {"password": None, "api_key": "k", "client_secret": "s", "client_id": "c"}),
        ("client_secret", {"client_id": "c"}),
        ("client_id", {"client_secret": "k-secret"}),
        ("table", {"table": "Incident Table"}),
        ("table", {"table": "../sys_user"}),
        ("extra_fields.Own Field", {"extra_fields": {"Own Field": "x"}}),
        ("extra_fields.correlation_id", {"extra_fields": {"correlation_id": "x"}}),
        ("close_notes", {"close_notes": "{case_number}"}),
        ("close_notes", {"close_notes": "{status.__class__}"}),
        ("close_notes", {"close_notes": "{status!r}"}),
        ("close_notes", {"close_notes": "{"}),
        ("close_notes", {"close_notes": "{}"}),
        ("severity_map[...].impact", {"severity_map": {"high": {"impact": 4, "urgency": 1}}}),
        ("correlation_field", {"correlation_field": "state"}),
        ("correlation_field", {"correlation_field": "Own field"}),
        (
            "extra_fields.u_case",
            {"correlation_field": "u_case", "extra_fields": {"u_case": "x"}},
        ),
        ("assignee", {"assignee": "nobody"}),
        ("password", {"password": None, "refresh_token": "k-secret"}),
        ("state_model", {"state_model": "problem"}),
        ("extra_fields.u_case", {"extra_fields": {"u_case": "{case_number}"}}),
        (
            "extra_fields.u_title",
            {"field_names": {"state": "u_title"}, "extra_fields": {"u_title": "x"}},
        ),
        ("field_names.priority", {"field_names": {"priority": "u_priority"}}),
        ("field_names.correlation_id", {"field_names": {"correlation_id": "u_case"}}),
        ("field_names.state", {"field_names": {"state": "Own state"}}),
        ("field_names.state", {"field_names": {"state": "impact"}}),
        ("field_names.state", {"field_names": {"impact": "u_one", "state": "u_one"}}),
        ("field_names.state", {"field_names": {"state": "correlation_id"}}),
    ],
)
def test_a_problem_names_the_field(path: str, settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfig) as refused:
        decoded(**settings)

    assert refused.value.path == path
    assert "k-secret" not in str(refused.value)
    assert "horse" not in str(refused.value)


def test_an_api_key_is_the_other_way_to_sign_in() -> None:
    config = decoded(password=None, api_key="k-secret")

    assert config.api_key is not None
    assert config.password is None


def test_a_refresh_token_that_was_kept_for_a_client_is_in_nobodys_way() -> None:
    kept = decoded(client_id="c", client_secret="s", refresh_token="r")

    assert kept.refresh_token is not None
    assert decoded(password=None, api_key="k", refresh_token="r").api_key is not None
    assert decoded(refresh_token="r").client_secret is None


def test_the_credential_goes_to_the_instance_only() -> None:
    assert decoded(base_url="https://Example.service-now.com/").hosts() == {
        "example.service-now.com"
    }


def test_secrets_are_masked_wherever_the_configuration_is_shown() -> None:
    config = decoded()

    assert visible_config(config)["password"] == "********"
    assert "horse" not in repr(config)
    with pytest.raises(TypeError):
        msgspec.json.encode(config)


def test_the_form_explains_its_fields() -> None:
    schema = config_schema(ServiceNowConfig)
    properties = schema["$defs"]["ServiceNowConfig"]["properties"]

    assert properties["close_code"]["default"] == "Solution provided"
    assert "correlation_key" in properties["close_notes"]["description"]
    assert properties["table"]["title"] == "Table"


def test_the_severities_reach_every_priority() -> None:
    config = decoded()
    matrix = {(1, 1): 1, (1, 2): 2, (1, 3): 3, (2, 1): 2, (2, 2): 3, (2, 3): 4} | {
        (3, 1): 3,
        (3, 2): 4,
        (3, 3): 5,
    }

    priorities = [config.priority_of(severity) for severity in Severity]

    assert [matrix[p.impact, p.urgency] for p in priorities] == [1, 2, 3, 4, 5]


def test_one_severity_can_be_mapped_and_the_others_keep_their_defaults() -> None:
    config = decoded(severity_map={"low": {"impact": 3, "urgency": 3}})

    assert config.priority_of(Severity.LOW) == Priority(impact=3, urgency=3)
    assert config.priority_of(Severity.HIGH) == Priority(impact=1, urgency=2)
