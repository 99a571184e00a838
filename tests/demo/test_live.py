"""The live demo at full speed: its time is told to it, and nobody rests."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

from casebridge.demo.acts import Open, Rest
from casebridge.demo.live import scenarios
from casebridge.demo.player import Player
from casebridge.demo.script import KINDS, ROUNDS, STATES, script
from casebridge.demo.stage import staged
from tests.stage import MovableClock

A_DAY = 86_400
MOST_BYTES = 100_000_000


class HurriedPace:
    """Moves the clock of the service and of both vendors where a human would rest."""

    def __init__(self, clock: MovableClock) -> None:
        self._clock = clock

    def rest(self, seconds: float) -> None:
        self._clock.advance(seconds=seconds)

    def glance(self) -> None:
        self._clock.advance(seconds=0.5)
        time.sleep(0.005)


def test_the_first_round_shows_every_state_and_every_kind_that_it_promises() -> None:
    clock = MovableClock()
    told: list[str] = []
    jira, servicenow = scenarios()
    with staged(jira=jira, servicenow=servicenow, clock=clock) as stage:
        player = Player(stage, told.append, HurriedPace(clock))
        for act in script(rounds=1):
            player.play(act)
        api = stage.api
        rows = [
            row
            for case in player.cases.values()
            for row in api.get(f"/v1/cases/{case}/timeline", limit=200)["items"]
        ]
        with closing(sqlite3.connect(stage.folder / "casebridge.db")) as database:
            (pages,) = database.execute("PRAGMA page_count").fetchone()
            (size,) = database.execute("PRAGMA page_size").fetchone()

    assert player.states >= STATES
    assert {row["kind"] for row in rows} >= KINDS
    assert not any("{" in line for line in told)
    assert pages * size * ROUNDS < MOST_BYTES


def test_the_script_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    assert list(script(3, rounds=3)) == list(script(3, rounds=3))
    assert list(script(3, rounds=3)) != list(script(4, rounds=3))


def test_left_alone_for_a_day_it_opens_a_few_hundred_cases_and_is_not_at_its_end() -> None:
    acts = list(script())
    opened = [act for act in acts if isinstance(act, Open)]

    assert sum(act.seconds for act in acts if isinstance(act, Rest)) > A_DAY / 2
    assert len(opened) < 500
    assert [act.case for act in opened] == list(range(1, len(opened) + 1))
