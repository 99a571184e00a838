"""A connector's configuration: what is wrong is named by its path, and no value is ever shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge_core import (
    Connector,
    ConnectorConfig,
    InvalidConfig,
    Secret,
    decode_config,
    is_loopback,
    visible_config,
)
from casebridge_core.connectors import config_schema

MARKER = "s3cr3t-marker"
URL = "https://acme.example"


class Mailbox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="mail"):
    password: Secret
    size: int = 1


class Queue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="queue"):
    name: str = ""


class Config(ConnectorConfig, frozen=True, kw_only=True):
    token: Secret
    mode: Literal["basic", "bearer"] = "basic"
    old_token: Secret | None = None
    project: str = "SEC"
    mailboxes: tuple[Mailbox, ...] = ()
    route: Mailbox | Queue | None = None
    labels: dict[Literal["a"], int] = {}  # noqa: RUF012 - msgspec copies it

    def problems(self) -> Iterator[tuple[str, str]]:
        yield from super().problems()
        if self.mode == "bearer" and self.old_token is not None:
            yield "old_token", "is for basic mode only"


class Quoting(ConnectorConfig, frozen=True, kw_only=True):
    token: str

    def __post_init__(self) -> None:
        raise ValueError(f"cannot use {self.token}")


def refusal(raw: object, kind: type[ConnectorConfig] = Config) -> InvalidConfig:
    with pytest.raises(InvalidConfig) as caught:
        decode_config(kind, raw)
    return caught.value


def raw(**fields: object) -> dict[str, object]:
    return {"base_url": URL, "token": MARKER, **fields}


def test_a_right_configuration_is_decoded_into_the_plugins_type() -> None:
    config = decode_config(Config, raw(mailboxes=[{"type": "mail", "password": MARKER}]))

    assert config.token.reveal() == MARKER
    assert config.mailboxes[0].password == Secret(MARKER)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"token": 5}, "token"),
        ({"token": ""}, "token"),
        ({"token": [MARKER]}, "token"),
        ({"mode": MARKER}, "mode"),
        ({"project": 5}, "project"),
        ({"colour": MARKER}, "colour"),
        ({"mailboxes": MARKER}, "mailboxes"),
        ({"mailboxes": [{"type": "mail"}]}, "mailboxes[0].password"),
        ({"mailboxes": [{"type": "mail", "password": 5}]}, "mailboxes[0].password"),
        ({"mailboxes": [{"type": "mail", "password": MARKER, "x": 1}]}, "mailboxes[0].x"),
        (
            {"mailboxes": [{"type": "mail", "password": MARKER, "size": MARKER}]},
            "mailboxes[0].size",
        ),
        ({"route": {"type": MARKER}}, "route.type"),
        ({"route": {"type": "mail", "password": MARKER, "size": None}}, "route.size"),
        ({"labels": {MARKER: "x"}}, "key in labels"),
        ({"labels": {"a": MARKER}}, "labels[...]"),
        ({"base_url": 5}, "base_url"),
        ({"base_url": MARKER}, "base_url"),
        ({"mode": "bearer", "old_token": MARKER}, "old_token"),
    ],
)
def test_a_wrong_field_is_named_by_its_path_and_no_value_is_shown(
    fields: dict[str, object], path: str
) -> None:
    error = refusal(raw(**fields))

    assert error.path == path
    assert MARKER not in f"{error} {error!r} {error.problem} {error.__cause__} {error.args}"


@pytest.mark.parametrize("field", ["base_url", "token"])
def test_a_missing_field_is_named(field: str) -> None:
    error = refusal({name: value for name, value in raw().items() if name != field})

    assert (error.path, error.problem) == (field, "is required")
    assert str(error) == f"{field}: is required"


@pytest.mark.parametrize("value", [None, 5, MARKER, [MARKER], [], True])
def test_what_is_no_object_has_no_path(value: object) -> None:
    error = refusal(value)

    assert error.path == ""
    assert MARKER not in str(error)


def test_a_sentence_that_a_plugins_struct_wrote_is_not_passed_on() -> None:
    error = refusal({"base_url": URL, "token": MARKER}, Quoting)

    assert str(error) == "is not a valid value"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(MARKER),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.sampled_from(["base_url", *Config.__struct_fields__]), json_values)
def test_no_value_of_any_shape_shows_in_an_error(field: str, value: object) -> None:
    try:
        config = decode_config(Config, {**raw(), field: value})
    except InvalidConfig as error:
        shown = f"{error!r} {error}"
    else:
        shown = "" if config.project == MARKER else f"{config!r} {visible_config(config)}"
    assert MARKER not in shown


@given(st.dictionaries(st.text(), st.just(MARKER), min_size=1))
def test_strange_field_names_are_refused_like_any_other(fields: dict[str, str]) -> None:
    assert MARKER not in str(refusal({**fields, "base_url": URL}))


@pytest.mark.parametrize(
    "url",
    [
        "", "acme.example", "ftp://acme.example", "https://", "https:///path", "//acme.example",
        "https://[::1", "https://acme.example:port", "https://acme.example:99999",
        "https://ac me.example", "https://acme.example\n.evil.example", "https://acme\x00.example",
        "http://acme.example", "http://10.0.0.1", "http://localhost.evil.example",
        f"https://user:{MARKER}@acme.example", f"https://{MARKER}@acme.example",
        "https://@acme.example", "http://127.0.0.1@evil.example", "https://acme.example\\@evil.example",
        f"https://acme.example?token={MARKER}", "https://acme.example?", "https://acme.example#x",
        "https://acme.example/#",
    ],
)  # fmt: skip
def test_a_base_url_that_could_send_the_credential_elsewhere_is_refused(url: str) -> None:
    error = refusal(raw(base_url=url))

    assert error.path == "base_url"
    assert MARKER not in str(error)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (URL, "acme.example"),
        ("https://ACME.example:8443/jira", "acme.example:8443"),
        ("https://acme.example:443", "acme.example"),
        ("https://acme.example:65535", "acme.example:65535"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://LOCALHOST", "localhost"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("http://jira.localhost:80", "jira.localhost"),
        ("https://bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_the_hosts_are_written_as_a_request_writes_them(url: str, host: str) -> None:
    config = decode_config(Config, raw(base_url=url))

    assert config.hosts() == {host}
    assert httpx.Request("GET", url).url.netloc.decode() == host


@pytest.mark.parametrize("url", [f"{URL}/", f"{URL}//", f" {URL}", f"{URL}/\n"])
def test_a_trailing_slash_and_white_space_are_dropped(url: str) -> None:
    assert decode_config(Config, raw(base_url=url)).base_url == URL


@pytest.mark.parametrize(
    ("host", "stays"),
    [
        ("localhost", True), ("LocalHost", True), ("a.localhost", True), ("127.0.0.1", True),
        ("127.8.9.10", True), ("::1", True), ("notlocalhost", False), ("10.0.0.1", False),
        ("169.254.169.254", False), ("0.0.0.0", False), ("127.1", False), ("", False),  # noqa: S104
    ],
)  # fmt: skip
def test_loopback_is_what_stays_on_this_machine(host: str, stays: bool) -> None:  # noqa: FBT001
    assert is_loopback(host) is stays


def test_the_visible_configuration_masks_every_secret() -> None:
    config = decode_config(
        Config, raw(old_token=MARKER, mailboxes=[{"type": "mail", "password": MARKER}])
    )

    shown = visible_config(config)

    assert shown["token"] == shown["old_token"] == shown["mailboxes"][0]["password"] == "*" * 8
    assert shown["base_url"] == URL
    assert MARKER not in json.dumps(shown)


def test_a_configuration_cannot_be_changed() -> None:
    config = decode_config(Config, raw())

    with pytest.raises(AttributeError):
        config.base_url = "https://evil.example"  # type: ignore[misc]


def test_a_configuration_cannot_be_encoded_unmasked() -> None:
    with pytest.raises(TypeError) as caught:
        msgspec.json.encode(decode_config(Config, raw()))

    assert MARKER not in str(caught.value)


async def test_no_repr_shows_a_secret() -> None:
    config = decode_config(Config, raw(mailboxes=[{"type": "mail", "password": MARKER}]))
    async with httpx.AsyncClient() as http:
        connector: Connector[Config] = Connector(
            id="1", tenant_id="1", vendor="acme", config=config, http=http
        )

        assert MARKER not in f"{config!r} {config} {connector!r} {connector}"


def test_the_schema_describes_secrets_as_write_only_passwords() -> None:
    schema: dict[str, Any] = config_schema(Config)["$defs"]["Config"]

    assert schema["properties"]["token"] == {
        "type": "string", "format": "password", "writeOnly": True, "minLength": 1,
    }  # fmt: skip
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["base_url", "token"]
