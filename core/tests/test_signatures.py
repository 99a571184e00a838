"""Signature headers: what is accepted, and that everything else is refused without an exception."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge_core import AISOC_SIGNATURE, SignatureScheme
from casebridge_core.signatures import (
    decode_signature,
    digest,
    is_same_secret,
    read_timestamp,
    sign,
    stamped,
)

# The example that Atlassian and GitHub publish for their webhooks.
SECRET = "It's a Secret to Everybody"
BODY = b"Hello World!"
PUBLISHED = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
RAW = bytes.fromhex(PUBLISHED)


def verifies(value: str, secret: str = SECRET, body: bytes = BODY) -> bool:
    return AISOC_SIGNATURE.verify(secret, body, value)


def test_the_published_vector_is_what_we_sign() -> None:
    assert sign(SECRET, BODY) == f"sha256={PUBLISHED}"


@pytest.mark.parametrize(
    "value",
    [
        f"sha256={PUBLISHED}",
        f"SHA256={PUBLISHED}",
        PUBLISHED,
        PUBLISHED.upper(),
        f"  {PUBLISHED}\t",
        base64.b64encode(RAW).decode(),
        f"sha256={base64.b64encode(RAW).decode()}",
    ],
)
def test_hex_and_base64_are_accepted_with_or_without_the_prefix(value: str) -> None:
    assert verifies(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "sha256=",
        "sha256",
        PUBLISHED[:-1],
        PUBLISHED[:-2],
        PUBLISHED + "00",
        PUBLISHED + PUBLISHED,
        "g" * 64,
        " " * 30 + "00" * 17,
        "sha1=" + PUBLISHED,
        "sha256=sha256=" + PUBLISHED,
        base64.b64encode(RAW[:-1]).decode(),
        base64.b64encode(RAW + b"!").decode(),
        base64.b64encode(RAW).decode().rstrip("="),
        "ü" * 64,
        "sha256=" + "é" * 44,
        "\x00" * 64,
        "0" * 64,
        base64.b64encode(bytes(32)).decode(),
        PUBLISHED[0:63] + "٣",
    ],
)
def test_anything_else_is_refused(value: str) -> None:
    assert not verifies(value)


def test_one_changed_byte_of_the_body_is_refused() -> None:
    assert not verifies(PUBLISHED, body=b"Hello World?")


def test_another_secret_is_refused() -> None:
    assert not verifies(PUBLISHED, secret=SECRET.lower())


def test_an_empty_secret_verifies_nothing() -> None:
    assert not verifies(sign("", BODY), secret="")


def test_the_secret_is_keyed_with_its_utf8() -> None:
    expected = hmac.new("geheimnüs".encode(), BODY, hashlib.sha256).digest()

    assert digest("geheimnüs", BODY) == expected


def test_an_empty_body_can_be_signed() -> None:
    assert verifies(sign(SECRET, b""), body=b"")


@given(st.text(min_size=1), st.binary())
def test_what_is_signed_verifies_in_every_notation(secret: str, body: bytes) -> None:
    secret = secret.encode(errors="ignore").decode() or "x"
    raw = digest(secret, body)
    for value in (sign(secret, body), raw.hex().upper(), base64.b64encode(raw).decode()):
        assert AISOC_SIGNATURE.verify(secret, body, value)


@given(st.text())
def test_no_header_makes_decoding_fail(value: str) -> None:
    assert decode_signature(value) is None or len(decode_signature(value) or b"") == 32
    assert not verifies(value)


@given(st.binary(min_size=32, max_size=32).filter(lambda raw: raw != RAW))
def test_no_other_mac_verifies(raw: bytes) -> None:
    assert not verifies(raw.hex())
    assert not verifies(base64.b64encode(raw).decode())


def test_a_plugin_declares_its_own_header() -> None:
    scheme = SignatureScheme(header="x-hub-signature", title="Jira")

    assert scheme.verify(SECRET, BODY, PUBLISHED)
    assert AISOC_SIGNATURE.header == "x-aisoc-signature"


NOON = 1_772_366_400


def test_a_timestamp_is_part_of_what_is_signed() -> None:
    signed = sign(SECRET, BODY, NOON)

    assert signed == sign(SECRET, f"{NOON}.".encode() + BODY)
    assert AISOC_SIGNATURE.verify(SECRET, BODY, signed, str(NOON))
    assert AISOC_SIGNATURE.timestamp_header == "x-aisoc-timestamp"


@pytest.mark.parametrize(
    "timestamp", [None, "", str(NOON + 1), f"0{NOON}", f" {NOON}", "é", "\ud800"]
)
def test_a_timestamp_that_is_changed_or_taken_away_breaks_the_signature(
    timestamp: str | None,
) -> None:
    assert not AISOC_SIGNATURE.verify(SECRET, BODY, sign(SECRET, BODY, NOON), timestamp)


def test_a_timestamp_cannot_be_added_to_what_was_signed_without_one() -> None:
    assert not AISOC_SIGNATURE.verify(SECRET, BODY, sign(SECRET, BODY), str(NOON))


@given(st.binary(), st.binary(), st.integers(0, 99_999_999_999), st.integers(0, 99_999_999_999))
def test_no_two_timestamped_bodies_are_signed_alike(
    body: bytes, other: bytes, at: int, then: int
) -> None:
    same = (body, at) == (other, then)
    assert (stamped(body, str(at)) == stamped(other, str(then))) is same


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (str(NOON), datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("", None),
        ("-1", None),
        ("1e9", None),
        (f"{NOON}.0", None),
        (f"{NOON}000", None),
        (f" {NOON}", None),
        (f"{NOON}, {NOON}", None),
        ("٣" * 10, None),
        ("9" * 5000, None),
    ],
)
def test_a_timestamp_is_unix_seconds_and_nothing_else(value: str, moment: datetime | None) -> None:
    assert read_timestamp(value) == moment


@given(st.text())
def test_no_header_makes_a_timestamp_fail(value: str) -> None:
    read_timestamp(value)


@pytest.mark.parametrize(
    ("given_one", "same"),
    [("s3cret", True), ("S3cret", False), ("", False), ("s3cret\ud800", False)],
)
def test_a_static_secret_is_compared_as_a_whole(given_one: str, same: bool) -> None:  # noqa: FBT001 - a row of the table
    assert is_same_secret(given_one, "s3cret") is same


def test_an_empty_static_secret_is_never_the_one() -> None:
    assert not is_same_secret("", "")
