"""Signature headers: what is accepted, and that everything else is refused without an exception."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge_core import AISOC_SIGNATURE, SignatureScheme
from casebridge_core.signatures import decode_signature, digest, sign

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
