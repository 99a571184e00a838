"""What the values of a table's ``state`` mean, and which way leads from one to another (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from casebridge_core import CaseStatus, NativeStatus, StatusCategory, StatusMap, StatusOverrides

_CODE: Final = re.compile(r"-?[0-9]{1,9}")


class StateModel(msgspec.Struct, frozen=True, kw_only=True):
    """What the values of a table's ``state`` mean.

    ``labels`` gives the stock label of a code, ``spellings`` the code of other labels in use,
    ``categories`` the coarse meaning of a code. ``closing`` are the codes that need ``close_code``
    and ``close_notes``, ``holding`` the one that needs ``hold_reason``, ``final`` the one that
    cannot be written any more. ``ladder`` is the order in which a guarded instance lets a ticket
    go, ``beside`` the rung at which a state that is none of its rungs stands. ``statuses`` are the
    default maps, ``tables`` the stock tables whose choices a table of this model inherits.
    """

    labels: Mapping[str, str]
    categories: Mapping[str, StatusCategory]
    statuses: StatusMap
    ladder: tuple[str, ...]
    tables: tuple[str, ...]
    spellings: Mapping[str, str] = {}
    beside: Mapping[str, str] = {}
    closing: frozenset[str] = frozenset()
    holding: str | None = None
    final: str | None = None

    def code_of(self, text: str) -> str | None:
        """Return the code that ``text`` is or names, or None when only the instance knows."""
        if is_code(text):
            return text
        wanted = text.strip().casefold()
        for code, label in self.labels.items():
            if label.casefold() == wanted:
                return code
        return self.spellings.get(wanted)

    def read(self, value: str, label: str = "") -> NativeStatus | None:
        """Return the status that a code or label stands for, or None when both are empty.

        A label that is known becomes its code, so that either form is the same status.
        """
        text = value or label
        if not text:
            return None
        code = self.code_of(text)
        shown = next((name for name in (label, text) if name and not is_code(name)), "")
        name = shown or self.labels.get(text, text)
        return NativeStatus(id=code, name=name, category=self.categories.get(code or ""))

    def named(self, code: str) -> NativeStatus:
        """Return a state by its code, under its stock label where there is one."""
        return NativeStatus(id=code, name=self.labels.get(code, code))

    def meanings_of(
        self, status: NativeStatus, overrides: StatusOverrides
    ) -> tuple[CaseStatus, ...] | None:
        """Return the case statuses that a state can stand for, or None when it is not mapped.

        The status is read again: a webhook's body need not tell which model is in use, and then a
        label was not known for what it is. Hence also those that are projected to this state.
        """
        code = status.id if status.id in self.labels else self.code_of(status.name)
        known = self.read(code or status.id or status.name, status.name)
        mapped = self.statuses.meanings_of(known) if known else None
        return (
            None if mapped is None else tuple(dict.fromkeys((*mapped, *self._to(code, overrides))))
        )

    def _to(self, code: str | None, overrides: StatusOverrides) -> Iterator[CaseStatus]:
        for status in CaseStatus:
            native = overrides.native_for(status) or self.statuses.native_for(status)
            if code is not None and native is not None and self.code_of(native) == code:
                yield status

    def way(self, source: str | None, target: str | None) -> tuple[str, ...]:
        """Return the states between two states and the second one, up the ladder.

        Empty when the second is no rung above the first. A finished state stands between only where
        the target is a finished one too: those rungs are the ladder's last.
        """
        here = self.beside.get(source or "", source)
        if here not in self.ladder or target not in self.ladder:
            return ()
        return self.ladder[self.ladder.index(here) + 1 : self.ladder.index(target) + 1]


def is_code(text: str) -> bool:
    """Tell whether ``text`` is a state's code, such as ``6`` or ``-5``, and not a label."""
    return _CODE.fullmatch(text) is not None
