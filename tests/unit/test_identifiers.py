"""Public identifiers: what they look like, and that nobody can guess them."""

from __future__ import annotations

import re

from casebridge.domain import identifiers
from casebridge.domain.identifiers import correlation_key, new_id

PREFIXES = {value for name, value in vars(identifiers).items() if name.isupper() and name[0] != "_"}


def test_an_identifier_names_its_kind_and_holds_96_random_bits() -> None:
    for prefix in PREFIXES:
        assert re.fullmatch(rf"{prefix}_[a-z2-7]{{20}}", new_id(prefix))


def test_no_two_kinds_share_a_prefix() -> None:
    kinds = [name for name in vars(identifiers) if name.isupper() and name[0] != "_"]

    assert len(kinds) == len(PREFIXES)
    assert {"case", "con", "tok"} <= PREFIXES


def test_identifiers_do_not_repeat() -> None:
    made = {new_id("case") for _ in range(10_000)}

    assert len(made) == 10_000


def test_an_identifier_fits_its_column() -> None:
    longest = max(len(new_id(prefix)) for prefix in PREFIXES)

    assert longest <= 40


def test_a_correlation_key_is_safe_as_a_label_and_as_a_query_value() -> None:
    key = correlation_key(new_id(identifiers.REF))

    assert re.fullmatch(r"aisoc-ref_[a-z2-7]{20}", key)
    assert len(key) == 30
