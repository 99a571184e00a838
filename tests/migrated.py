"""Databases of the newest revision: migrated once in a run, and copied for whoever needs one."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from casebridge.persistence.database import Database
from casebridge.persistence.migrate import upgrade


@cache
def migrated_file() -> Path:
    """Return an SQLite file without rows, to be copied and not to be written."""
    folder = tempfile.mkdtemp(prefix="casebridge-migrated-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder, "casebridge.db")
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


def migrate(url: str) -> None:
    """Bring a database to the newest revision, beside whatever event loop the tests run in."""

    async def work() -> None:
        database = Database(url)
        await upgrade(database)
        await database.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work()).result()
