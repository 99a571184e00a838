"""How a connector does, in one word and one sentence."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Grade(StrEnum):
    """How urgently somebody has to look."""

    WELL = "well"
    IDLE = "idle"
    STRAINED = "strained"
    STUCK = "stuck"


class Signs(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to judge a connector by; ``failing`` tickets are tried again, ``dead`` not."""

    plugin: bool = True
    fits: bool = True
    enabled: bool = True
    held_by: str | None = None
    paused: bool = False
    paused_by_hand: bool = False
    quiet: bool = False
    failing: int = 0
    dead: int = 0
    reconcile_error: bool = False
    called: bool = True


class Health(msgspec.Struct, frozen=True):
    """A grade, and what it means."""

    grade: Grade
    text: str


def health_of(signs: Signs) -> Health:
    """Judge a connector: the first thing that holds everything up comes first."""
    stopped = signs.paused and not signs.paused_by_hand
    findings = (
        (not signs.plugin, Grade.STUCK, "no plugin serves this vendor; install it and restart"),
        (not signs.fits, Grade.STUCK, "the configuration cannot be used; edit it"),
        (not signs.enabled, Grade.IDLE, "disabled: nothing is pushed and nothing comes back"),
        (
            signs.held_by,
            Grade.IDLE,
            f"the feature flag {signs.held_by} is off: nothing is pushed, and what comes is stored",
        ),
        (signs.paused_by_hand, Grade.IDLE, "paused by hand until somebody resumes it"),
        (stopped, Grade.STUCK, "the breaker is open; a good connection check closes it"),
        (signs.dead, Grade.STUCK, f"{_tickets(signs.dead)} given up; somebody has to look"),
        (signs.quiet, Grade.STRAINED, "quiet for a while, so that the vendor is not overrun"),
        (
            signs.failing,
            Grade.STRAINED,
            f"{_tickets(signs.failing)} failing, tried again by itself",
        ),
        (signs.reconcile_error, Grade.STRAINED, "missed changes cannot be listed"),
        (not signs.called, Grade.IDLE, "not used yet; check the connection"),
    )
    for applies, grade, text in findings:
        if applies:
            return Health(grade, text)
    return Health(Grade.WELL, "all tickets are where their cases are")


def _tickets(count: int) -> str:
    return "1 ticket is" if count == 1 else f"{count} tickets are"
