"""If-Match: a list of entity tags, compared strongly (RFC 9110, 13.1.1)."""

from __future__ import annotations

import pytest

from casebridge.services.faults import Invalid
from casebridge.web.conditions import read_if_match


@pytest.mark.parametrize(
    "lines",
    [[], ["*"], [" * "], ['"1"'], ['"7", "1"'], ['"7"', 'W/"2", "1"'], [',, "1" ,'], ['"7","1"']],
)
def test_version_1_fits(lines: list[str]) -> None:
    assert read_if_match(lines).broken_by(1) is None


@pytest.mark.parametrize(
    "lines", [['"2"'], ['W/"1"'], ['""'], ['"01"'], ['"1\x80"'], ['"7", W/"1"'], ['"*"'], ['"1,2"']]
)
def test_version_1_does_not_fit(lines: list[str]) -> None:
    assert read_if_match(lines).broken_by(1) == "If-Match"


@pytest.mark.parametrize(
    "lines",
    [
        ["1"],
        [""],
        ['"1'],
        ['"1" "2"'],
        ['w/"1"'],
        ['W/ "1"'],
        ["*", '"1"'],
        ['*, "1"'],
        [","],
        ['"1 "'],
        ["'1'"],
        ['"1"; q=1'],
        ['"\x7f"'],
        [", " * 50_000 + "1"],
    ],
    ids=lambda lines: lines[0][:12],
)
def test_it_is_a_list_of_entity_tags_or_refused(lines: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        read_if_match(lines)
    assert refused.value.field == "If-Match"
