"""Running the demo from its first line to its last."""

from __future__ import annotations

import os
import signal
import sys
import webbrowser
from contextlib import suppress

from casebridge.demo.calling import HumanPace, Say
from casebridge.demo.live import play_live, scenarios
from casebridge.demo.stage import Stage, staged
from casebridge.demo.story import Story
from casebridge.logs import configure


def run(*, say: Say, once: bool = False, live: bool = False, browser: bool = True) -> None:
    """Run the demo until Ctrl-C; ``once`` ends it when the story of one case has been told.

    ``live`` goes on with new cases and everything that can happen to them. ``browser`` opens the
    console where there is a desktop and somebody sits at the terminal.

    Raises:
        DemoFailed: a step did not happen within 30 seconds.
    """
    configure("ERROR")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the data is removed
    say("Casebridge demo. Everything runs on this machine, on 127.0.0.1 only.\n")
    jira, servicenow = scenarios() if live else (None, None)
    with suppress(KeyboardInterrupt), staged(jira=jira, servicenow=servicenow) as stage:
        _introduce(stage, say, ends=once)
        if browser and not once and _has_a_desktop():
            webbrowser.open(stage.sign_in)
        if live:
            play_live(stage, say, HumanPace())
        else:
            _tell_one(stage, say, once=once)
    if not once:
        say("\nThe demo is over, and its data is removed.")


def _introduce(stage: Stage, say: Say, *, ends: bool) -> None:
    if not ends:
        say("  Open the console:        (signs you in: once, within 5 minutes)")
        say(f"    {stage.sign_in}")
        say(f"  or sign in at {stage.api.url} with the key in {stage.key_file}\n")
    say(f"  Casebridge               {stage.api.url}  (API: {stage.api.url}/schema)")
    say(f"  stand-in for Jira        {stage.jira.url}")
    say(f"  stand-in for ServiceNow  {stage.servicenow.url}\n")


def _tell_one(stage: Stage, say: Say, *, once: bool) -> None:
    story = Story(stage, say, HumanPace())
    story.play()
    if once:
        return
    say("Look at the case and at what carries it:")
    say(f"  {story.case()['deep_link']}")
    say(f"  {stage.api.url}/connectors")
    say(f"  {stage.api.url}/events")
    say("Move the tickets yourself on their pages and watch the case follow:")
    say(f"  {stage.jira.url}/browse/SEC-1")
    say(f"  {story.ticket('servicenow')['url']}")
    say(f'  curl -H "Authorization: Bearer $(cat {stage.key_file})" \\')
    say(f"       {stage.api.url}/v1/cases/{story.case()['id']}/timeline")
    say("\nCtrl-C ends the demo and removes its data.")
    story.follow()


def _has_a_desktop() -> bool:
    """Tell whether a browser that is opened here is seen by whoever reads the terminal."""
    if not sys.stdout.isatty() or "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform in {"darwin", "win32"} or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
