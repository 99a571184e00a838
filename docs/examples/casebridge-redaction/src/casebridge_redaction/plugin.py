"""One wrapper around the projection, which every vendor's push goes through."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Final

from msgspec.structs import replace

from casebridge_core import CaseProjection, hookimpl

PATTERNS: Final = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"\b[\w-]+(?:\.[\w-]+)*\.(?:internal|corp|lan|local)\b", re.IGNORECASE), "[host]"),
)


def redact(text: str) -> str:
    """Put a mark in the place of every e-mail address and internal host name."""
    for pattern, mark in PATTERNS:
        text = pattern.sub(mark, text)
    return text


@hookimpl(wrapper=True)
def itsm_project_case() -> Generator[None, CaseProjection, CaseProjection]:
    """Redact every text of the projection; keys and the link stay, as tickets hang on them."""
    projection = yield
    return replace(
        projection,
        title=redact(projection.title),
        summary=redact(projection.summary),
        detections=tuple(map(redact, projection.detections)),
        entities=tuple(replace(e, value=redact(e.value)) for e in projection.entities),
        comments=tuple(replace(c, text=redact(c.text)) for c in projection.comments),
    )
