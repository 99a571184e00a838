"""Status maps as data: a case's ladder and a vendor's vocabulary, in both directions."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from casebridge_core.cases import CaseStatus
from casebridge_core.tickets import NativeStatus, StatusCategory


class StatusMap(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin's default maps, from which its two mapping hooks answer.

    ``outbound`` gives the native id or name for a case status. ``inbound`` gives the case status
    for a native id or name (compared without regard to case). ``categories`` is asked last, when
    neither the id nor the name is mapped: the case statuses that a category can stand for, most
    likely first.
    """

    outbound: Mapping[CaseStatus, str]
    inbound: Mapping[str, CaseStatus]
    categories: Mapping[StatusCategory, tuple[CaseStatus, ...]] = {}

    def native_for(self, status: CaseStatus) -> str | None:
        """Return the native status that ``status`` is projected to, or None when it is not."""
        return self.outbound.get(status)

    def meanings_of(
        self, native: NativeStatus, *, by_category: bool = True
    ) -> tuple[CaseStatus, ...] | None:
        """Return the case statuses that ``native`` can stand for, or None when it is not mapped."""
        for name, status in self.inbound.items():
            if native.matches(name):
                return (status,)
        if by_category and native.category is not None:
            return self.categories.get(native.category)
        return None


class StatusOverrides(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One connector instance's own entries, which go before the plugin's maps.

    ``outbound``: case status to native id or name. ``inbound``: native id or name to case status.
    """

    outbound: dict[CaseStatus, str] = {}
    inbound: dict[str, CaseStatus] = {}

    def native_for(self, status: CaseStatus) -> str | None:
        """Return the instance's own native status for ``status``, if it has one."""
        return self.outbound.get(status)

    def meaning_of(self, native: NativeStatus) -> CaseStatus | None:
        """Return the instance's own meaning of ``native``, if it has one."""
        return next((s for name, s in self.inbound.items() if native.matches(name)), None)
