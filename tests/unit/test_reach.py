"""Which addresses a connector may lead to."""

from __future__ import annotations

import ipaddress

import pytest

from casebridge.services.reach import LOOPBACK, Reach

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "fd00:ec2::254",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "2002:0a00:0001::1",
    "64:ff9b::a9fe:a9fe",
]
PUBLIC = ["104.192.136.1", "2606:4700::1111", "64:ff9b::68c0:8801"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused_whatever_the_name(address: str) -> None:
    assert not Reach.of(LOOPBACK).permits("jira.example.com", ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_permitted(address: str) -> None:
    assert Reach.of("").permits("jira.example.com", ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "jira.localhost", "127.0.0.1", "::1"])
def test_this_machine_is_permitted_when_it_is_named_as_such(host: str) -> None:
    here = ipaddress.ip_address("127.0.0.1")
    assert Reach.of(LOOPBACK).permits(host, here)
    assert not Reach.of("").permits(host, here)


@pytest.mark.parametrize(
    "entry", ["Jira.Corp.example", "10.20.0.0/16", "10.20.1.7", " 10.20.0.1/16 ,x"]
)
def test_what_the_settings_name_is_permitted(entry: str) -> None:
    reach = Reach.of(entry)
    assert reach.permits("jira.corp.example", ipaddress.ip_address("10.20.1.7"))
    assert not reach.permits("other.example", ipaddress.ip_address("10.21.0.1"))


def test_a_network_counts_for_addresses_that_are_translated_too() -> None:
    reach = Reach.of("10.0.0.0/8,64:ff9b::/96")
    assert reach.permits("x", ipaddress.ip_address("64:ff9b::0a00:0001"))
    assert not reach.permits("x", ipaddress.ip_address("64:ff9b::7f00:0001"))


@pytest.mark.parametrize(
    ("netloc", "refused"),
    [
        ("jira.example.com", False),
        ("jira.example.com:8443", False),
        ("104.192.136.1", False),
        ("10.0.0.7", True),
        ("10.0.0.7:8443", True),
        ("[::1]:8080", True),
        ("[fe80::1]", True),
        ("localhost:8080", True),
        ("169.254.169.254", True),
    ],
)
def test_a_number_is_judged_when_it_is_saved(netloc: str, refused: bool) -> None:  # noqa: FBT001
    told = Reach.of("").refusal([netloc])
    assert bool(told) is refused
    if told:
        assert "CASEBRIDGE_PRIVATE_HOSTS" in told
