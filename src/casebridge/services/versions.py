"""Concurrent edits: which version of a record an edit is meant for."""

from __future__ import annotations

from typing import Final

import msgspec


class Precondition(msgspec.Struct, frozen=True, kw_only=True):
    """The versions of a record that an edit is meant for; it is checked where the edit is written.

    ``tags`` are versions in text, as in an ``If-Match`` header; ``expected`` is the number that a
    body may name as well. None stands for any version, and an edit that names none goes through.
    """

    tags: frozenset[str] | None = None
    expected: int | None = None

    def broken_by(self, version: int) -> str | None:
        """Return the field that a record of this version does not fit, None when it fits."""
        if self.expected is not None and self.expected != version:
            return "expected_version"
        if self.tags is not None and str(version) not in self.tags:
            return "If-Match"
        return None


ANY_VERSION: Final = Precondition()
