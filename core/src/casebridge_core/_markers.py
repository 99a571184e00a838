"""The two pluggy markers of the contract."""

from __future__ import annotations

from typing import Final

import pluggy

PROJECT_NAME: Final = "casebridge"
"""pluggy's project name, which is also the entry-point group that plugins register in."""

CONTRACT_VERSION: Final = 1
"""The version of the hook contract; a plugin states in its manifest which one it was built for."""

OLDEST_CONTRACT: Final = 1
"""The oldest contract whose plugins still work here as they did."""

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)
