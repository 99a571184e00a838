"""Field values from the settings, with ``{placeholders}`` filled from the projection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from casebridge_core.cases import CaseProjection

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
PLACEHOLDERS: Final = frozenset(
    {"case_id", "title", "summary", "severity", "status", "deep_link", "correlation_key"}
)
"""What a template may name: these attributes of a `CaseProjection`."""
PLACEHOLDERS_SHOWN: Final = ", ".join(f"{{{name}}}" for name in sorted(PLACEHOLDERS))
"""The same, as people read them in a message or a form."""


def fill(value: object, projection: CaseProjection) -> object:
    """Return ``value`` with the placeholders in every text of it filled."""
    match value:
        case str():
            return _PLACEHOLDER.sub(lambda found: _filled(found, projection), value)
        case Mapping():
            members = cast("Mapping[str, object]", value)
            return {key: fill(item, projection) for key, item in members.items()}
        case list() | tuple():
            return [fill(item, projection) for item in cast("Sequence[object]", value)]
        case _:
            return value


def unknown_placeholders(value: object, path: str = "") -> Iterator[str]:
    """Yield the path of every text that holds a placeholder which does not exist."""
    match value:
        case str() if not PLACEHOLDERS.issuperset(_PLACEHOLDER.findall(value)):
            yield path
        case Mapping():
            for key, item in cast("Mapping[str, object]", value).items():
                yield from unknown_placeholders(item, f"{path}.{key}" if path else str(key))
        case list() | tuple():
            for number, item in enumerate(cast("Sequence[object]", value)):
                yield from unknown_placeholders(item, f"{path}[{number}]")
        case _:
            return


def _filled(found: re.Match[str], projection: CaseProjection) -> str:
    name = found.group(1)
    return str(getattr(projection, name)) if name in PLACEHOLDERS else found.group(0)
