"""A secret cannot be shown by accident."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge_core import Secret
from casebridge_core.secret import MASK, decode_secret, mask_secret, secret_schema

MARKER = "s3cr3t-marker"


def test_only_reveal_gives_the_text() -> None:
    assert Secret(MARKER).reveal() == MARKER


@pytest.mark.parametrize("show", [repr, str, format, ascii, "{}".format, "{!r}".format])
def test_showing_a_secret_shows_a_mask(show: Callable[[Secret], str]) -> None:
    assert MARKER not in show(Secret(MARKER))
    assert MASK in show(Secret(MARKER))


def test_it_stays_masked_inside_other_values() -> None:
    assert MARKER not in repr({"token": [Secret(MARKER)]})


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode, json.dumps])
def test_no_encoder_takes_it(encode: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as caught:
        encode(Secret(MARKER))

    assert MARKER not in str(caught.value)


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_cannot_be_pickled_or_copied(duplicate: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        duplicate(Secret(MARKER))


def test_it_has_no_dictionary_to_look_into() -> None:
    assert not hasattr(Secret(MARKER), "__dict__")


def test_an_empty_secret_is_none() -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        Secret("")


@given(st.text(min_size=1), st.text(min_size=1))
def test_secrets_are_equal_when_their_texts_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) is (one == other)
    assert len({Secret(one), Secret(other)}) == len({one, other})


def test_a_lone_surrogate_can_be_compared() -> None:
    assert Secret("\ud800") != Secret("\ud801")


def test_a_secret_does_not_equal_its_text() -> None:
    assert Secret(MARKER) != MARKER


def test_decoding_takes_strings_only() -> None:
    assert decode_secret(Secret, MARKER) == Secret(MARKER)
    with pytest.raises(TypeError, match="Expected `str`"):
        decode_secret(Secret, 5)


def test_other_types_are_left_to_msgspec() -> None:
    with pytest.raises(NotImplementedError):
        decode_secret(complex, MARKER)
    with pytest.raises(NotImplementedError) as caught:
        mask_secret(complex(1))
    with pytest.raises(NotImplementedError):
        secret_schema(complex)

    assert "(1+0j)" not in str(caught.value)


def test_a_masked_secret_is_eight_stars_whatever_its_length() -> None:
    assert mask_secret(Secret("x")) == mask_secret(Secret(MARKER * 9)) == MASK
