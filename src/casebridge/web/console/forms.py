"""What a page is asked with, by a form or by its address, made into structs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import post
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import Body

from casebridge.services.faults import Invalid
from casebridge.services.tenants import Scope

StructT = TypeVar("StructT", bound=msgspec.Struct)
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
"""A handler's argument ``data``: the fields of a form."""


def order(path: str, scope: Scope, *, answers: bool = False) -> Callable[[Any], HTTPRouteHandler]:
    """Make a function the handler of a form, for whose keys have the scope.

    It leads to the page to look at next, or ``answers`` with a page of its own.
    """
    return post(
        path,
        include_in_schema=False,
        opt={"scope": scope},
        status_code=200 if answers else None,
    )


def filled(kind: type[StructT], fields: Mapping[str, Any]) -> StructT:
    """Make a struct of what a form or an address says.

    Raises:
        Invalid: something does not fit.
    """
    try:
        return msgspec.convert(fields, type=kind, strict=False)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$.")
        raise Invalid(problem, field=path.rstrip("`") or None) from None


def moment(text: str, *, field: str) -> datetime:
    """Read a moment as a form's field sends it; without a time zone it is UTC.

    Raises:
        Invalid: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("is no moment such as 2026-03-01T08:00", field=field) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
