"""The ticket's description as neutral blocks, so that every vendor renders the same projection."""

from __future__ import annotations

import msgspec

from casebridge_core.cases import CaseProjection


class Heading(msgspec.Struct, frozen=True, tag=True):
    """A heading of one line."""

    text: str


class Paragraph(msgspec.Struct, frozen=True, tag=True):
    """Running text; it may hold line breaks and is never empty."""

    text: str


class Bullets(msgspec.Struct, frozen=True, tag=True):
    """A flat list of one-line items; it is never empty."""

    items: tuple[str, ...]


class Link(msgspec.Struct, frozen=True, tag=True):
    """A link with its label."""

    label: str
    url: str


Block = Heading | Paragraph | Bullets | Link


def describe(projection: CaseProjection) -> tuple[Block, ...]:
    """Lay the projection out: summary, link back, severity, detections and involved entities."""
    blocks: list[Block] = []
    if projection.summary.strip():
        blocks.append(Paragraph(projection.summary.strip()))
    blocks.append(Link("Open the case", projection.deep_link))
    facts = [
        f"Severity at creation: {projection.severity}",
        f"Case: {projection.case_id}",
        f"Opened: {projection.opened_at:%Y-%m-%d %H:%M} UTC",
    ]
    if projection.raw_event_count:
        facts.append(f"Raw events: {projection.raw_event_count} (in the case)")
    blocks += [Heading("Facts"), Bullets(tuple(facts))]
    if projection.detections:
        blocks += [Heading("Detections"), Bullets(tuple(map(_one_line, projection.detections)))]
    if projection.entities:
        entities = tuple(_one_line(f"{item.kind}: {item.value}") for item in projection.entities)
        blocks += [Heading("Involved entities"), Bullets(entities)]
    blocks.append(Paragraph(f"Correlation: {projection.correlation_key}"))
    return tuple(blocks)


def _one_line(text: str) -> str:
    # An attacker may have chosen the name of a host or user: it shall not look like our own lines.
    return " ".join(text.split())


def plain_text(blocks: tuple[Block, ...]) -> str:
    """Render blocks as plain text with dashes for bullets."""
    return "\n\n".join(_plain(block) for block in blocks)


def _plain(block: Block) -> str:
    match block:
        case Heading(text):
            return f"{text}\n{'-' * len(text)}"
        case Paragraph(text):
            return text
        case Bullets(items):
            return "\n".join(f"- {item}" for item in items)
        case Link(label, url):
            return f"{label}: {url}"


def shorten(text: str, limit: int, *, mark: str = "…") -> str:
    """Cut ``text`` to at most ``limit`` characters, ending in ``mark`` where it was cut."""
    if len(text) <= limit:
        return text
    return (text[: max(0, limit - len(mark))].rstrip() + mark)[:limit]
