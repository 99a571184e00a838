"""Cursor pagination: an opaque cursor that names the row to go on from."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from litestar.params import QueryParameter

from casebridge.services.faults import Invalid

RowT = TypeVar("RowT")
ItemT = TypeVar("ItemT")

_LARGEST_ROW_ID: Final = 2**31 - 1  # what an INTEGER column holds on every database

Limit = Annotated[int, QueryParameter(ge=1, le=200, description="How many rows at most.")]
Cursor = Annotated[str | None, QueryParameter(description="`next_cursor` of the page before.")]


class Page(msgspec.Struct, Generic[ItemT], frozen=True):
    """One page; ``next_cursor`` is None on the last one."""

    items: list[ItemT]
    next_cursor: str | None = None


def page_of(
    rows: Sequence[RowT],
    limit: int,
    *,
    row_id: Callable[[RowT], int],
    show: Callable[[RowT], ItemT],
) -> Page[ItemT]:
    """Return a page of rows, of which one more than ``limit`` were asked for."""
    more = encode_cursor(row_id(rows[limit - 1])) if len(rows) > limit else None
    return Page([show(row) for row in rows[:limit]], more)


def encode_cursor(row_id: int) -> str:
    """Return the cursor of a row id."""
    return base64.urlsafe_b64encode(row_id.to_bytes(8, "big")).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> int | None:
    """Return the row id of a cursor.

    Raises:
        Invalid: it is not a cursor of ours.
    """
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    row_id = int.from_bytes(raw, "big")
    if len(raw) != 8 or row_id > _LARGEST_ROW_ID:  # noqa: PLR2004 - the width of a cursor
        raise Invalid("is not a cursor of this list", field="cursor")
    return row_id
