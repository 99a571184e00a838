"""The pictures of the README: the console with what the live demo brings about, at set times.

They are taken when somebody asks for them: ``PICTURES=1`` in the environment, or `make pictures`.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from casebridge.demo import scenes
from casebridge.demo.acts import Act, Connect, Mend, Until
from casebridge.demo.calling import HumanPace
from casebridge.demo.cast import Cast
from casebridge.demo.live import scenarios
from casebridge.demo.player import Player
from casebridge.demo.stage import Stage, staged
from casebridge.domain import identifiers

IMAGES = Path(__file__).parents[2] / "docs" / "images"
pytestmark = pytest.mark.skipif(
    "PICTURES" not in os.environ, reason="nobody asks for pictures: PICTURES=1 does"
)
MOST_BYTES = 80_000
MOST_PIXELS = 1200
COLOURS = 256


class SetPace(HumanPace):
    """Rests by moving a clock that stands still otherwise."""

    def __init__(self, begins: datetime) -> None:
        self.now = begins

    def clock(self) -> datetime:
        return self.now

    def rest(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """The demo, at a moment at which there is something of everything."""
    pace = SetPace(datetime(2026, 3, 2, 9, 14, tzinfo=UTC))
    chance = random.Random(1)  # noqa: S311 - ids that are the same in every picture
    jira, servicenow = scenarios()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identifiers, "secrets", SimpleNamespace(token_bytes=chance.randbytes))
        with staged(jira=jira, servicenow=servicenow, clock=pace.clock) as staged_one:
            player = Player(staged_one, str, pace)
            for act in _acts():
                player.play(act)
                pace.rest(1)
            yield staged_one


@pytest.fixture
def page(chromium: Browser, stage: Stage) -> Iterator[Page]:
    """A page of the console, as large as a picture."""
    with chromium.new_context(
        base_url=stage.api.url,
        viewport={"width": 1180, "height": 740},
        timezone_id="UTC",
        locale="en-GB",
    ) as opened:
        opened.request.post("/sign-in", form={"key": stage.key_file.read_text().strip()})
        yield opened.new_page()


@pytest.mark.parametrize(
    ("name", "heading", "path"),
    [
        ("console-cases", "Cases", "/cases"),
        ("console-connectors", "Connectors", "/connectors"),
        ("console-unmapped", "Unmapped statuses", "/unmapped"),
    ],
)
def test_a_picture_of_a_list_is_small(page: Page, name: str, heading: str, path: str) -> None:
    page.goto(path)

    assert page.get_by_role("heading", name=heading, exact=True).is_visible()
    keep(page, name)


def test_a_picture_of_a_case_with_its_traffic_is_small(page: Page, stage: Stage) -> None:
    (reopened,) = stage.api.get("/v1/cases", search="Beacon from web-08")["items"]
    page.goto(f"/cases/{reopened['id']}")

    assert page.locator("svg.traffic").is_visible()
    keep(page, "console-case", down_to=".columns")


def test_a_picture_of_a_ticket_is_small(page: Page, stage: Stage) -> None:
    page.set_viewport_size({"width": 820, "height": 740})
    (resolved,) = stage.api.get("/v1/cases", status="resolved")["items"]
    for ticket in stage.api.get(f"/v1/cases/{resolved['id']}")["tickets"]:
        page.goto(ticket["url"])
        keep(page, f"{ticket['vendor']}-ticket", down_to="body")


def keep(page: Page, name: str, *, down_to: str = "main") -> None:
    """Keep a picture of the page down to the end of an element, in few colours."""
    page.evaluate("document.activeElement?.blur()")
    box = page.locator(down_to).bounding_box()
    assert box is not None
    assert page.viewport_size is not None
    bottom = min(box["y"] + box["height"], MOST_PIXELS)
    path = IMAGES / f"{name}.png"
    page.screenshot(
        path=path,
        full_page=True,
        clip={"x": 0, "y": 0, "width": page.viewport_size["width"], "height": bottom},
        animations="disabled",
    )
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    assert path.stat().st_size < MOST_BYTES


def _acts() -> Iterable[Act]:
    cast = Cast(24)
    yield Connect(vendor="jira", config={"category_fallback": False})
    yield Connect(vendor="servicenow")
    yield from scenes.an_incident_from_detection_to_resolution(cast)
    yield from scenes.a_case_is_reopened(cast)
    yield from _up_to("dead", scenes.a_dead_letter(cast))
    yield Mend(vendor="jira")
    yield from scenes.a_conflict_during_maintenance(cast)
    yield from _up_to("no meaning", scenes.an_unmapped_status(cast))


def _up_to(sight: str, acts: Iterable[Act]) -> Iterator[Act]:
    for act in acts:
        yield act
        if isinstance(act, Until) and sight in {act.state, act.said}:
            return
