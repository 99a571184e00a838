"""A master key that is gone: nothing takes its place while anything is sealed by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from casebridge.bridge import open_bridge
from casebridge.services.vault import VaultError
from casebridge.settings import Settings
from tests.integration.desk import open_desk


async def test_a_start_without_the_key_is_refused_and_makes_no_other(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with open_desk(tmp_path) as desk:
        desk.admin.mint_token()
    kept = settings.key_file.rename(tmp_path / "backup.key")

    with pytest.raises(VaultError, match="put the file back from the backup"):
        async with open_bridge(settings, converging=False):
            pass

    assert not settings.key_file.exists()
    kept.rename(settings.key_file)
    async with open_bridge(settings, converging=False) as bridge:
        assert bridge.vault is not None


async def test_where_nothing_is_sealed_yet_a_key_is_made_anew(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    for _ in range(2):
        async with open_bridge(settings, converging=False):
            assert settings.key_file.exists()
        settings.key_file.unlink()
