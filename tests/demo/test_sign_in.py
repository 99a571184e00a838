"""The link that the demo prints: good once, for five minutes, on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from casebridge.demo.sign_in import LASTS, SignInLink
from casebridge.demo.stage import Stage, staged
from tests.stage import MovableClock

KEY = "cbk_of_nobody"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as running_one:
        yield running_one


def code_of(path: str) -> str:
    return path.rpartition("/")[2]


def test_the_first_browser_is_signed_in_and_the_second_is_asked_for_a_key(stage: Stage) -> None:
    with httpx.Client(trust_env=False, follow_redirects=True) as first:
        shown = first.get(stage.sign_in)
        again = first.get(stage.sign_in)
    second = httpx.get(stage.sign_in, trust_env=False)

    assert shown.url.path == again.url.path == "/cases"
    assert "admin" in shown.text
    assert second.status_code == 403
    assert "This link has been used" in second.text
    assert "set-cookie" not in second.headers
    assert stage.key_file.read_text().strip() not in shown.text + second.text


def test_a_link_of_nobodys_signs_nobody_in(stage: Stage) -> None:
    answer = httpx.get(f"{stage.api.url}/sign-in/demo/naïve", trust_env=False)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_link_is_over_after_five_minutes() -> None:
    clock = MovableClock()
    link = SignInLink(clock)
    code = code_of(link.offer(KEY))

    clock.advance(seconds=LASTS.total_seconds() + 1)

    assert link.take(code) is None


def test_a_wrong_code_does_not_use_the_right_one_up_and_a_new_offer_ends_the_old() -> None:
    link = SignInLink(MovableClock())
    old, new = code_of(link.offer(KEY)), code_of(link.offer(KEY))

    assert link.take("x") is None
    assert link.take(old) is None
    assert link.take(new) is not None
    assert link.take(new) is None
