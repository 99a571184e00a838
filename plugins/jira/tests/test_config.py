"""The configuration: what is refused, with the path of the field and never its value."""

from __future__ import annotations

import msgspec
import pytest

from casebridge_core import InvalidConfig, VendorHooks, decode_config, visible_config
from casebridge_jira import Deployment, JiraConfig


def decoded(settings: dict[str, object], **more: object) -> JiraConfig:
    return decode_config(JiraConfig, {**settings, **more})


def without(settings: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in settings.items() if name not in names}


def test_defaults_are_a_cloud_task(cloud: dict[str, object]) -> None:
    config = decoded(cloud)
    assert config.deployment is Deployment.CLOUD
    assert config.issue_type == "Task"
    assert config.api_url == "https://acme.example.com/rest/api/3"
    assert config.hosts() == frozenset({"acme.example.com"})
    assert config.category_fallback
    assert not config.comments_public


def test_data_center_keeps_its_context_path(data_center: dict[str, object]) -> None:
    config = decoded(data_center, base_url="https://jira.example.com:8443/jira/")
    assert config.api_url == "https://jira.example.com:8443/jira/rest/api/2"
    assert config.hosts() == frozenset({"jira.example.com:8443"})


def test_a_scoped_token_goes_through_the_gateway(cloud: dict[str, object]) -> None:
    config = decoded(cloud, cloud_id="11223344-a1b2-3b33-c444-def123456789")
    assert config.api_url == (
        "https://api.atlassian.com/ex/jira/11223344-a1b2-3b33-c444-def123456789/rest/api/3"
    )
    assert config.hosts() == frozenset({"acme.example.com", "api.atlassian.com"})
    assert config.base_url == "https://acme.example.com"


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("base_url", {"base_url": "http://acme.example.com"}),
        ("project", {"project": 'SEC" OR project = "HR'}),
        ("project", {"project": ""}),
        ("issue_type", {"issue_type": " "}),
        ("email", {"email": ""}),
        ("personal_token", {"personal_token": "both"}),
        ("cloud_id", {"cloud_id": "../../other"}),
        ("gateway_url", {"gateway_url": "http://gateway.example.com"}),
        ("gateway_url", {"gateway_url": "nowhere"}),
        ("auth_url", {"auth_url": "http://auth.example.com"}),
        ("labels[1]", {"labels": ["fine", "not fine"]}),
        ("labels[0]", {"labels": ["x" * 256]}),
        ("fields.summary", {"fields": {"summary": "mine"}}),
        ("fields.customfield_1[0].value", {"fields": {"customfield_1": [{"value": "{secret}"}]}}),
        ("key in priorities", {"priorities": {"urgent": "High"}}),
        ("deployment", {"deployment": "server"}),
        ("colour", {"colour": "red"}),
    ],
)
def test_a_wrong_field_is_named(
    cloud: dict[str, object], path: str, change: dict[str, object]
) -> None:
    with pytest.raises(InvalidConfig) as wrong:
        decoded(cloud, **change)
    assert wrong.value.path.startswith(path)
    assert "s3cret" not in str(wrong.value)
    assert "{secret}" not in str(wrong.value)


def test_each_deployment_asks_for_its_own_credential(
    cloud: dict[str, object], data_center: dict[str, object]
) -> None:
    with pytest.raises(InvalidConfig, match="api_token"):
        decoded(without(cloud, "api_token"))
    with pytest.raises(InvalidConfig, match="personal_token"):
        decoded(without(data_center, "personal_token"))
    with pytest.raises(InvalidConfig, match="cloud_id"):
        decoded(data_center, cloud_id="abc")


OAUTH: dict[str, object] = {
    "base_url": "https://acme.example.com",
    "project": "SEC",
    "cloud_id": "abc-1",
    "client_id": "client",
    "client_secret": "s3cret",
    "refresh_token": "s3cret-refresh",
}


def test_oauth_gives_credentials_to_the_gateway_and_the_oauth_server() -> None:
    config = decoded(OAUTH)
    assert config.hosts() == {"acme.example.com", "api.atlassian.com", "auth.atlassian.com"}
    assert config.api_url == "https://api.atlassian.com/ex/jira/abc-1/rest/api/3"


@pytest.mark.parametrize("missing", ["client_id", "client_secret", "cloud_id"])
def test_oauth_needs_its_client_and_the_gateway(missing: str) -> None:
    with pytest.raises(InvalidConfig) as wrong:
        decoded(without(OAUTH, missing))
    assert wrong.value.path == missing


@pytest.mark.parametrize("other", ["api_token", "personal_token"])
def test_one_credential_is_enough(other: str) -> None:
    with pytest.raises(InvalidConfig, match="either this or"):
        decoded(OAUTH, **{other: "s3cret-too"})


def test_a_scoped_token_may_go_with_its_email(cloud: dict[str, object]) -> None:
    assert decoded(cloud, cloud_id="abc-1").root_url == "https://api.atlassian.com/ex/jira/abc-1"


def test_no_secret_is_ever_shown(either: dict[str, object]) -> None:
    config = decoded(either)
    assert "s3cret" not in repr(config)
    assert "s3cret" not in str(visible_config(config))
    with pytest.raises(TypeError):
        msgspec.json.encode(config)


def test_the_schema_describes_every_field_for_a_form(hooks: VendorHooks) -> None:
    schema = hooks.config_schema()
    properties = schema["$defs"]["JiraConfig"]["properties"]
    undescribed = {name for name, field in properties.items() if "description" not in field}
    assert undescribed <= {"base_url"}  # described by the contract
    for secret in ("api_token", "personal_token", "client_secret", "refresh_token"):
        assert "writeOnly" in str(properties[secret])
    for filled in JiraConfig.renewed_fields:
        assert properties[filled]["readOnly"] is True


def test_fields_of_a_status_are_found_by_name_or_id(cloud: dict[str, object]) -> None:
    config = decoded(cloud, transition_fields={"Done": {"resolution": {"name": "Done"}}})
    assert config.fields_for_status("done", "10002") == {"resolution": {"name": "Done"}}
    assert config.fields_for_status("To Do", None) == {}
