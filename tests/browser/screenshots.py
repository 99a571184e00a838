"""Pictures of the pages, kept for whoever wants to look at them."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

FOLDER = Path(__file__).parents[2] / "build" / "screenshots"


def keep(page: Page, name: str) -> None:
    """Keep a picture of the whole page as ``build/screenshots/<name>.png``."""
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
