"""The live demo: the script, played at a human pace until somebody ends it."""

from __future__ import annotations

from typing import Final

from casebridge.demo.calling import Pace, Say
from casebridge.demo.player import Player
from casebridge.demo.scenes import UNKNOWN_STATUSES
from casebridge.demo.script import script
from casebridge.demo.stage import Stage
from casebridge_sandbox import (
    JiraScenario,
    ServiceNowScenario,
    Status,
    open_workflow,
    standard_workflow,
)

_AN_HOUR: Final = 3600.0


def scenarios() -> tuple[JiraScenario, ServiceNowScenario]:
    """Return vendors in which all of the script can happen.

    Jira has statuses that nobody has given a meaning; in ServiceNow our account may close.
    """
    usual = standard_workflow()
    odd = (
        Status(id=str(20_000 + number), name=name, category="active")
        for number, name in enumerate(UNKNOWN_STATUSES)
    )
    flow = open_workflow((*usual.statuses, *odd), initial=usual.initial)
    return (
        JiraScenario(workflow=flow),
        ServiceNowScenario(only_admins_close=False, closed_is_read_only=False),
    )


def play_live(stage: Stage, say: Say, pace: Pace) -> None:
    """Play the script to its end, then stay.

    Raises:
        DemoFailed: a step did not happen within 30 seconds.
    """
    say("Cases come and go by themselves from now on. Ctrl-C ends the demo and removes its data.\n")
    player = Player(stage, say, pace)
    for act in script():
        player.play(act)
    say("\nThat was everything, many times over. The console stays open until Ctrl-C.")
    while True:
        pace.rest(_AN_HOUR)
