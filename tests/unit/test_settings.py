"""The settings: read from the environment, and never quoted back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge.settings import PREFIX, InvalidSettings, Settings

NUMBERS = [
    "CASEBRIDGE_WORKERS",
    "CASEBRIDGE_LEASE_SECONDS",
    "CASEBRIDGE_SWEEP_SECONDS",
    "CASEBRIDGE_VENDOR_TIMEOUT_SECONDS",
    "CASEBRIDGE_INBOX_BODY_BYTES",
]


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_env({})

    assert settings == Settings()
    assert settings.database == "sqlite+aiosqlite:///casebridge-data/casebridge.db"


def test_every_variable_reaches_its_field() -> None:
    given_ones = {
        "CASEBRIDGE_DATA_DIR": "/srv/casebridge",
        "CASEBRIDGE_PUBLIC_URL": "https://soc.example",
        "CASEBRIDGE_WORKERS": "4",
        "CASEBRIDGE_LEASE_SECONDS": "2.5",
    }

    settings = Settings.from_env(given_ones)

    assert settings == Settings(
        data_dir=Path("/srv/casebridge"),
        public_url="https://soc.example",
        workers=4,
        lease_seconds=2.5,
    )


def test_the_processes_own_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEBRIDGE_WORKERS", "3")

    assert Settings.from_env().workers == 3


def test_variables_of_others_are_left_alone() -> None:
    assert Settings.from_env({"PATH": "/bin", "CASEBRIDGES": "two"}) == Settings()


def test_a_misspelt_variable_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_env({"CASEBRIDGE_KEY": "a secret of mine"})

    assert str(caught.value).startswith("CASEBRIDGE_KEY is not a setting; known: ")
    assert "CASEBRIDGE_KEYS" in str(caught.value)
    assert "a secret of mine" not in str(caught.value)


@pytest.mark.parametrize("variable", NUMBERS)
@given(value=st.text(alphabet="ghijklmnopqrstuvwxyz%$", min_size=5))
def test_an_error_names_the_variable_and_never_its_value(variable: str, value: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_env({variable: value})

    assert str(caught.value).startswith(f"{variable} must be a ")
    assert value not in str(caught.value).removeprefix(variable)


def test_every_variable_is_listed_once() -> None:
    variables = Settings.variables()

    assert len(set(variables)) == len(Settings.__struct_fields__)
    assert all(name.startswith(PREFIX) for name in variables)


def test_a_database_of_ones_own_goes_before_the_embedded_one() -> None:
    settings = Settings(database_url="postgresql+asyncpg://db.example/casebridge")

    assert settings.database == "postgresql+asyncpg://db.example/casebridge"


@pytest.mark.parametrize(
    ("plugins", "allowed"),
    [("", None), (" , ", None), ("jira", ("jira",)), ("jira, acme ,", ("jira", "acme"))],
)
def test_the_allow_list_is_split_at_commas(plugins: str, allowed: tuple[str, ...] | None) -> None:
    assert Settings(plugins=plugins).allow_list == allowed


@pytest.mark.parametrize("proxies", ["", "127.0.0.1", "10.0.0.0/8, 2001:db8::/32", " ::1 ,"])
def test_trusted_proxies_are_addresses_and_networks(proxies: str) -> None:
    settings = Settings.from_env({"CASEBRIDGE_TRUSTED_PROXIES": proxies})

    assert settings.proxies == [part for part in proxies.replace(",", " ").split() if part]


@pytest.mark.parametrize("proxies", ["*", "proxy.example", "10.0.0.1/8", "10.0.0.0/8 10.1.1.1"])
def test_anything_else_is_no_trusted_proxy(proxies: str) -> None:
    with pytest.raises(InvalidSettings, match="TRUSTED_PROXIES must hold IP addresses"):
        Settings.from_env({"CASEBRIDGE_TRUSTED_PROXIES": proxies})


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CASEBRIDGE_INBOX_BODY_SECONDS", "0", "must be more than 0"),
        ("CASEBRIDGE_INBOX_TOKEN_RATE", "-1", "must be 0 or more"),
        ("CASEBRIDGE_INBOX_ADDRESS_RATE", "-1", "must be 0 or more"),
        ("CASEBRIDGE_INBOX_TIMESTAMP_SECONDS", "-1", "must be 0 or more"),
    ],
)
def test_a_limit_cannot_be_negative(variable: str, value: str, words: str) -> None:
    with pytest.raises(InvalidSettings, match=f"{variable} {words}"):
        Settings.from_env({variable: value})
